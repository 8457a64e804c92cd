#include "http/chunked.h"

#include "base/err.h"

#define EXTENSIONS_MAX 4096U
#define TRAILERS_MAX 16384U
#define DIGITS_MAX 16U

enum state {
    STATE_SIZE,
    STATE_EXTENSION,
    STATE_SIZE_LF,
    STATE_DATA,
    STATE_DATA_CR,
    STATE_DATA_LF,
    STATE_TRAILER_START, // of a line
    STATE_TRAILER,
    STATE_TRAILER_LF,
    STATE_LAST_LF,
    STATE_ENDED,
};

static bool is_control(char c)
{
    return ((unsigned char)c < 0x20 && c != '\t') || c == 0x7f;
}

static int take_size(struct http_chunked *chunked, char c)
{
    int value = str_hex_value(c);
    if (value >= 0) {
        if (chunked->_digits++ == DIGITS_MAX)
            return HUB_E_INVALID;
        chunked->_left = chunked->_left << 4 | (unsigned)value;
        return HUB_OK;
    }
    if (chunked->_digits == 0 || (c != '\r' && c != ';'))
        return HUB_E_INVALID;
    chunked->_state = c == ';' ? STATE_EXTENSION : STATE_SIZE_LF;
    return HUB_OK;
}

static int take_extra(struct http_chunked *chunked, char c, enum state line_end, uint32_t max)
{
    if (c == '\r') {
        chunked->_state = (uint8_t)line_end;
        return HUB_OK;
    }
    if (is_control(c))
        return HUB_E_INVALID;
    return ++chunked->_extra > max ? HUB_E_TOO_BIG : HUB_OK;
}

static int take_trailer_start(struct http_chunked *chunked, char c)
{
    if (c == '\r') {
        chunked->_state = STATE_LAST_LF;
        return HUB_OK;
    }
    chunked->_state = STATE_TRAILER;
    return c == ' ' || c == '\t' ? HUB_E_INVALID : take_extra(chunked, c, STATE_TRAILER_LF, TRAILERS_MAX);
}

static int expect(struct http_chunked *chunked, char c, char expected, enum state next)
{
    chunked->_state = (uint8_t)next;
    return c == expected ? HUB_OK : HUB_E_INVALID;
}

static int end_size(struct http_chunked *chunked, char c)
{
    chunked->_digits = 0;
    chunked->_extra = 0;
    return expect(chunked, c, '\n', chunked->_left ? STATE_DATA : STATE_TRAILER_START);
}

static int take_char(struct http_chunked *chunked, char c)
{
    switch ((enum state)chunked->_state) {
    case STATE_SIZE:
        return take_size(chunked, c);
    case STATE_EXTENSION:
        return take_extra(chunked, c, STATE_SIZE_LF, EXTENSIONS_MAX);
    case STATE_SIZE_LF:
        return end_size(chunked, c);
    case STATE_DATA_CR:
        return expect(chunked, c, '\r', STATE_DATA_LF);
    case STATE_DATA_LF:
        return expect(chunked, c, '\n', STATE_SIZE);
    case STATE_TRAILER_START:
        return take_trailer_start(chunked, c);
    case STATE_TRAILER:
        return take_extra(chunked, c, STATE_TRAILER_LF, TRAILERS_MAX);
    case STATE_TRAILER_LF:
        return expect(chunked, c, '\n', STATE_TRAILER_START);
    case STATE_LAST_LF:
        return expect(chunked, c, '\n', STATE_ENDED);
    case STATE_DATA:
    case STATE_ENDED:
        break;
    }
    return HUB_OK;
}

static struct str take_data(struct http_chunked *chunked, struct str *bytes)
{
    size_t len = bytes->len < chunked->_left ? bytes->len : (size_t)chunked->_left;
    struct str piece = str_slice(*bytes, 0, len);
    *bytes = str_slice(*bytes, len, bytes->len);
    chunked->_left -= len;
    if (chunked->_left == 0)
        chunked->_state = STATE_DATA_CR;
    return piece;
}

int http_chunked_next(struct http_chunked *chunked, struct str *bytes, struct str *ret_piece)
{
    *ret_piece = str_make(NULL, 0);
    while (bytes->len && chunked->_state != STATE_ENDED) {
        if (chunked->_state == STATE_DATA) {
            *ret_piece = take_data(chunked, bytes);
            return HUB_OK;
        }
        int err = take_char(chunked, bytes->ptr[0]);
        *bytes = str_slice(*bytes, 1, bytes->len);
        if (err)
            return err;
    }
    return HUB_OK;
}

bool http_chunked_ended(const struct http_chunked *chunked)
{
    return chunked->_state == STATE_ENDED;
}
