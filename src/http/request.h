// The head of an HTTP/1 request: parsed in one piece, and refused when two parsers could read it in two ways
// (RFC 9112 and the checks of its §11). Pure.
#pragma once

#include "base/attr.h"
#include "base/str.h"
#include "http/exchange.h"
#include "http/fields.h"

struct arena;

#define HTTP_FIELDS_MAX 128U

struct http_request {
    enum http_method method;
    struct str path;      // "*" for OPTIONS *
    struct str query;     // ptr is NULL when there is no "?"
    struct str authority; // empty when HTTP/1.0 names none
    struct http_fields fields;
    uint64_t content_length; // 0 with chunks
    bool chunked;
    bool keep_alive;
    bool expects_continue;
    bool http_1_0;
};

// Why a request was refused: the status, and a constant sentence for the log.
struct http_refusal {
    unsigned status;
    const char *reason;
};

// `head` is complete, with the empty line, has `lines` lines (http_head_scan), and must live as long as the
// request. HUB_E_INVALID with *reterr, or -ENOMEM.
MUST_CHECK int http_request_parse(struct http_request *ret_request, struct str head, size_t lines,
                                  struct arena *arena, struct http_refusal *reterr);
// Whether it is a host, and perhaps a port, as in Host.
bool http_is_authority(struct str s);
// Whether the bytes can still become a request, or what to refuse them with. For heads that do not come to
// an end: other protocols on this port are refused with their first byte.
bool http_request_may_begin(struct str bytes, struct http_refusal *reterr);
// What an unfinished head over its bound is refused with: 414 when it is the target's fault, else 431.
struct http_refusal http_request_too_big(struct str bytes);
