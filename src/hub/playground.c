#include "hub/playground.h"

#include "base/buf.h"
#include "base/log.h"
#include "conf/conf.h"
#include "http/exchange.h"
#include "http/form.h"
#include "hub/answer.h"
#include "hub/auth_token.h"
#include "hub/hub.h"

#define FIELD_MAX 65536
#define DEFAULT_COOKIE STR("__Secure-mercure_access_token")

struct parameters {
    struct str body;
    struct str jwt;
};

static int read_parameters(struct exchange *exchange, struct parameters *parameters)
{
    *parameters = (struct parameters){0};
    struct form form;
    struct str name;
    struct str value;
    form_init(&form, exchange_query(exchange), exchange_arena(exchange));
    while (form_next(&form, &name, &value)) {
        if (str_eq(name, STR("body")) && !parameters->body.ptr)
            parameters->body = value;
        else if (str_eq(name, STR("jwt")) && !parameters->jwt.ptr)
            parameters->jwt = value;
    }
    return form.err;
}

// The type by the extension of the path.
static struct str type_of(struct str path)
{
    static const struct {
        struct str extension;
        struct str type;
    } types[] = {
        HTTP_FIELD(".jsonld", "application/ld+json"),        HTTP_FIELD(".json", "application/json"),
        HTTP_FIELD(".html", "text/html; charset=utf-8"),     HTTP_FIELD(".xml", "text/xml; charset=utf-8"),
        HTTP_FIELD(".css", "text/css; charset=utf-8"),       HTTP_FIELD(".svg", "image/svg+xml"),
        HTTP_FIELD(".js", "text/javascript; charset=utf-8"),
    };
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (str_ends_with(path, types[i].extension))
            return types[i].type;
    }
    return TEXT_PLAIN;
}

static void add_field(struct exchange *exchange, struct str name, const struct buf *value)
{
    // A value that is too long for the buffer is as good as one that does not fit into memory.
    if (!value->err)
        exchange_add_header(exchange, name, buf_str(value));
}

// Where the standalone server and the Caddy build of 0.x had them.
static bool is_old(struct str path)
{
    return str_starts_with(path, STR("/demo")) || str_starts_with(path, STR(HUB_PATH "/ui/demo/"));
}

bool playground_has(const struct conf *conf, struct str path)
{
    return conf->playground &&
           (str_starts_with(path, STR("/playground/")) || (conf->legacy.version && is_old(path)));
}

static struct str cookie_of(const struct conf *conf, const struct exchange *exchange)
{
    return is_old(exchange_path(exchange)) ? STR(AUTH_LEGACY_COOKIE) : conf->cookie_name;
}

static void add_hub_link(const struct conf *conf, struct exchange *exchange)
{
    struct buf link;
    buf_init(&link, FIELD_MAX);
    buf_append_str(&link, STR("<" HUB_PATH ">; rel=\"mercure\""));
    if (!is_old(exchange_path(exchange)) && !str_eq(conf->cookie_name, DEFAULT_COOKIE)) {
        buf_append_str(&link, STR("; cookie-name=\""));
        buf_append_str(&link, conf->cookie_name);
        buf_append_c(&link, '"');
    }
    add_field(exchange, STR("Link"), &link);
    buf_done(&link);
}

// What would end the URL in the field is escaped.
static void append_target(struct buf *to, struct str target)
{
    for (size_t i = 0; i < target.len; i++) {
        char c = target.ptr[i];
        if (c == '<' || c == '>')
            buf_append_str(to, c == '<' ? STR("%3C") : STR("%3E"));
        else
            buf_append_c(to, c);
    }
}

static void add_self_link(struct exchange *exchange)
{
    struct buf link;
    buf_init(&link, FIELD_MAX);
    buf_append_c(&link, '<');
    append_target(&link, exchange_path(exchange));
    if (exchange_query(exchange).ptr) {
        buf_append_c(&link, '?');
        append_target(&link, exchange_query(exchange));
    }
    buf_append_str(&link, STR(">; rel=\"self\""));
    add_field(exchange, STR("Link"), &link);
    buf_done(&link);
}

// Without a token the cookie goes.
static void add_cookie(const struct conf *conf, struct exchange *exchange, struct str jwt)
{
    bool tls = str_eq(exchange_scheme(exchange), STR("https"));
    struct str name = cookie_of(conf, exchange);
    struct buf cookie;
    buf_init(&cookie, FIELD_MAX);
    buf_append_str(&cookie, name);
    buf_append_c(&cookie, '=');
    buf_append_str(&cookie, jwt);
    buf_append_str(&cookie, STR("; Path=" HUB_PATH));
    if (jwt.len == 0)
        buf_append_str(&cookie, STR("; Expires=Thu, 01 Jan 1970 00:00:00 GMT"));
    if (tls)
        buf_append_str(&cookie, STR("; HttpOnly"));
    if (tls || str_starts_with(name, STR("__Secure-")))
        buf_append_str(&cookie, STR("; Secure"));
    buf_append_str(&cookie, STR("; SameSite=Strict"));
    add_field(exchange, STR("Set-Cookie"), &cookie);
    buf_done(&cookie);
}

// A token has base64url and dots alone; nothing else gets into the cookie.
static bool is_token(struct str jwt)
{
    for (size_t i = 0; i < jwt.len; i++) {
        char c = jwt.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && !(c >= '0' && c <= '9') && c != '-' && c != '_' && c != '.')
            return false;
    }
    return true;
}

static void refuse_token(struct exchange *exchange)
{
    static const char reason[] = "the jwt of the playground is not a token";
    LOG(LOG_LEVEL_INFO, "Request refused", LOG_STR("request_id", exchange_request_id(exchange)),
        LOG_STR("peer", exchange_peer(exchange)), LOG_U64("status", 400), LOG_C("reason", reason));
    answer_text(exchange, 400, STR("the parameter \"jwt\" is not a token"));
}

void playground_handle(const struct conf *conf, struct exchange *exchange)
{
    struct parameters parameters;
    if (!answer_if_allowed(exchange, ANSWER_READ))
        return;
    if (read_parameters(exchange, &parameters)) {
        answer_unavailable(exchange, STR("Service Unavailable"));
        return;
    }
    if (!is_token(parameters.jwt)) {
        refuse_token(exchange);
        return;
    }
    add_hub_link(conf, exchange);
    add_self_link(exchange);
    add_cookie(conf, exchange, parameters.jwt);
    // Whatever a stranger's link makes the hub say, it says without the rights of the hub's own page.
    exchange_add_header(exchange, STR("Content-Security-Policy"), STR("default-src 'none'; sandbox"));
    exchange_add_header(exchange, STR("X-Content-Type-Options"), STR("nosniff"));
    exchange_add_header(exchange, STR("X-Frame-Options"), STR("DENY"));
    exchange_add_header(exchange, STR("Cache-Control"), STR("no-store"));
    exchange_respond(exchange, 200, type_of(exchange_path(exchange)), parameters.body);
}
