// Reads HTTP/1 responses, for clients: bytes in, what they mean out. Pure.
#pragma once

#include "base/arena.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/str.h"
#include "http/chunked.h"
#include "http/fields.h"
#include "http/head.h"

#include <stdbool.h>
#include <stdint.h>

enum http_response_event {
    HTTP_RESPONSE_MORE, // all bytes are used up: feed more, or call http_response_parser_finish at the end
    HTTP_RESPONSE_HEAD, // status and fields are set
    HTTP_RESPONSE_BODY, // a piece of the body
    HTTP_RESPONSE_END,  // bytes that are left belong to the next response
};

// One response after the other of one connection.
struct http_response_parser {
    unsigned status;
    struct http_fields fields; // slices live until the next response begins
    bool keep_alive;           // the connection may be used again after the end
    struct arena _arena;
    struct buf _head;
    size_t _max;
    struct http_head_scan _scan;
    struct http_chunked _chunked;
    uint64_t _left;
    uint8_t _state;
    bool _no_body;
};

// `max` bounds the head of a response.
void http_response_parser_init(struct http_response_parser *parser, size_t max);
void http_response_parser_done(struct http_response_parser *parser);
// Begins the next response. `no_body`: it answers a HEAD request.
void http_response_parser_restart(struct http_response_parser *parser, bool no_body);
// Takes bytes off the front of *bytes until something is known, and returns what, or a negative code:
// HUB_E_INVALID, HUB_E_TOO_BIG, -ENOMEM. *ret_piece is set for HTTP_RESPONSE_BODY. Interim responses (1xx)
// are passed over.
MUST_CHECK int http_response_parser_next(struct http_response_parser *parser, struct str *bytes,
                                         struct str *ret_piece);
// The server has closed the connection: HUB_OK when that is how the response ends, else HUB_E_CLOSED.
MUST_CHECK int http_response_parser_finish(struct http_response_parser *parser);
