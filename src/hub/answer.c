#include "hub/answer.h"

#include "base/buf.h"
#include "http/exchange.h"
#include "http/fields.h"

#define TEXT_MAX 16384

static const struct http_field security_fields[] = {ANSWER_SECURITY_FIELDS};

void answer_add_security_headers(struct exchange *exchange)
{
    exchange_add_constant_headers(exchange, security_fields, ARRAY_LEN(security_fields));
}

void answer_text(struct exchange *exchange, unsigned status, struct str text)
{
    struct buf body;
    buf_init(&body, TEXT_MAX);
    buf_append_str(&body, str_slice(text, 0, TEXT_MAX - 1));
    buf_append_c(&body, '\n');
    answer_add_security_headers(exchange);
    exchange_respond(exchange, status, TEXT_PLAIN, buf_str(&body));
    buf_done(&body);
}

void answer_not_found(struct exchange *exchange)
{
    answer_text(exchange, 404, STR("404 page not found"));
}

void answer_unavailable(struct exchange *exchange, struct str text)
{
    exchange_add_header(exchange, STR("Retry-After"), STR("1"));
    answer_text(exchange, 503, text);
}

void answer_not_allowed(struct exchange *exchange, struct str allow)
{
    exchange_add_header(exchange, STR("Allow"), allow);
    answer_add_security_headers(exchange);
    exchange_respond(exchange, 405, STR(""), STR(""));
}
