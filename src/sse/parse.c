#include "sse/parse.h"

#include "base/err.h"

#include <string.h>

#define BOM "\xEF\xBB\xBF"
#define BOM_LEN 3U

void sse_parser_init(struct sse_parser *parser, size_t max, sse_event_fn *fn, void *arg)
{
    *parser = (struct sse_parser){._fn = fn, ._arg = arg};
    buf_init(&parser->id, max);
    buf_init(&parser->_pending_id, max);
    buf_init(&parser->_type, max);
    buf_init(&parser->_data, max);
    buf_init(&parser->_line, max);
}

void sse_parser_done(struct sse_parser *parser)
{
    buf_done(&parser->id);
    buf_done(&parser->_pending_id);
    buf_done(&parser->_type);
    buf_done(&parser->_data);
    buf_done(&parser->_line);
}

static void set(struct buf *buf, struct str value)
{
    buf_clear(buf);
    buf_append_str(buf, value);
}

void sse_parser_restart(struct sse_parser *parser)
{
    set(&parser->_pending_id, buf_str(&parser->id));
    buf_clear(&parser->_type);
    buf_clear(&parser->_data);
    buf_clear(&parser->_line);
    parser->_started = false;
    parser->_skip_lf = false;
}

static void dispatch(struct sse_parser *parser)
{
    set(&parser->id, buf_str(&parser->_pending_id));
    if (parser->_data.len > 0 && !parser->_data.err) {
        struct sse_event event = {
            .type = buf_str(&parser->_type),
            .id = buf_str(&parser->id),
            .data = str_make(parser->_data.ptr, parser->_data.len - 1), // without its last line end
            .retry_ms = parser->retry_ms,
        };
        parser->_fn(parser->_arg, &event);
    }
    buf_clear(&parser->_type);
    buf_clear(&parser->_data);
}

static void take_field(struct sse_parser *parser, struct str name, struct str value)
{
    if (str_eq(name, STR("data"))) {
        buf_append_str(&parser->_data, value);
        buf_append_c(&parser->_data, '\n');
    } else if (str_eq(name, STR("event"))) {
        set(&parser->_type, value);
    } else if (str_eq(name, STR("id"))) {
        if (str_find(value, 0, '\0') == value.len)
            set(&parser->_pending_id, value);
    } else if (str_eq(name, STR("retry"))) {
        uint64_t retry_ms;
        if (str_to_u64(value, &retry_ms) == HUB_OK)
            parser->retry_ms = retry_ms;
    }
}

static int first_error(const struct sse_parser *parser)
{
    const struct buf *bufs[] = {&parser->_data, &parser->_type, &parser->_pending_id, &parser->id};
    for (size_t i = 0; i < ARRAY_LEN(bufs); i++) {
        if (bufs[i]->err)
            return bufs[i]->err;
    }
    return HUB_OK;
}

static int take_line(struct sse_parser *parser, struct str line)
{
    if (line.len == 0) {
        dispatch(parser);
    } else if (line.ptr[0] != ':') {
        size_t colon = str_find(line, 0, ':');
        struct str value = str_slice(line, colon + 1, line.len);
        if (str_starts_with(value, STR(" ")))
            value = str_slice(value, 1, value.len);
        take_field(parser, str_slice(line, 0, colon), value);
    }
    return first_error(parser);
}

// The index of the first CR or LF, or the length. By windows, so that a long run without the one is not
// searched again for each of the other.
static size_t find_line_end(struct str s)
{
    for (size_t from = 0; from < s.len; from += 256) {
        struct str window = str_slice(s, from, from + 256);
        size_t lf = str_find(window, 0, '\n');
        size_t end = str_find(str_make(window.ptr, lf), 0, '\r');
        if (end < window.len)
            return from + end;
    }
    return s.len;
}

// Joins the line's end to the start that came earlier, if any.
static int end_line(struct sse_parser *parser, struct str end)
{
    if (parser->_line.len == 0)
        return take_line(parser, end);
    buf_append_str(&parser->_line, end);
    int err = parser->_line.err ? parser->_line.err : take_line(parser, buf_str(&parser->_line));
    buf_clear(&parser->_line);
    return err;
}

static int take_bytes(struct sse_parser *parser, struct str bytes)
{
    while (bytes.len) {
        if (parser->_skip_lf && bytes.ptr[0] == '\n')
            bytes = str_slice(bytes, 1, bytes.len);
        parser->_skip_lf = false;
        size_t at = find_line_end(bytes);
        if (at == bytes.len) {
            buf_append_str(&parser->_line, bytes);
            return parser->_line.err;
        }
        int err = end_line(parser, str_slice(bytes, 0, at));
        if (err)
            return err;
        parser->_skip_lf = bytes.ptr[at] == '\r';
        bytes = str_slice(bytes, at + 1, bytes.len);
    }
    return HUB_OK;
}

// Holds the first bytes back while they may still become a byte order mark.
static int start(struct sse_parser *parser, struct str *bytes)
{
    struct buf *line = &parser->_line;
    while (bytes->len && line->len < BOM_LEN && bytes->ptr[0] == BOM[line->len]) {
        buf_append_c(line, bytes->ptr[0]);
        *bytes = str_slice(*bytes, 1, bytes->len);
    }
    if (line->len < BOM_LEN && bytes->len == 0)
        return line->err;
    if (line->len == BOM_LEN)
        buf_clear(line);
    parser->_started = true;
    return line->err;
}

int sse_parser_feed(struct sse_parser *parser, struct str bytes)
{
    if (!parser->_started) {
        int err = start(parser, &bytes);
        if (err)
            return err;
    }
    return take_bytes(parser, bytes);
}
