#include "hub/pages.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/uuid.h"
#include "conf/conf.h"
#include "http/exchange.h"
#include "hub/answer.h"
#include "hub/hub.h"
#include "hub/metadata.h"
#include "hub/worker.h"
#include "jwt/key.h"
#include "jwt/sign.h"
#include "mercure/authorization.h"
#include "ui/ui.h"
#include "json/writer.h"

#define PAGES_PATH HUB_PATH "/debug/"
#define TEXT_MAX 16384
#define TOKEN_LIFE_S UINT64_C(86400)

// ---- Helpers of the page ----

static void answer_no_store(struct exchange *exchange, unsigned status, struct str type, struct str body)
{
    exchange_add_header(exchange, STR("Cache-Control"), STR("no-store"));
    answer_add_security_headers(exchange);
    exchange_respond(exchange, status, type, body);
}

static void answer_config(const struct worker *worker, struct exchange *exchange)
{
    const struct conf *conf = worker->conf;
    struct buf resource;
    struct buf body;
    buf_init(&resource, TEXT_MAX);
    buf_init(&body, TEXT_MAX);
    metadata_append_resource(conf, exchange, &resource);
    struct json_writer json;
    json_writer_init(&json, &body, JSON_STYLE_COMPACT);
    json_begin_object(&json);
    json_write_member(&json, STR("version"), STR(CINNABAR_VERSION));
    json_write_key(&json, STR("playground"));
    json_write_bool(&json, conf->playground);
    json_write_key(&json, STR("anonymous"));
    json_write_bool(&json, conf->anonymous);
    json_write_key(&json, STR("subscriptions"));
    json_write_bool(&json, false);
    json_write_member(&json, STR("cookieName"), conf->cookie_name);
    json_write_member(&json, STR("hub"), buf_str(&resource));
    json_end_object(&json);
    buf_append_c(&body, '\n');
    answer_no_store(exchange, 200, STR("application/json"), buf_str(&body));
    buf_done(&resource);
    buf_done(&body);
}

// The issuer that the page's tokens are made for: the first with a secret for subscribers.
static const struct conf_issuer *playground_issuer(const struct conf *conf)
{
    if (!conf->playground)
        return NULL;
    for (size_t i = 0; i < conf->issuer_count; i++) {
        if (conf->issuers[i].subscriber.jwt_key.len)
            return &conf->issuers[i];
    }
    return NULL;
}

static void append_action_claims(struct json_writer *json, bool may_publish)
{
    json_write_key(json, STR("authorization_details"));
    json_begin_array(json);
    json_begin_object(json);
    json_write_member(json, STR("type"), STR(AUTHORIZATION_TYPE));
    json_write_key(json, STR("actions"));
    json_begin_array(json);
    json_write_str(json, STR("subscribe"));
    if (may_publish)
        json_write_str(json, STR("publish"));
    json_end_array(json);
    json_write_key(json, STR("topics"));
    json_begin_array(json);
    json_begin_object(json);
    json_write_member(json, STR("match"), STR("*"));
    json_end_object(json);
    json_end_array(json);
    json_end_object(json);
    json_end_array(json);
}

static void append_claims(struct buf *claims, const struct conf_issuer *issuer, struct str audience,
                          bool may_publish)
{
    char id[UUID_URN_LEN];
    uuid_urn_v4(id);
    uint64_t now_s = clock_real_ms() / 1000;
    struct json_writer json;
    json_writer_init(&json, claims, JSON_STYLE_COMPACT);
    json_begin_object(&json);
    json_write_member(&json, STR("iss"), issuer->issuer);
    json_write_member(&json, STR("aud"), audience);
    json_write_member(&json, STR("sub"), str_make(id, sizeof(id)));
    json_write_member(&json, STR("client_id"), issuer->issuer);
    json_write_member_u64(&json, STR("iat"), now_s);
    json_write_member_u64(&json, STR("exp"), now_s + TOKEN_LIFE_S);
    append_action_claims(&json, may_publish);
    json_end_object(&json);
}

// Whether what the subscriber's key signs is good for publishing too.
static bool is_one_key(const struct conf_issuer *issuer)
{
    return str_eq(issuer->publisher.jwt_key, issuer->subscriber.jwt_key) &&
           str_eq(issuer->publisher.jwt_algorithm, issuer->subscriber.jwt_algorithm);
}

// A token for every topic: to subscribe, and to publish as well if that is asked for and the key can grant
// it.
static int mint(const struct conf *conf, const struct exchange *exchange, bool may_publish, struct buf *token)
{
    const struct conf_issuer *issuer = playground_issuer(conf);
    if (!issuer)
        return HUB_E_NOT_FOUND;
    struct buf audience;
    struct buf claims;
    buf_init(&audience, TEXT_MAX);
    buf_init(&claims, TEXT_MAX);
    metadata_append_resource(conf, exchange, &audience);
    append_claims(&claims, issuer, buf_str(&audience), may_publish && is_one_key(issuer));
    struct jwt_key *key = NULL;
    const char *reason;
    int err = claims.err ? claims.err : audience.err;
    if (!err)
        err = jwt_key_load(&key, issuer->subscriber.jwt_key, issuer->subscriber.jwt_algorithm, STR(""),
                           &reason);
    if (!err)
        err = jwt_sign(key, buf_str(&claims), token);
    jwt_key_free(key);
    buf_done(&audience);
    buf_done(&claims);
    return err;
}

static void answer_unminted(struct exchange *exchange, int err)
{
    if (err == HUB_E_NOT_FOUND) {
        answer_not_found(exchange);
        return;
    }
    LOG(LOG_LEVEL_ERROR, "The page's token could not be made", LOG_C("reason", err_text(err)));
    answer_text(exchange, 500, STR("Internal Server Error"));
}

static void answer_token(const struct worker *worker, struct exchange *exchange)
{
    struct buf token;
    buf_init(&token, TEXT_MAX);
    int err = mint(worker->conf, exchange, true, &token);
    if (err)
        answer_unminted(exchange, err);
    else
        answer_no_store(exchange, 200, TEXT_PLAIN, buf_str(&token));
    buf_done(&token);
}

static void set_cookie(const struct conf *conf, struct exchange *exchange, struct str value, const char *more)
{
    struct buf cookie;
    buf_init(&cookie, TEXT_MAX);
    buf_append_str(&cookie, conf->cookie_name);
    buf_append_c(&cookie, '=');
    buf_append_str(&cookie, value);
    buf_append_str(&cookie, STR("; Path=" HUB_PATH "; HttpOnly; SameSite=Strict"));
    if (str_starts_with(conf->cookie_name, STR("__Secure-")))
        buf_append_str(&cookie, STR("; Secure"));
    buf_append_str(&cookie, str_from_c(more));
    exchange_add_header(exchange, STR("Set-Cookie"), buf_str(&cookie));
    buf_done(&cookie);
}

// A native EventSource cannot send a token itself: the page's private streams use the cookie.
static void answer_session(const struct worker *worker, struct exchange *exchange)
{
    if (!answer_if_allowed(exchange, ANSWER_METHOD(POST) | ANSWER_METHOD(DELETE)))
        return;
    if (exchange_method(exchange) == HTTP_METHOD_DELETE) {
        set_cookie(worker->conf, exchange, STR(""), "; Max-Age=0");
        answer_no_store(exchange, 204, STR(""), STR(""));
        return;
    }
    struct buf token;
    buf_init(&token, TEXT_MAX);
    int err = mint(worker->conf, exchange, false, &token);
    if (err) {
        answer_unminted(exchange, err);
    } else {
        set_cookie(worker->conf, exchange, buf_str(&token), "");
        answer_no_store(exchange, 204, STR(""), STR(""));
    }
    buf_done(&token);
}

// ---- Files ----

static void answer_file(struct exchange *exchange, const struct ui_file *file)
{
    exchange_add_header(exchange, STR("X-Content-Type-Options"), STR("nosniff"));
    exchange_add_header(exchange, STR("X-Frame-Options"), STR("DENY"));
    exchange_add_header(exchange, STR("Content-Security-Policy"), STR(UI_POLICY));
    exchange_add_header(exchange, STR("Referrer-Policy"), STR("no-referrer"));
    exchange_add_header(exchange, STR("Cache-Control"), STR("no-cache"));
    exchange_add_header(exchange, STR("ETag"), file->etag);
    if (str_eq(exchange_header(exchange, STR("If-None-Match")), file->etag))
        exchange_respond(exchange, 304, STR(""), STR(""));
    else
        exchange_respond(exchange, 200, file->type, file->bytes);
}

static void redirect(struct exchange *exchange, struct str location)
{
    exchange_add_header(exchange, STR("Location"), location);
    answer_add_security_headers(exchange);
    exchange_respond(exchange, 302, STR(""), STR(""));
}

static void answer_page(const struct worker *worker, struct exchange *exchange, struct str name)
{
    const struct ui_file *file = ui_find(name);
    if (str_eq(name, STR("session")) && worker->conf->playground)
        answer_session(worker, exchange);
    else if (!answer_if_allowed(exchange, ANSWER_READ))
        return;
    else if (str_eq(name, STR("config.json")))
        answer_config(worker, exchange);
    else if (str_eq(name, STR("playground-token")))
        answer_token(worker, exchange);
    else if (file)
        answer_file(exchange, file);
    else
        answer_not_found(exchange);
}

bool pages_handle(struct worker *worker, struct exchange *exchange)
{
    if (!worker->conf->debugger && !worker->conf->playground)
        return false;
    struct str path = exchange_path(exchange);
    if (str_eq(path, STR("/"))) {
        if (answer_if_allowed(exchange, ANSWER_READ))
            redirect(exchange, STR(PAGES_PATH));
        return true;
    }
    if (!str_starts_with(path, STR(PAGES_PATH)))
        return false;
    answer_page(worker, exchange, str_slice(path, sizeof(PAGES_PATH) - 1, path.len));
    return true;
}
