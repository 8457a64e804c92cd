#include "url/ip.h"

#include "base/buf.h"
#include "base/err.h"

#include <string.h>

#define PIECES 8
#define NO_COMPRESSION (PIECES + 1)

struct reader {
    struct str in;
    size_t at;
    uint16_t *pieces;
    unsigned count;
    unsigned compress; // the piece that "::" stands before, or NO_COMPRESSION
};

static char peek(const struct reader *reader)
{
    return reader->at < reader->in.len ? reader->in.ptr[reader->at] : '\0';
}

static bool at_end(const struct reader *reader)
{
    return reader->at >= reader->in.len;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

// Up to four hexadecimal digits; returns how many there were.
static unsigned read_hex(struct reader *reader, uint16_t *ret_value)
{
    unsigned len = 0;
    unsigned value = 0;
    for (; len < 4; len++, reader->at++) {
        char c = peek(reader);
        char lower = (char)(c | 0x20);
        if (is_digit(c))
            value = value * 16 + (unsigned)(c - '0');
        else if (lower >= 'a' && lower <= 'f')
            value = value * 16 + (unsigned)(lower - 'a') + 10;
        else
            break;
    }
    *ret_value = (uint16_t)value;
    return len;
}

// A decimal number up to 255 without leading zeros.
static int read_decimal_byte(struct reader *reader, unsigned *ret_value)
{
    if (!is_digit(peek(reader)))
        return HUB_E_INVALID;
    unsigned value = (unsigned)(peek(reader) - '0');
    reader->at++;
    while (is_digit(peek(reader))) {
        if (value == 0)
            return HUB_E_INVALID;
        value = value * 10 + (unsigned)(peek(reader) - '0');
        if (value > 255)
            return HUB_E_INVALID;
        reader->at++;
    }
    *ret_value = value;
    return HUB_OK;
}

// The last two pieces in the form of an IPv4 address.
static int read_ipv4(struct reader *reader)
{
    if (reader->count > PIECES - 2)
        return HUB_E_INVALID;
    for (unsigned i = 0; i < 4; i++) {
        unsigned value;
        if (i > 0 && peek(reader) != '.')
            return HUB_E_INVALID;
        reader->at += i > 0;
        int err = read_decimal_byte(reader, &value);
        if (err)
            return err;
        uint16_t *piece = &reader->pieces[reader->count + i / 2];
        *piece = (uint16_t)(*piece * 256U + value);
    }
    reader->count += 2;
    return at_end(reader) ? HUB_OK : HUB_E_INVALID;
}

// A piece and the colon after it, if one follows.
static int read_piece(struct reader *reader)
{
    uint16_t value;
    size_t from = reader->at;
    unsigned len = read_hex(reader, &value);
    if (peek(reader) == '.' && len > 0) {
        reader->at = from;
        return read_ipv4(reader);
    }
    if (!at_end(reader)) {
        if (peek(reader) != ':')
            return HUB_E_INVALID;
        reader->at++;
        if (at_end(reader))
            return HUB_E_INVALID;
    }
    reader->pieces[reader->count++] = value;
    return HUB_OK;
}

static int read_pieces(struct reader *reader)
{
    while (!at_end(reader)) {
        if (reader->count == PIECES)
            return HUB_E_INVALID;
        if (peek(reader) == ':') {
            if (reader->compress != NO_COMPRESSION)
                return HUB_E_INVALID;
            reader->at++;
            reader->compress = ++reader->count;
            continue;
        }
        int err = read_piece(reader);
        if (err)
            return err;
    }
    return HUB_OK;
}

// "::" was counted as one piece of zeros; it is as many as are missing.
static int expand(struct reader *reader)
{
    if (reader->compress == NO_COMPRESSION)
        return reader->count == PIECES ? HUB_OK : HUB_E_INVALID;
    size_t moved = reader->count - reader->compress;
    size_t missing = PIECES - reader->count;
    uint16_t *from = reader->pieces + reader->compress;
    memmove(from + missing, from, moved * sizeof(*from));
    memset(from, 0, missing * sizeof(*from));
    return HUB_OK;
}

int ipv6_parse(struct str text, uint16_t ret_pieces[PIECES])
{
    struct reader reader = {.in = text, .pieces = ret_pieces, .compress = NO_COMPRESSION};
    memset(ret_pieces, 0, PIECES * sizeof(*ret_pieces));
    if (peek(&reader) == ':') {
        if (!str_starts_with(text, STR("::")))
            return HUB_E_INVALID;
        reader.at = 2;
        reader.compress = ++reader.count;
    }
    int err = read_pieces(&reader);
    return err ? err : expand(&reader);
}

struct run {
    unsigned from;
    unsigned len;
};

// The first of the longest runs of two or more zeros; its length is 0 when there is none.
static struct run longest_zeros(const uint16_t pieces[PIECES])
{
    struct run longest = {0, 1};
    struct run run = {0, 0};
    for (unsigned i = 0; i < PIECES; i++) {
        if (pieces[i] != 0) {
            run = (struct run){i + 1, 0};
            continue;
        }
        run.len++;
        if (run.len > longest.len)
            longest = run;
    }
    return longest.len > 1 ? longest : (struct run){0, 0};
}

void ipv6_append(struct buf *to, const uint16_t pieces[PIECES])
{
    struct run zeros = longest_zeros(pieces);
    for (unsigned i = 0; i < PIECES; i++) {
        if (zeros.len > 0 && i == zeros.from) {
            buf_append_str(to, i == 0 ? STR("::") : STR(":"));
            i += zeros.len - 1;
            continue;
        }
        buf_printf(to, i < PIECES - 1 ? "%x:" : "%x", (unsigned)pieces[i]);
    }
}
