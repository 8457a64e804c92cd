// Answers of the hub's endpoints: the security header fields that all of them carry, and plain texts.
#pragma once

#include "base/attr.h"
#include "base/str.h"
#include "http/exchange.h"
#include "http/fields.h"

// The type of plain texts.
#define TEXT_PLAIN STR("text/plain; charset=utf-8")

// The header fields of every answer, for lists of constant ones.
#define ANSWER_SECURITY_FIELDS \
    HTTP_FIELD("X-Content-Type-Options", "nosniff"), HTTP_FIELD("X-Frame-Options", "DENY"), \
        HTTP_FIELD("X-Xss-Protection", "1; mode=block"), \
        HTTP_FIELD("Content-Security-Policy", "default-src 'self'")

void answer_add_security_headers(struct exchange *exchange);
// Answers with what no cache may keep.
void answer_uncached(struct exchange *exchange, unsigned status, struct str type, struct str body);
// Answers with `text` and a line feed.
void answer_text(struct exchange *exchange, unsigned status, struct str text);
void answer_not_found(struct exchange *exchange);
// 503 with Retry-After. Where a stream was asked for, the connection is closed without a status instead: an
// EventSource comes back from that, and gives up for good at a status. The caller has logged why.
void answer_unavailable(struct exchange *exchange, struct str text);
// 415 for the body of a QUERY, with the media type that it may have.
void answer_not_a_form(struct exchange *exchange);

// Sets of methods.
#define ANSWER_METHOD(method) (1U << (unsigned)HTTP_METHOD_##method)
#define ANSWER_READ (ANSWER_METHOD(GET) | ANSWER_METHOD(HEAD))

// Whether the request's method is one of `methods`, which its path has. Otherwise it has been answered:
// OPTIONS with Allow (and Accept-Query), any other with 405, which is logged.
MUST_CHECK bool answer_if_allowed(struct exchange *exchange, unsigned methods);
