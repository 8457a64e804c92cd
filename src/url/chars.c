#include "url/chars.h"

#include "url/utf8.h"

#include <string.h>
#include <unicode/uchar.h>

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

// Whether all eight bytes are printable ASCII. The high bit of a byte of each term tells what is wrong with
// it (or with one below it, which borrowed): not ASCII, below space, DEL.
static bool is_plain_word(const char *ptr)
{
    uint64_t word;
    memcpy(&word, ptr, sizeof(word));
    uint64_t below_space = word - EACH(0x20);
    uint64_t del = (word ^ EACH(0x7F)) - EACH(0x01);
    return ((word | below_space | del) & EACH(0x80)) == 0;
}

static bool is_allowed(uint32_t c)
{
    if (c < 0x20 || (c >= 0x7F && c <= 0x9F))
        return false;
    return c < 0x80 || u_charType((UChar32)c) != U_FORMAT_CHAR;
}

bool chars_valid(struct str text)
{
    if (!str_is_utf8(text))
        return false;
    size_t at = 0;
    while (at < text.len) {
        if (text.len - at >= sizeof(uint64_t) && is_plain_word(text.ptr + at))
            at += sizeof(uint64_t);
        else if (!is_allowed(utf8_next(text, &at)))
            return false;
    }
    return true;
}
