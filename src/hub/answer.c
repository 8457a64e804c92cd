#include "hub/answer.h"

#include "base/buf.h"
#include "base/log.h"
#include "http/exchange.h"
#include "http/fields.h"
#include "http/form.h"
#include "hub/hub.h"

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

void answer_uncached(struct exchange *exchange, unsigned status, struct str type, struct str body)
{
    exchange_add_header(exchange, STR("Cache-Control"), STR("no-store"));
    answer_add_security_headers(exchange);
    exchange_respond(exchange, status, type, body);
}

void answer_not_found(struct exchange *exchange)
{
    answer_text(exchange, 404, STR("404 page not found"));
}

static bool asks_for_stream(const struct exchange *exchange)
{
    enum http_method method = exchange_method(exchange);
    return (method == HTTP_METHOD_GET || method == HTTP_METHOD_QUERY) &&
           str_eq(exchange_path(exchange), STR(HUB_PATH));
}

void answer_unavailable(struct exchange *exchange, struct str text)
{
    if (asks_for_stream(exchange)) {
        exchange_abort(exchange);
        return;
    }
    exchange_add_header(exchange, STR("Retry-After"), STR("1"));
    answer_text(exchange, 503, text);
}

// What the body of a QUERY may be (RFC 10008).
static void add_accept_query(struct exchange *exchange)
{
    exchange_add_header(exchange, STR("Accept-Query"), STR(FORM_MEDIA_TYPE));
}

void answer_not_a_form(struct exchange *exchange)
{
    add_accept_query(exchange);
    exchange_add_header(exchange, STR("Accept"), STR(FORM_MEDIA_TYPE));
    answer_text(exchange, 415, STR("Unsupported Media Type: send a body of the type " FORM_MEDIA_TYPE));
}

static void add_allow(struct exchange *exchange, unsigned methods)
{
    static const struct {
        unsigned method;
        const char *name;
    } names[] = {
        {ANSWER_METHOD(GET), "GET, "},     {ANSWER_METHOD(HEAD), "HEAD, "},
        {ANSWER_METHOD(POST), "POST, "},   {ANSWER_METHOD(DELETE), "DELETE, "},
        {ANSWER_METHOD(QUERY), "QUERY, "},
    };
    struct buf allow;
    buf_init(&allow, TEXT_MAX);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (methods & names[i].method)
            buf_append_str(&allow, str_from_c(names[i].name));
    }
    buf_append_str(&allow, STR("OPTIONS"));
    exchange_add_header(exchange, STR("Allow"), buf_str(&allow));
    buf_done(&allow);
}

static void refuse_method(struct exchange *exchange)
{
    LOG(LOG_LEVEL_INFO, "Request refused", LOG_STR("request_id", exchange_request_id(exchange)),
        LOG_STR("peer", exchange_peer(exchange)), LOG_U64("status", 405),
        LOG_C("reason", "the path does not have the method"), LOG_STR("path", exchange_path(exchange)));
}

bool answer_if_allowed(struct exchange *exchange, unsigned methods)
{
    enum http_method method = exchange_method(exchange);
    if (methods & 1U << (unsigned)method)
        return true;
    add_allow(exchange, methods);
    if (methods & ANSWER_METHOD(QUERY))
        add_accept_query(exchange);
    if (method != HTTP_METHOD_OPTIONS)
        refuse_method(exchange);
    answer_add_security_headers(exchange);
    exchange_respond(exchange, method == HTTP_METHOD_OPTIONS ? 204 : 405, STR(""), STR(""));
    return false;
}
