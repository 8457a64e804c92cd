#include "jwt/base64url.h"

#include "base/buf.h"
#include "base/err.h"

#include <stdint.h>

static const char digits[64] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

#define FOREIGN 0x80U // no digit has this bit

// The value of each digit plus one, so that what is not listed is zero.
static const uint8_t values[256] = {
    ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,  ['H'] = 8,
    ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16,
    ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
    ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32,
    ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40,
    ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
    ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
    ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['-'] = 63, ['_'] = 64,
};

static unsigned value_of(char c)
{
    unsigned value = values[(unsigned char)c];
    return value ? value - 1 : FOREIGN;
}

size_t base64url_decoded_max(size_t len)
{
    return len / 4 * 3 + len % 4 * 3 / 4;
}

// The two or three digits after the last whole group of four.
static int decode_rest(struct str rest, char *to)
{
    unsigned bits = 0;
    for (size_t i = 0; i < 3; i++) {
        unsigned value = i < rest.len ? value_of(rest.ptr[i]) : 0;
        if (value == FOREIGN)
            return HUB_E_INVALID;
        bits = bits << 6 | value;
    }
    // 18 bits, of which the first 8 or 16 are bytes.
    if (bits & (rest.len == 2 ? 0x3ffU : 0x3U))
        return HUB_E_INVALID;
    to[0] = (char)(bits >> 10);
    if (rest.len == 3)
        to[1] = (char)(bits >> 2);
    return HUB_OK;
}

int base64url_decode(struct str text, char *to, size_t *ret_len)
{
    size_t whole = text.len / 4 * 4;
    if (text.len - whole == 1)
        return HUB_E_INVALID;
    *ret_len = base64url_decoded_max(text.len);
    for (size_t i = 0; i < whole; i += 4, to += 3) {
        unsigned a = value_of(text.ptr[i]);
        unsigned b = value_of(text.ptr[i + 1]);
        unsigned c = value_of(text.ptr[i + 2]);
        unsigned d = value_of(text.ptr[i + 3]);
        if ((a | b | c | d) & FOREIGN)
            return HUB_E_INVALID;
        to[0] = (char)(a << 2 | b >> 4);
        to[1] = (char)(b << 4 | c >> 2);
        to[2] = (char)(c << 6 | d);
    }
    return whole < text.len ? decode_rest(str_slice(text, whole, text.len), to) : HUB_OK;
}

static void append_digits(struct buf *buf, unsigned bits, size_t count)
{
    char group[4];
    for (size_t i = 0; i < 4; i++)
        group[i] = digits[bits >> (18 - 6 * i) & 63];
    buf_append(buf, group, count);
}

void base64url_encode(struct buf *buf, struct str bytes)
{
    const unsigned char *p = (const unsigned char *)bytes.ptr;
    size_t left = bytes.len;
    for (; left >= 3; p += 3, left -= 3)
        append_digits(buf, (unsigned)p[0] << 16 | (unsigned)p[1] << 8 | p[2], 4);
    if (left == 2)
        append_digits(buf, (unsigned)p[0] << 16 | (unsigned)p[1] << 8, 3);
    else if (left == 1)
        append_digits(buf, (unsigned)p[0] << 16, 2);
}
