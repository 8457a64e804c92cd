#include "base/str.h"

#include "base/err.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct str str_from_c(const char *c)
{
    return str_make(c, c ? strlen(c) : 0);
}

bool str_eq(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

bool str_eq_nocase(struct str a, struct str b)
{
    if (a.len != b.len)
        return false;
    // Most that are equal are spelled alike, and that is found out faster.
    if (str_eq(a, b))
        return true;
    for (size_t i = 0; i < a.len; i++) {
        if (lower(a.ptr[i]) != lower(b.ptr[i]))
            return false;
    }
    return true;
}

int str_cmp(struct str a, struct str b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len ? memcmp(a.ptr, b.ptr, len) : 0;
    if (order != 0)
        return order;
    return (a.len > b.len) - (a.len < b.len);
}

bool str_starts_with(struct str s, struct str prefix)
{
    return s.len >= prefix.len && str_eq(str_make(s.ptr, prefix.len), prefix);
}

bool str_ends_with(struct str s, struct str suffix)
{
    return s.len >= suffix.len && str_eq(str_make(s.ptr + s.len - suffix.len, suffix.len), suffix);
}

size_t str_find(struct str s, size_t from, char c)
{
    if (from >= s.len)
        return s.len;
    const char *at = memchr(s.ptr + from, c, s.len - from);
    return at ? (size_t)(at - s.ptr) : s.len;
}

struct str str_slice(struct str s, size_t from, size_t to)
{
    if (to > s.len)
        to = s.len;
    if (from > to)
        from = to;
    return from ? str_make(s.ptr + from, to - from) : str_make(s.ptr, to);
}

static bool blank(char c)
{
    return c == ' ' || c == '\t';
}

struct str str_trim(struct str s)
{
    while (s.len && blank(s.ptr[0])) {
        s.ptr++;
        s.len--;
    }
    while (s.len && blank(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

bool str_split(struct str *s, char sep, struct str *ret_part)
{
    if (!s->ptr)
        return false;
    size_t at = str_find(*s, 0, sep);
    *ret_part = str_make(s->ptr, at);
    *s = at == s->len ? str_make(NULL, 0) : str_make(s->ptr + at + 1, s->len - at - 1);
    return true;
}

int str_to_u64(struct str s, uint64_t *ret_value)
{
    if (s.len == 0)
        return HUB_E_INVALID;
    uint64_t value = 0;
    for (size_t i = 0; i < s.len; i++) {
        unsigned digit = (unsigned char)s.ptr[i] - (unsigned)'0';
        if (digit > 9 || __builtin_mul_overflow(value, 10U, &value) ||
            __builtin_add_overflow(value, digit, &value))
            return HUB_E_INVALID;
    }
    *ret_value = value;
    return HUB_OK;
}

int str_hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

int str_percent_byte(struct str s, size_t at)
{
    if (at + 2 >= s.len || s.ptr[at] != '%')
        return -1;
    int high = str_hex_value(s.ptr[at + 1]);
    int low = str_hex_value(s.ptr[at + 2]);
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

char *str_dup_c(struct str s)
{
    char *copy = malloc(s.len + 1);
    if (!copy)
        return NULL;
    if (s.len)
        memcpy(copy, s.ptr, s.len);
    copy[s.len] = '\0';
    return copy;
}

// The length of the UTF-8 sequence that starts at p, or 0 when it is not valid there.
static size_t sequence_len(const unsigned char *p, size_t left)
{
    if (p[0] < 0x80)
        return 1;
    size_t len = p[0] >= 0xF0 ? 4 : p[0] >= 0xE0 ? 3 : 2;
    if (p[0] < 0xC2 || p[0] > 0xF4 || left < len)
        return 0;
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xC0) != 0x80)
            return 0;
    }
    bool overlong = (p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xF0 && p[1] < 0x90);
    bool surrogate = p[0] == 0xED && p[1] > 0x9F;
    bool beyond = p[0] == 0xF4 && p[1] > 0x8F;
    return overlong || surrogate || beyond ? 0 : len;
}

bool str_is_utf8(struct str s)
{
    const unsigned char *p = (const unsigned char *)s.ptr;
    size_t i = 0;
    while (i < s.len) {
        // Eight ASCII bytes at a time: nearly all payloads are ASCII.
        uint64_t word;
        if (s.len - i >= sizeof(word)) {
            memcpy(&word, p + i, sizeof(word));
            if ((word & UINT64_C(0x8080808080808080)) == 0) {
                i += sizeof(word);
                continue;
            }
        }
        size_t len = sequence_len(p + i, s.len - i);
        if (len == 0)
            return false;
        i += len;
    }
    return true;
}
