#include "hub/page_token.h"

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
#include "jwt/key.h"
#include "jwt/sign.h"
#include "mercure/authorization.h"
#include "json/writer.h"

#define TEXT_MAX 16384
#define TOKEN_LIFE_S UINT64_C(86400)

// Whom the page's tokens are made for, and with what.
struct minter {
    struct str issuer; // empty for the keys of the 0.x protocol, whose tokens have another form
    const struct conf_verifier *publisher;
    const struct conf_verifier *subscriber;
};

// Only what is verified with a secret can be signed here.
static bool is_secret(const struct conf_verifier *verifier)
{
    return verifier->jwt_key.len && str_starts_with(verifier->jwt_algorithm, STR("HS"));
}

// The first issuer with a secret for subscribers, else that of the 0.x protocol.
static bool find_minter(const struct conf *conf, struct minter *ret_minter)
{
    for (size_t i = 0; conf->playground && i < conf->issuer_count; i++) {
        const struct conf_issuer *issuer = &conf->issuers[i];
        *ret_minter = (struct minter){issuer->issuer, &issuer->publisher, &issuer->subscriber};
        if (is_secret(&issuer->subscriber))
            return true;
    }
    *ret_minter = (struct minter){STR(""), &conf->legacy.publisher, &conf->legacy.subscriber};
    return conf->playground && is_secret(&conf->legacy.subscriber);
}

// One detail for each action: what goes with a subscription is no business of publishers.
static void write_detail(struct json_writer *json, struct str action, struct str payload)
{
    json_begin_object(json);
    json_write_member(json, STR("type"), STR(AUTHORIZATION_TYPE));
    json_write_key(json, STR("actions"));
    json_begin_array(json);
    json_write_str(json, action);
    json_end_array(json);
    json_write_key(json, STR("topics"));
    json_begin_array(json);
    json_begin_object(json);
    json_write_member(json, STR("match"), STR("*"));
    json_end_object(json);
    json_end_array(json);
    if (payload.len) {
        json_write_key(json, STR("payload"));
        json_begin_object(json);
        json_write_key(json, payload);
        json_write_bool(json, true);
        json_end_object(json);
    }
    json_end_object(json);
}

static void write_id(struct json_writer *json, struct str name)
{
    char id[UUID_URN_LEN];
    uuid_urn_v4(id);
    json_write_member(json, name, str_make(id, sizeof(id)));
}

static void write_access_claims(struct json_writer *json, struct str issuer, struct str audience,
                                bool may_publish)
{
    json_write_member(json, STR("iss"), issuer);
    json_write_member(json, STR("aud"), audience);
    write_id(json, STR("sub"));
    json_write_member(json, STR("client_id"), issuer);
    write_id(json, STR("jti"));
    json_write_key(json, STR("authorization_details"));
    json_begin_array(json);
    write_detail(json, STR("subscribe"), STR("playground"));
    if (may_publish)
        write_detail(json, STR("publish"), STR(""));
    json_end_array(json);
}

static void write_everything(struct json_writer *json, struct str action)
{
    json_write_key(json, action);
    json_begin_array(json);
    json_write_str(json, STR("*"));
    json_end_array(json);
}

static void write_legacy_claims(struct json_writer *json, bool may_publish)
{
    json_write_key(json, STR("mercure"));
    json_begin_object(json);
    write_everything(json, STR("subscribe"));
    if (may_publish)
        write_everything(json, STR("publish"));
    json_write_key(json, STR("payload"));
    json_begin_object(json);
    json_write_key(json, STR("playground"));
    json_write_bool(json, true);
    json_end_object(json);
    json_end_object(json);
}

static void append_claims(struct buf *claims, const struct minter *minter, struct str audience,
                          bool may_publish)
{
    uint64_t now_s = clock_real_ms() / 1000;
    struct json_writer json;
    json_writer_init(&json, claims, JSON_STYLE_COMPACT);
    json_begin_object(&json);
    if (minter->issuer.len)
        write_access_claims(&json, minter->issuer, audience, may_publish);
    else
        write_legacy_claims(&json, may_publish);
    json_write_member_u64(&json, STR("iat"), now_s);
    json_write_member_u64(&json, STR("exp"), now_s + TOKEN_LIFE_S);
    json_end_object(&json);
}

// Whether what the subscriber's key signs is good for publishing too.
static bool is_one_key(const struct minter *minter)
{
    return str_eq(minter->publisher->jwt_key, minter->subscriber->jwt_key) &&
           str_eq(minter->publisher->jwt_algorithm, minter->subscriber->jwt_algorithm);
}

// A token for every topic: to subscribe, and to publish as well if that is asked for and the key can grant
// it.
static int mint(const struct conf *conf, const struct exchange *exchange, bool may_publish, struct buf *token)
{
    struct minter minter;
    if (!find_minter(conf, &minter))
        return HUB_E_NOT_FOUND;
    struct buf audience;
    struct buf claims;
    buf_init(&audience, TEXT_MAX);
    buf_init(&claims, TEXT_MAX);
    metadata_append_resource(conf, exchange, &audience);
    append_claims(&claims, &minter, buf_str(&audience), may_publish && is_one_key(&minter));
    struct jwt_key *key = NULL;
    const char *reason;
    int err = claims.err ? claims.err : audience.err;
    if (!err)
        err = jwt_key_load(&key, minter.subscriber->jwt_key, minter.subscriber->jwt_algorithm, STR(""),
                           &reason);
    if (!err)
        err = jwt_sign(key, minter.issuer.len ? JWT_TYPE_ACCESS : JWT_TYPE_LEGACY, buf_str(&claims), token);
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

void page_token_handle(const struct conf *conf, struct exchange *exchange)
{
    struct buf token;
    buf_init(&token, TEXT_MAX);
    int err = mint(conf, exchange, true, &token);
    if (err)
        answer_unminted(exchange, err);
    else
        answer_uncached(exchange, 200, TEXT_PLAIN, buf_str(&token));
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
void page_token_handle_session(const struct conf *conf, struct exchange *exchange)
{
    if (!answer_if_allowed(exchange, ANSWER_METHOD(POST) | ANSWER_METHOD(DELETE)))
        return;
    if (exchange_method(exchange) == HTTP_METHOD_DELETE) {
        set_cookie(conf, exchange, STR(""), "; Max-Age=0");
        answer_uncached(exchange, 204, STR(""), STR(""));
        return;
    }
    struct buf token;
    buf_init(&token, TEXT_MAX);
    int err = mint(conf, exchange, false, &token);
    if (err) {
        answer_unminted(exchange, err);
    } else {
        set_cookie(conf, exchange, buf_str(&token), "");
        answer_uncached(exchange, 204, STR(""), STR(""));
    }
    buf_done(&token);
}
