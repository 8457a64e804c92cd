#include "url/ip.h"

#include "base/buf.h"
#include "base/err.h"

static bool is_digit_of(char c, unsigned radix, unsigned *ret_digit)
{
    unsigned digit = 16;
    if (c >= '0' && c <= '9')
        digit = (unsigned)(c - '0');
    else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
        digit = (unsigned)((c | 0x20) - 'a') + 10;
    *ret_digit = digit;
    return digit < radix;
}

static unsigned take_radix(struct str *part)
{
    if (part->len < 2 || part->ptr[0] != '0')
        return 10;
    bool is_hex = (part->ptr[1] | 0x20) == 'x';
    *part = str_slice(*part, is_hex ? 2 : 1, part->len);
    return is_hex ? 16 : 8;
}

// A part as decimal, 0x hexadecimal or 0 octal. Numbers that fit no address are all UINT64_MAX.
static bool parse_number(struct str part, uint64_t *ret_number)
{
    if (part.len == 0)
        return false;
    unsigned radix = take_radix(&part);
    uint64_t number = 0;
    for (size_t i = 0; i < part.len; i++) {
        unsigned digit;
        if (!is_digit_of(part.ptr[i], radix, &digit))
            return false;
        number = number > UINT32_MAX ? UINT64_MAX : number * radix + digit;
    }
    *ret_number = number;
    return true;
}

static struct str without_last_dot(struct str domain)
{
    return str_ends_with(domain, STR(".")) ? str_slice(domain, 0, domain.len - 1) : domain;
}

static bool is_decimal(struct str s)
{
    unsigned digit;
    for (size_t i = 0; i < s.len; i++) {
        if (!is_digit_of(s.ptr[i], 10, &digit))
            return false;
    }
    return s.len > 0;
}

bool ipv4_is_meant(struct str domain)
{
    domain = without_last_dot(domain);
    size_t from = domain.len;
    while (from > 0 && domain.ptr[from - 1] != '.')
        from--;
    struct str last = str_slice(domain, from, domain.len);
    uint64_t number;
    return is_decimal(last) || parse_number(last, &number);
}

int ipv4_parse(struct str domain, uint32_t *ret_address)
{
    struct str rest = without_last_dot(domain);
    struct str part;
    uint64_t address = 0;
    uint64_t last = 0;
    unsigned count = 0;
    while (str_split(&rest, '.', &part)) {
        // All parts but the last are one byte each; the last one fills what is left.
        if (count == 4 || last > 255)
            return HUB_E_INVALID;
        if (count > 0)
            address |= last << (32 - 8 * count);
        if (!parse_number(part, &last))
            return HUB_E_INVALID;
        count++;
    }
    if (count == 0 || last >> (40 - 8 * count) != 0)
        return HUB_E_INVALID;
    *ret_address = (uint32_t)(address | last);
    return HUB_OK;
}

void ipv4_append(struct buf *to, uint32_t address)
{
    for (unsigned i = 0; i < 4; i++) {
        if (i > 0)
            buf_append_c(to, '.');
        buf_append_u64(to, address >> (24 - 8 * i) & 255);
    }
}
