#include "hub/auth.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "conf/conf.h"
#include "http/exchange.h"
#include "hub/answer.h"
#include "hub/hub.h"
#include "hub/shard.h"
#include "hub/worker.h"
#include "jwt/cache.h"
#include "jwt/verify.h"
#include "mercure/authorization.h"
#include "json/json.h"

#include <errno.h>
#include <stdlib.h>

// "Bearer " and the shortest token that can be one.
#define BEARER_LEN 7
#define TOKEN_MIN 41
#define URL_MAX 4096

// ---- Refusals ----

static const struct str nothing = {NULL, 0};

static void append_origin(struct buf *buf, const struct shard *shard, const struct exchange *exchange)
{
    const struct conf *conf = shard->hub->conf;
    if (conf->resource_identifier.len && url_origin(&shard->hub->url, buf) == HUB_OK)
        return;
    exchange_append_origin(exchange, buf);
}

static void challenge(struct shard *shard, struct exchange *exchange, unsigned status, const char *error,
                      struct str body)
{
    struct buf value;
    buf_init(&value, URL_MAX);
    buf_append_str(&value, STR("Bearer "));
    if (error)
        buf_printf(&value, "error=\"%s\", ", error);
    buf_append_str(&value, STR("resource_metadata=\""));
    append_origin(&value, shard, exchange);
    buf_append_str(&value, STR("/.well-known/oauth-protected-resource" HUB_PATH "\""));
    exchange_add_header(exchange, STR("WWW-Authenticate"), buf_str(&value));
    buf_done(&value);
    counter_add(&shard->metrics.rejected_auth, 1);
    answer_text(exchange, status, body);
}

// `issuer` and `key_id` are what a token says of itself; NULL ptr: nothing.
static void log_refusal(struct exchange *exchange, const char *reason, struct str issuer, struct str key_id)
{
    LOG(LOG_LEVEL_INFO, "Request refused", LOG_STR("request_id", exchange_request_id(exchange)),
        LOG_STR("peer", exchange_peer(exchange)), LOG_C("reason", reason), LOG_STR("issuer", issuer),
        LOG_STR("key_id", key_id));
}

static bool refuse_request(struct shard *shard, struct exchange *exchange, const char *reason)
{
    log_refusal(exchange, reason, nothing, nothing);
    challenge(shard, exchange, 400, "invalid_request", STR("Bad Request"));
    return false;
}

static bool refuse_token(struct shard *shard, struct exchange *exchange, const char *reason,
                         struct str issuer, struct str key_id)
{
    log_refusal(exchange, reason, issuer, key_id);
    challenge(shard, exchange, 401, "invalid_token", STR("Unauthorized"));
    return false;
}

void auth_require(struct shard *shard, struct exchange *exchange)
{
    log_refusal(exchange, "there is no token", nothing, nothing);
    challenge(shard, exchange, 401, NULL, STR("Unauthorized"));
}

void auth_forbid(struct shard *shard, struct exchange *exchange, const char *reason, struct str topic)
{
    LOG(LOG_LEVEL_INFO, "Request refused", LOG_STR("request_id", exchange_request_id(exchange)),
        LOG_STR("peer", exchange_peer(exchange)), LOG_C("reason", reason), LOG_STR("topic", topic));
    challenge(shard, exchange, 403, "insufficient_scope", STR("Forbidden"));
}

// ---- Where the token stands ----

static bool cookie_from(struct str header, struct str name, struct str *ret_value)
{
    struct str pair;
    while (str_split(&header, ';', &pair)) {
        pair = str_trim(pair);
        size_t equals = str_find(pair, 0, '=');
        if (equals == pair.len || !str_eq(str_slice(pair, 0, equals), name))
            continue;
        *ret_value = str_slice(pair, equals + 1, pair.len);
        if (ret_value->len >= 2 && ret_value->ptr[0] == '"' && ret_value->ptr[ret_value->len - 1] == '"')
            *ret_value = str_slice(*ret_value, 1, ret_value->len - 1);
        return true;
    }
    return false;
}

// The first cookie with that name in the request.
static bool find_cookie(const struct exchange *exchange, struct str name, struct str *ret_value)
{
    struct str field;
    struct str value;
    for (size_t i = 0; exchange_header_at(exchange, i, &field, &value); i++) {
        if (str_eq_nocase(field, STR("Cookie")) && cookie_from(value, name, ret_value))
            return true;
    }
    return false;
}

// "scheme://host[:port]" at the start of a Referer.
static struct str referer_origin(struct str referer)
{
    size_t colon = str_find(referer, 0, ':');
    if (!str_starts_with(str_slice(referer, colon, referer.len), STR("://")))
        return str_make(NULL, 0);
    size_t end = colon + 3;
    while (end < referer.len && referer.ptr[end] != '/' && referer.ptr[end] != '?' && referer.ptr[end] != '#')
        end++;
    return str_slice(referer, 0, end);
}

// One entry of publish_origins: exact, or with one "*" that stands for anything.
static bool origin_matches(struct str pattern, struct str origin)
{
    size_t star = str_find(pattern, 0, '*');
    if (star == pattern.len)
        return str_eq_nocase(pattern, origin);
    struct str head = str_slice(pattern, 0, star);
    struct str tail = str_slice(pattern, star + 1, pattern.len);
    return origin.len >= head.len + tail.len && str_eq_nocase(str_slice(origin, 0, head.len), head) &&
           str_eq_nocase(str_slice(origin, origin.len - tail.len, origin.len), tail);
}

// A browser adds the cookie to requests that any page makes: publishing with it is for pages that are named.
static bool is_origin_allowed(const struct conf *conf, const struct exchange *exchange)
{
    struct str origin = exchange_header(exchange, STR("Origin"));
    if (origin.len == 0)
        origin = referer_origin(exchange_header(exchange, STR("Referer")));
    if (origin.len == 0)
        return false;
    for (size_t i = 0; i < conf->publish_origins.count; i++) {
        if (origin_matches(conf->publish_origins.items[i], origin))
            return true;
    }
    return false;
}

// The token, or a NULL ptr when there is none. False: refused.
static bool find_token(struct shard *shard, struct exchange *exchange, struct str *ret_token)
{
    const struct conf *conf = shard->hub->conf;
    size_t count = exchange_header_count(exchange, STR("Authorization"));
    if (count > 1)
        return refuse_request(shard, exchange, "there are several Authorization header fields");
    if (count == 1) {
        struct str value = exchange_header(exchange, STR("Authorization"));
        if (!str_eq_nocase(str_slice(value, 0, BEARER_LEN), STR("Bearer ")))
            return refuse_request(shard, exchange, "the Authorization header field is not a Bearer token");
        if (value.len < BEARER_LEN + TOKEN_MIN)
            return refuse_request(shard, exchange, "the Bearer token is too short to be an access token");
        *ret_token = str_slice(value, BEARER_LEN, value.len);
        return true;
    }
    *ret_token = str_make(NULL, 0);
    if (!find_cookie(exchange, conf->cookie_name, ret_token))
        return true;
    if (!ret_token->ptr)
        *ret_token = STR("");
    if (exchange_method(exchange) == HTTP_METHOD_POST && !is_origin_allowed(conf, exchange))
        return refuse_request(shard, exchange,
                              "publish_origins does not allow the origin of a request that "
                              "is authorized by the cookie");
    return true;
}

// ---- What it says ----

static void free_credentials(struct ref *ref)
{
    struct credentials *credentials = CONTAINER_OF(ref, struct credentials, ref);
    jwt_claims_free(credentials->claims);
    if (credentials->authorization)
        ref_put(&credentials->authorization->ref);
    free(credentials);
}

static struct jwt_cache_scope scope_of(const struct shard *shard, enum jwt_role role)
{
    return (struct jwt_cache_scope){
        .hub = shard->hub->number, .generation = shard->hub->keys->generation, .role = role};
}

// Reads a token into *credentials. HUB_E_DENIED: it is bad, which is worth remembering too.
static int verify(const struct shard *shard, enum jwt_role role, struct str token,
                  struct credentials *credentials)
{
    struct json *payload = NULL;
    int err =
        jwt_verify(shard->hub->keys, role, token, &credentials->claims, &payload, &credentials->failure);
    if (err)
        return err;
    err = authorization_parse(&credentials->authorization, json_get(payload, STR("authorization_details")),
                              &credentials->details);
    json_free(payload);
    return err;
}

static void remember(struct worker *worker, const struct jwt_cache_key *key, struct credentials *credentials)
{
    size_t size = sizeof(*credentials);
    if (credentials->claims)
        size += jwt_claims_memory(credentials->claims);
    if (!credentials->authorization) {
        jwt_cache_add_failure(worker->tokens, key, &credentials->ref, size, loop_now_ms(&worker->loop));
        return;
    }
    size += credentials->authorization->size;
    jwt_cache_add(worker->tokens, key, &credentials->ref, size);
}

// Once for each token, as long as it is remembered.
static void note_patterns(const struct credentials *credentials)
{
    static struct log_limit limit;
    const struct authorization *authorization = credentials->authorization;
    if (authorization && authorization->publish.pattern_count + authorization->subscribe.pattern_count)
        LOG_LIMITED(&limit, LOG_LEVEL_WARN,
                    "A URL Pattern in a token grants nothing: they are not supported yet by this version",
                    LOG_STR("issuer", credentials->claims->issuer));
}

static int verify_new(struct worker *worker, const struct shard *shard, enum jwt_role role, struct str token,
                      const struct jwt_cache_key *key, struct credentials **ret_credentials)
{
    struct credentials *credentials = calloc(1, sizeof(*credentials));
    if (!credentials)
        return -ENOMEM;
    ref_init(&credentials->ref, free_credentials);
    int err = verify(shard, role, token, credentials);
    if (err && err != HUB_E_DENIED) {
        ref_put(&credentials->ref);
        return err;
    }
    note_patterns(credentials);
    remember(worker, key, credentials);
    *ret_credentials = credentials;
    return HUB_OK;
}

// What is known of the token, from the cache or by verifying it, with one reference for the caller.
static int get_credentials(struct worker *worker, const struct shard *shard, enum jwt_role role,
                           struct str token, struct credentials **ret_credentials)
{
    struct jwt_cache_scope scope = scope_of(shard, role);
    struct jwt_cache_key key;
    int err = jwt_cache_key(worker->tokens, token, &scope, &key);
    if (err)
        return err;
    struct ref *cached = jwt_cache_find(worker->tokens, &key, loop_now_ms(&worker->loop));
    if (!cached)
        return verify_new(worker, shard, role, token, &key, ret_credentials);
    ref_get(cached);
    *ret_credentials = CONTAINER_OF(cached, struct credentials, ref);
    return HUB_OK;
}

// Whom a token for this request must be meant for.
static void append_audience(const struct shard *shard, const struct exchange *exchange, struct buf *to)
{
    struct str identifier = shard->hub->conf->resource_identifier;
    if (identifier.len) {
        buf_append_str(to, identifier);
        return;
    }
    exchange_append_origin(exchange, to);
    buf_append_str(to, STR(HUB_PATH));
}

static void refuse_audience(struct shard *shard, struct exchange *exchange, const struct jwt_claims *claims,
                            struct str expected)
{
    struct buf given;
    buf_init(&given, URL_MAX);
    for (size_t i = 0; i < claims->audience_count && !given.err; i++) {
        buf_append_str(&given, i ? STR(" ") : STR(""));
        buf_append_str(&given, claims->audiences[i]);
    }
    LOG(LOG_LEVEL_INFO, "Request refused", LOG_STR("request_id", exchange_request_id(exchange)),
        LOG_STR("peer", exchange_peer(exchange)), LOG_C("reason", jwt_reason_text(JWT_REASON_AUDIENCE)),
        LOG_STR("aud", buf_str(&given)), LOG_STR("expected_aud", expected), LOG_STR("issuer", claims->issuer),
        LOG_STR("key_id", claims->key_id));
    buf_done(&given);
    challenge(shard, exchange, 401, "invalid_token", STR("Unauthorized"));
}

// What depends on the time and the request is checked at every use. False: refused.
static bool check_claims(struct shard *shard, struct exchange *exchange, const struct jwt_claims *claims)
{
    struct buf expected;
    buf_init(&expected, URL_MAX);
    append_audience(shard, exchange, &expected);
    enum jwt_reason reason = JWT_REASON_AUDIENCE; // of an address longer than any URL
    if (expected.err == -ENOMEM)
        reason = JWT_REASON_MEMORY;
    else if (!expected.err)
        reason = jwt_claims_check(claims, clock_real_ms(), buf_str(&expected));
    if (reason == JWT_REASON_AUDIENCE)
        refuse_audience(shard, exchange, claims, buf_str(&expected));
    else if (reason == JWT_REASON_MEMORY)
        answer_unavailable(exchange, STR("Service Unavailable"));
    else if (reason != JWT_REASON_NONE)
        (void)refuse_token(shard, exchange, jwt_reason_text(reason), claims->issuer, claims->key_id);
    buf_done(&expected);
    return reason == JWT_REASON_NONE;
}

static struct str said(const char *text)
{
    return *text ? str_from_c(text) : nothing;
}

// Whether they are good here and now; otherwise the request has been refused.
static bool check_use(struct shard *shard, struct exchange *exchange, const struct credentials *credentials)
{
    const struct jwt_claims *claims = credentials->claims;
    if (!claims)
        return refuse_token(shard, exchange, jwt_reason_text(credentials->failure.reason),
                            said(credentials->failure.issuer), said(credentials->failure.key_id));
    if (credentials->details != AUTHORIZATION_REASON_NONE)
        return refuse_token(shard, exchange, authorization_reason_text(credentials->details), claims->issuer,
                            claims->key_id);
    return check_claims(shard, exchange, claims);
}

bool auth_check(struct worker *worker, struct shard *shard, struct exchange *exchange, enum jwt_role role,
                struct credentials **ret_credentials)
{
    *ret_credentials = NULL;
    struct str token;
    if (!find_token(shard, exchange, &token))
        return false;
    if (!token.ptr)
        return true;
    struct credentials *credentials;
    if (get_credentials(worker, shard, role, token, &credentials) != HUB_OK) {
        answer_unavailable(exchange, STR("Service Unavailable"));
        return false;
    }
    if (!check_use(shard, exchange, credentials)) {
        ref_put(&credentials->ref);
        return false;
    }
    *ret_credentials = credentials;
    return true;
}
