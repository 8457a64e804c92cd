// Answers of the hub's endpoints: the security header fields that all of them carry, and plain texts.
#pragma once

#include "base/str.h"
#include "http/fields.h"

struct exchange;

// The type of plain texts.
#define TEXT_PLAIN STR("text/plain; charset=utf-8")

// The header fields of every answer, for lists of constant ones.
#define ANSWER_SECURITY_FIELDS \
    HTTP_FIELD("X-Content-Type-Options", "nosniff"), HTTP_FIELD("X-Frame-Options", "DENY"), \
        HTTP_FIELD("X-Xss-Protection", "1; mode=block"), \
        HTTP_FIELD("Content-Security-Policy", "default-src 'self'")

void answer_add_security_headers(struct exchange *exchange);
// Answers with `text` and a line feed.
void answer_text(struct exchange *exchange, unsigned status, struct str text);
void answer_not_found(struct exchange *exchange);
// 503 with Retry-After.
void answer_unavailable(struct exchange *exchange, struct str text);
// 405 with Allow.
void answer_not_allowed(struct exchange *exchange, struct str allow);
