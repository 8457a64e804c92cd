#include "url/idna.h"

#include "base/buf.h"
#include "base/err.h"
#include "url/utf8.h"

#include <errno.h>
#include <pthread.h>
#include <unicode/uidna.h>

// The standard asks for CheckBidi and CheckJoiners, without transitional processing.
#define OPTIONS (UIDNA_CHECK_BIDI | UIDNA_CHECK_CONTEXTJ | UIDNA_NONTRANSITIONAL_TO_ASCII)
// It asks for neither CheckHyphens nor VerifyDnsLength, which ICU cannot be told.
#define IGNORED_ERRORS \
    (UIDNA_ERROR_EMPTY_LABEL | UIDNA_ERROR_LABEL_TOO_LONG | UIDNA_ERROR_DOMAIN_NAME_TOO_LONG | \
     UIDNA_ERROR_LEADING_HYPHEN | UIDNA_ERROR_TRAILING_HYPHEN | UIDNA_ERROR_HYPHEN_3_4)
#define ASCII_MAX (4 * IDNA_DOMAIN_MAX)

// ICU's handle, opened on first use and then only read, by all threads; it lives as long as the process.
static UIDNA *uts46;
static pthread_once_t opened = PTHREAD_ONCE_INIT;

// What UTS 46 maps otherwise since versions 15.1 and 16 than in 15.0, which is ICU 72's: it refuses these,
// or, for U+1E9E, gives "ss". A newer ICU maps them itself, to the same. (U+1806, valid since version 16, and
// characters that are newer than ICU's version are refused.)
static const struct mapping {
    uint32_t from;
    uint32_t to;
    uint32_t target; // of `from`; the others follow in order. 0: all are ignored
} newer_mappings[] = {
    {0x04C0, 0x04C0, 0x04CF},    {0x10A0, 0x10C5, 0x2D00},   {0x115F, 0x1160, 0},
    {0x17B4, 0x17B5, 0},         {0x180E, 0x180E, 0},        {0x1E9E, 0x1E9E, 0xDF},
    {0x2061, 0x2063, 0},         {0x206A, 0x206F, 0},        {0x2132, 0x2132, 0x214E},
    {0x2183, 0x2183, 0x2184},    {0x3164, 0x3164, 0},        {0xFFA0, 0xFFA0, 0},
    {0x1D173, 0x1D17A, 0},       {0x2F868, 0x2F868, 0x36FC}, {0x2F874, 0x2F874, 0x5F53},
    {0x2F91F, 0x2F91F, 0x243AB}, {0x2F95F, 0x2F95F, 0x7AEE}, {0x2F9BF, 0x2F9BF, 0x45D7},
};

static void append_mapped(struct buf *to, uint32_t c)
{
    for (size_t i = 0; i < ARRAY_LEN(newer_mappings); i++) {
        const struct mapping *mapping = &newer_mappings[i];
        if (c < mapping->from || c > mapping->to)
            continue;
        if (mapping->target == 0)
            return;
        c = mapping->target + (c - mapping->from);
        break;
    }
    utf8_append(to, c);
}

static void open_uts46(void)
{
    UErrorCode status = U_ZERO_ERROR;
    uts46 = uidna_openUTS46(OPTIONS, &status);
}

static int error_of(UErrorCode status)
{
    return status == U_MEMORY_ALLOCATION_ERROR ? -ENOMEM : HUB_E_INVALID;
}

static int append_ascii(struct buf *to, struct str domain)
{
    (void)pthread_once(&opened, open_uts46);
    if (!uts46)
        return -ENOMEM;
    char ascii[ASCII_MAX];
    UIDNAInfo info = UIDNA_INFO_INITIALIZER;
    UErrorCode status = U_ZERO_ERROR;
    int32_t len =
        uidna_nameToASCII_UTF8(uts46, domain.ptr, (int32_t)domain.len, ascii, ASCII_MAX, &info, &status);
    if (U_FAILURE(status))
        return error_of(status);
    if (info.errors & ~(uint32_t)IGNORED_ERRORS)
        return HUB_E_INVALID;
    buf_append(to, ascii, (size_t)len);
    return to->err;
}

int idna_to_ascii(struct buf *to, struct str domain)
{
    if (domain.len > IDNA_DOMAIN_MAX || !str_is_utf8(domain))
        return HUB_E_INVALID;
    struct buf mapped;
    buf_init(&mapped, IDNA_DOMAIN_MAX); // no mapping is longer than what it replaces
    for (size_t at = 0; at < domain.len;)
        append_mapped(&mapped, utf8_next(domain, &at));
    int err = mapped.err ? mapped.err : append_ascii(to, buf_str(&mapped));
    buf_done(&mapped);
    return err;
}
