#include "bench/stamp.h"

#include <string.h>

#define NUMBER_DIGITS 8U
#define TIME_DIGITS 16U

static void write_hex(char *to, unsigned digits, uint64_t value)
{
    for (unsigned i = digits; i > 0; value >>= 4)
        to[--i] = "0123456789abcdef"[value & 15];
}

void stamp_write(char *to, const struct stamp *stamp)
{
    to[0] = '@';
    write_hex(to + 1, NUMBER_DIGITS, stamp->number);
    write_hex(to + 1 + NUMBER_DIGITS, TIME_DIGITS, stamp->due_ns);
}

static bool read_hex(const char *from, unsigned digits, uint64_t *ret_value)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < digits; i++) {
        unsigned c = (unsigned char)from[i];
        unsigned digit = c - (unsigned)'0';
        if (digit > 9) {
            digit = c - (unsigned)'a' + 10;
            if (digit < 10 || digit > 15)
                return false;
        }
        value = value << 4 | digit;
    }
    *ret_value = value;
    return true;
}

static bool read_stamp(const char *from, struct stamp *ret_stamp)
{
    uint64_t number;
    if (!read_hex(from + 1, NUMBER_DIGITS, &number) ||
        !read_hex(from + 1 + NUMBER_DIGITS, TIME_DIGITS, &ret_stamp->due_ns))
        return false;
    ret_stamp->number = (uint32_t)number;
    return true;
}

static void take_padding(struct stamp_scan *scan, struct str *bytes)
{
    size_t len = scan->skip < bytes->len ? scan->skip : bytes->len;
    *bytes = str_slice(*bytes, len, bytes->len);
    scan->skip -= (uint32_t)len;
}

bool stamp_next(struct stamp_scan *scan, uint32_t size, struct str *bytes, struct stamp *ret_stamp)
{
    for (;;) {
        take_padding(scan, bytes);
        *bytes = str_slice(*bytes, str_find(*bytes, 0, '@'), bytes->len);
        if (bytes->len < STAMP_LEN)
            return false;
        bool found = read_stamp(bytes->ptr, ret_stamp);
        *bytes = str_slice(*bytes, found ? STAMP_LEN : 1, bytes->len);
        if (found) {
            scan->skip = size - (uint32_t)STAMP_LEN;
            return true;
        }
    }
}
