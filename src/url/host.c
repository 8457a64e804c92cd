#include "url/host.h"

#include "base/buf.h"
#include "base/err.h"
#include "url/idna.h"
#include "url/ip.h"
#include "url/percent.h"

static bool is_forbidden_in_host(char c)
{
    switch (c) {
    case '\0':
    case '\t':
    case '\n':
    case '\r':
    case ' ':
    case '#':
    case '/':
    case ':':
    case '<':
    case '>':
    case '?':
    case '@':
    case '[':
    case '\\':
    case ']':
    case '^':
    case '|':
        return true;
    default:
        return false;
    }
}

static bool is_forbidden_in_domain(char c)
{
    return (c >= 0 && c < 0x20) || c == 0x7F || c == '%' || is_forbidden_in_host(c);
}

static bool has_any(struct str text, bool (*is_wanted)(char c))
{
    for (size_t i = 0; i < text.len; i++) {
        if (is_wanted(text.ptr[i]))
            return true;
    }
    return false;
}

static bool is_not_ascii(char c)
{
    return (c & 0x80) != 0;
}

static void append_lowercase(struct buf *to, struct str text)
{
    char *out = buf_reserve(to, text.len);
    if (!out)
        return;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        out[i] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
    }
    buf_commit(to, text.len);
}

// An ASCII domain is taken as it is, even when it holds a label that is no valid punycode.
static int append_ascii_domain(struct buf *to, struct str domain)
{
    if (has_any(domain, is_not_ascii))
        return idna_to_ascii(to, domain);
    append_lowercase(to, domain);
    return to->err;
}

// Appends the domain, which may hold %XX, in ASCII.
static int append_domain(struct buf *to, struct str text)
{
    if (str_find(text, 0, '%') == text.len)
        return append_ascii_domain(to, text);
    struct buf decoded;
    buf_init(&decoded, text.len);
    percent_decode(&decoded, text);
    int err = decoded.err ? decoded.err : append_ascii_domain(to, buf_str(&decoded));
    buf_done(&decoded);
    return err;
}

static int parse_domain(struct buf *to, struct str text)
{
    size_t from = to->len;
    int err = append_domain(to, text);
    if (err)
        return err;
    struct str domain = str_slice(buf_str(to), from, to->len);
    if (domain.len == 0 || has_any(domain, is_forbidden_in_domain))
        return HUB_E_INVALID;
    if (!ipv4_is_meant(domain))
        return HUB_OK;
    uint32_t address;
    err = ipv4_parse(domain, &address);
    if (err)
        return err;
    to->len = from;
    ipv4_append(to, address);
    return to->err;
}

static int parse_opaque(struct buf *to, struct str text)
{
    if (has_any(text, is_forbidden_in_host))
        return HUB_E_INVALID;
    percent_encode(to, text, &percent_c0_set);
    return to->err;
}

static int parse_ipv6(struct buf *to, struct str text)
{
    if (!str_ends_with(text, STR("]")))
        return HUB_E_INVALID;
    uint16_t pieces[8];
    int err = ipv6_parse(str_slice(text, 1, text.len - 1), pieces);
    if (err)
        return err;
    buf_append_c(to, '[');
    ipv6_append(to, pieces);
    buf_append_c(to, ']');
    return to->err;
}

int host_parse(struct buf *to, struct str text, bool is_opaque)
{
    if (str_starts_with(text, STR("[")))
        return parse_ipv6(to, text);
    return is_opaque ? parse_opaque(to, text) : parse_domain(to, text);
}
