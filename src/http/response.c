#include "http/response.h"

#include "base/assert.h"
#include "base/err.h"
#include "http/status.h"

#include <errno.h>

#define ARENA_MAX 65536U

enum state {
    STATE_HEAD,
    STATE_LENGTH,
    STATE_CHUNKED,
    STATE_UNTIL_CLOSE,
    STATE_ENDED,
};

void http_response_parser_init(struct http_response_parser *parser, size_t max)
{
    *parser = (struct http_response_parser){._max = max};
    arena_init(&parser->_arena, ARENA_MAX);
    buf_init(&parser->_head, max);
}

void http_response_parser_done(struct http_response_parser *parser)
{
    arena_done(&parser->_arena);
    buf_done(&parser->_head);
}

// Ready for the next head; keeps whether a body is expected.
static void begin(struct http_response_parser *parser)
{
    arena_done(&parser->_arena);
    arena_init(&parser->_arena, ARENA_MAX);
    buf_clear(&parser->_head);
    parser->fields = (struct http_fields){0};
    parser->status = 0;
    parser->_scan = (struct http_head_scan){0};
    parser->_chunked = (struct http_chunked){0};
    parser->_state = STATE_HEAD;
}

void http_response_parser_restart(struct http_response_parser *parser, bool no_body)
{
    begin(parser);
    parser->_no_body = no_body;
}

static int choose_framing(struct http_response_parser *parser)
{
    const struct http_fields *fields = &parser->fields;
    struct str coding = http_fields_get(fields, STR("Transfer-Encoding"));
    struct str length = http_fields_get(fields, STR("Content-Length"));
    parser->_left = 0;
    parser->_state = STATE_LENGTH;
    if (parser->_no_body || http_status_is_empty(parser->status))
        return HUB_OK;
    if (coding.ptr) {
        if (!str_eq_nocase(coding, STR("chunked")) || http_fields_count(fields, STR("Transfer-Encoding")) > 1)
            return HUB_E_INVALID;
        parser->_state = STATE_CHUNKED;
    } else if (length.ptr) {
        if (http_fields_count(fields, STR("Content-Length")) > 1)
            return HUB_E_INVALID;
        return str_to_u64(length, &parser->_left);
    } else {
        parser->_state = STATE_UNTIL_CLOSE;
    }
    return HUB_OK;
}

static bool may_be_reused(const struct http_response_parser *parser)
{
    if (parser->_state == STATE_UNTIL_CLOSE)
        return false;
    if (http_fields_have_token(&parser->fields, STR("Connection"), STR("close")))
        return false;
    return str_starts_with(buf_str(&parser->_head), STR("HTTP/1.1")) ||
           http_fields_have_token(&parser->fields, STR("Connection"), STR("keep-alive"));
}

static int parse_head(struct http_response_parser *parser)
{
    const char *reason;
    int err = http_fields_parse_response(&parser->fields, &parser->status, buf_str(&parser->_head),
                                         parser->_scan.lines, &parser->_arena, &reason);
    if (!err)
        err = choose_framing(parser);
    if (!err)
        parser->keep_alive = may_be_reused(parser);
    return err;
}

static int scan_error(enum http_head_result result)
{
    return result == HTTP_HEAD_TOO_BIG ? HUB_E_TOO_BIG : HUB_E_INVALID;
}

// Moves bytes of the head into the parser's own memory. An empty line in front of it is an error here.
static int take_head(struct http_response_parser *parser, struct str *bytes)
{
    struct buf *head = &parser->_head;
    size_t before = head->len;
    size_t room = parser->_max - before;
    buf_append_str(head, str_slice(*bytes, 0, room));
    if (head->err)
        return head->err;
    enum http_head_result result = http_head_scan(&parser->_scan, buf_str(head), parser->_max);
    if (parser->_scan.start > 0)
        return HUB_E_INVALID;
    if (result == HTTP_HEAD_INCOMPLETE) {
        *bytes = str_slice(*bytes, bytes->len, bytes->len);
        return HTTP_RESPONSE_MORE;
    }
    if (result != HTTP_HEAD_COMPLETE)
        return scan_error(result);
    *bytes = str_slice(*bytes, parser->_scan.end - before, bytes->len);
    head->len = parser->_scan.end;
    int err = parse_head(parser);
    if (err)
        return err;
    if (parser->status >= 200)
        return HTTP_RESPONSE_HEAD;
    if (parser->status == 101) // nobody has asked for it
        return HUB_E_INVALID;
    begin(parser);
    return HTTP_RESPONSE_MORE;
}

static struct str take_piece(struct http_response_parser *parser, struct str *bytes)
{
    size_t len = bytes->len;
    if (parser->_state == STATE_LENGTH && len > parser->_left)
        len = (size_t)parser->_left;
    struct str piece = str_slice(*bytes, 0, len);
    *bytes = str_slice(*bytes, len, bytes->len);
    parser->_left -= parser->_state == STATE_LENGTH ? len : 0;
    return piece;
}

static int take_body(struct http_response_parser *parser, struct str *bytes, struct str *ret_piece)
{
    if (parser->_state == STATE_CHUNKED) {
        int err = http_chunked_next(&parser->_chunked, bytes, ret_piece);
        if (err)
            return err;
    } else {
        *ret_piece = take_piece(parser, bytes);
    }
    if (ret_piece->len)
        return HTTP_RESPONSE_BODY;
    bool ended = parser->_state == STATE_CHUNKED ? http_chunked_ended(&parser->_chunked)
                                                 : parser->_state == STATE_LENGTH && parser->_left == 0;
    if (ended)
        parser->_state = STATE_ENDED;
    return ended ? HTTP_RESPONSE_END : HTTP_RESPONSE_MORE;
}

int http_response_parser_next(struct http_response_parser *parser, struct str *bytes, struct str *ret_piece)
{
    HUB_ASSERT(parser->_state != STATE_ENDED);
    *ret_piece = str_make(NULL, 0);
    if (parser->_state != STATE_HEAD)
        return take_body(parser, bytes, ret_piece);
    int result = HTTP_RESPONSE_MORE;
    while (result == HTTP_RESPONSE_MORE && bytes->len) // interim responses are more too
        result = take_head(parser, bytes);
    return result;
}

int http_response_parser_finish(struct http_response_parser *parser)
{
    if (parser->_state == STATE_UNTIL_CLOSE)
        parser->_state = STATE_ENDED;
    return parser->_state == STATE_ENDED ? HUB_OK : HUB_E_CLOSED;
}
