#include "hub/cors.h"

#include "base/log.h"
#include "conf/conf.h"
#include "http/exchange.h"
#include "hub/answer.h"
#include "hub/origin.h"

// What a page may send. A form in the body of a QUERY needs its Content-Type to be allowed, unlike that of a
// POST.
static const struct str methods[] = {STR("GET"), STR("HEAD"), STR("POST"), STR("QUERY")};
static const struct str request_fields[] = {STR("authorization"), STR("cache-control"), STR("content-type"),
                                            STR("last-event-id")};
// And what it may read of the answer.
#define EXPOSED_FIELDS \
    STR("Link, Mercure-Last-Event-ID, Last-Event-ID, X-Request-Id, WWW-Authenticate, Retry-After, ETag")

static bool is_listed(const struct str *list, size_t count, struct str text, bool any_case)
{
    for (size_t i = 0; i < count; i++) {
        if (any_case ? str_eq_nocase(list[i], text) : str_eq(list[i], text))
            return true;
    }
    return false;
}

// The first of the field names that is not allowed; NULL ptr: all are.
static struct str refused_field(struct str names)
{
    struct str name;
    while (str_split(&names, ',', &name)) {
        name = str_trim(name);
        if (name.len && !is_listed(request_fields, ARRAY_LEN(request_fields), name, true))
            return name;
    }
    return str_make(NULL, 0);
}

// A list that allows every origin allows none of them the user's cookie.
static void allow_origin(const struct conf *conf, struct exchange *exchange, struct str origin)
{
    bool any = origin_is_any(&conf->cors_origins);
    exchange_add_header(exchange, STR("Access-Control-Allow-Origin"), any ? STR("*") : origin);
    if (!any)
        exchange_add_header(exchange, STR("Access-Control-Allow-Credentials"), STR("true"));
}

static void log_refusal(struct exchange *exchange, const char *reason, struct str what)
{
    LOG(LOG_LEVEL_DEBUG, "Preflight refused", LOG_STR("request_id", exchange_request_id(exchange)),
        LOG_STR("peer", exchange_peer(exchange)), LOG_C("reason", reason), LOG_STR("value", what));
}

// Whether it may be followed by the request that it asks for.
static bool check_preflight(const struct conf *conf, struct exchange *exchange, struct str origin,
                            struct str method, struct str fields)
{
    struct str field = refused_field(fields);
    if (!origin.len || !origin_is_allowed(&conf->cors_origins, origin))
        log_refusal(exchange, "cors_origins does not allow the origin", origin);
    else if (!is_listed(methods, ARRAY_LEN(methods), method, false))
        log_refusal(exchange, "pages of other origins may not use the method", method);
    else if (field.ptr)
        log_refusal(exchange, "pages of other origins may not send the header field", field);
    else
        return true;
    return false;
}

static void answer_preflight(const struct conf *conf, struct exchange *exchange, struct str method)
{
    struct str origin = exchange_header(exchange, STR("Origin"));
    struct str fields = exchange_header(exchange, STR("Access-Control-Request-Headers"));
    exchange_add_header(exchange, STR("Vary"),
                        STR("Origin, Access-Control-Request-Method, Access-Control-Request-Headers"));
    if (check_preflight(conf, exchange, origin, method, fields)) {
        allow_origin(conf, exchange, origin);
        exchange_add_header(exchange, STR("Access-Control-Allow-Methods"), method);
        if (fields.len)
            exchange_add_header(exchange, STR("Access-Control-Allow-Headers"), fields);
    }
    answer_add_security_headers(exchange);
    exchange_respond(exchange, 204, STR(""), STR(""));
}

static bool is_for_pages(enum http_method method)
{
    return method == HTTP_METHOD_GET || method == HTTP_METHOD_HEAD || method == HTTP_METHOD_POST ||
           method == HTTP_METHOD_QUERY;
}

static void add_headers(const struct conf *conf, struct exchange *exchange)
{
    struct str origin = exchange_header(exchange, STR("Origin"));
    // Caches must keep answers for pages of different origins apart, those without an origin included.
    exchange_add_header(exchange, STR("Vary"), STR("Origin"));
    if (!origin.len || !is_for_pages(exchange_method(exchange)) ||
        !origin_is_allowed(&conf->cors_origins, origin))
        return;
    allow_origin(conf, exchange, origin);
    exchange_add_header(exchange, STR("Access-Control-Expose-Headers"), EXPOSED_FIELDS);
}

bool cors_handle(const struct conf *conf, struct exchange *exchange)
{
    if (conf->cors_origins.count == 0)
        return false;
    struct str method = exchange_header(exchange, STR("Access-Control-Request-Method"));
    if (exchange_method(exchange) == HTTP_METHOD_OPTIONS && method.len) {
        answer_preflight(conf, exchange, method);
        return true;
    }
    add_headers(conf, exchange);
    return false;
}
