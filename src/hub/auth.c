#include "hub/auth.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "conf/conf.h"
#include "http/exchange.h"
#include "hub/auth_request.h"
#include "hub/auth_token.h"
#include "hub/hub.h"
#include "hub/key_wait.h"
#include "hub/legacy.h"
#include "hub/metadata.h"
#include "hub/shard.h"
#include "hub/verification.h"
#include "hub/worker.h"
#include "mercure/authorization.h"
#include "json/json.h"

#include <errno.h>
#include <stdlib.h>

#define AUDIENCE_MAX 4096
#define KEYS_TEXT_MAX 512

// ---- What a token says ----

static void free_credentials(struct ref *ref)
{
    struct credentials *credentials = CONTAINER_OF(ref, struct credentials, ref);
    jwt_claims_free(credentials->claims);
    if (credentials->authorization)
        ref_put(&credentials->authorization->ref);
    free(credentials);
}

static struct jwt_cache_scope scope_of(const struct auth_request *request)
{
    const struct shard *shard = request->shard;
    return (struct jwt_cache_scope){
        .hub = shard->hub->number, .generation = shard->keys->generation, .role = request->role};
}

static void remember(struct shard *shard, const struct jwt_cache_key *key, struct credentials *credentials)
{
    struct jwt_cache *tokens = worker_of(shard)->tokens;
    size_t size = sizeof(*credentials);
    if (credentials->claims)
        size += jwt_claims_memory(credentials->claims);
    if (credentials->failure.source)
        return; // what it lacks may come any time
    if (!credentials->authorization) {
        jwt_cache_add_failure(tokens, key, &credentials->ref, size, loop_now_ms(shard->loop));
        return;
    }
    size += credentials->authorization->size;
    jwt_cache_add(tokens, key, &credentials->ref, size);
}

// HUB_E_DENIED: it is bad, which is worth remembering too.
static int read_claims(struct shard *shard, struct jwt_check *check, struct credentials *credentials)
{
    struct json *payload = NULL;
    int err = jwt_check_end(check, &credentials->claims, &payload, &credentials->failure);
    if (err)
        return err;
    const struct json *details = json_get(payload, STR("authorization_details"));
    if (credentials->claims->legacy && !details)
        err = authorization_parse_claims(&credentials->authorization, payload, &shard->patterns,
                                         &credentials->details);
    else
        err = authorization_parse(&credentials->authorization, details, &shard->patterns,
                                  &credentials->details);
    json_free(payload);
    return err;
}

int auth_read(struct shard *shard, const struct jwt_cache_key *key, struct jwt_check *check,
              struct credentials **ret_credentials)
{
    struct credentials *credentials = calloc(1, sizeof(*credentials));
    if (!credentials) {
        jwt_check_free(check);
        return -ENOMEM;
    }
    ref_init(&credentials->ref, free_credentials);
    int err = read_claims(shard, check, credentials);
    if (err && err != HUB_E_DENIED) {
        ref_put(&credentials->ref);
        return err;
    }
    remember(shard, key, credentials);
    *ret_credentials = credentials;
    return HUB_OK;
}

// ---- What it is worth ----

static struct str said(const char *text)
{
    return *text ? str_from_c(text) : str_make(NULL, 0);
}

// The keys that a token could have been signed with: their `kid`s as far as there is room, a number of those
// without.
static void append_keys(struct buf *buf, const struct jwt_verifier *verifier)
{
    size_t nameless = 0;
    for (size_t i = 0; i < verifier->count; i++) {
        struct str id = jwt_key_id(verifier->keys[i]);
        nameless += id.len == 0;
        if (id.len && buf->len + id.len + 32 < KEYS_TEXT_MAX)
            buf_printf(buf, "%s%.*s", buf->len ? " " : "", STR_ARG(id));
    }
    if (nameless || verifier->count == 0)
        buf_printf(buf, "%s(%zu without kid)", buf->len ? " " : "", nameless);
}

static void refuse_failed(const struct auth_request *request, const struct jwt_failure *failure)
{
    struct token_fault fault = {.reason = jwt_reason_text(failure->reason),
                                .issuer = said(failure->issuer),
                                .key_id = said(failure->key_id)};
    struct buf keys;
    buf_init(&keys, KEYS_TEXT_MAX);
    const struct jwt_issuer *issuer = jwt_keyset_find(request->shard->keys, fault.issuer);
    if (issuer) {
        append_keys(&keys, &issuer->roles[request->role]);
        fault.keys = buf_str(&keys);
    }
    auth_refuse_token(request->shard, request->exchange, &fault);
    buf_done(&keys);
}

static void refuse_use(const struct auth_request *request, const struct jwt_claims *claims,
                       const char *reason)
{
    struct token_fault fault = {
        .reason = reason, .told = true, .issuer = claims->issuer, .key_id = claims->key_id};
    auth_refuse_token(request->shard, request->exchange, &fault);
}

static void refuse_audience(const struct auth_request *request, const struct jwt_claims *claims,
                            struct str expected)
{
    struct buf given;
    buf_init(&given, AUDIENCE_MAX);
    for (size_t i = 0; i < claims->audience_count && !given.err; i++) {
        buf_append_str(&given, i ? STR(" ") : STR(""));
        buf_append_str(&given, claims->audiences[i]);
    }
    struct token_fault fault = {.reason = jwt_reason_text(JWT_REASON_AUDIENCE),
                                .told = true,
                                .issuer = claims->issuer,
                                .key_id = claims->key_id,
                                .aud = buf_str(&given),
                                .expected = expected};
    auth_refuse_token(request->shard, request->exchange, &fault);
    buf_done(&given);
}

// What depends on the time and the request is checked at every use. False: refused.
static bool check_claims(const struct auth_request *request, const struct jwt_claims *claims)
{
    struct buf expected;
    buf_init(&expected, AUDIENCE_MAX);
    metadata_append_resource(request->shard->hub->conf, request->exchange, &expected);
    enum jwt_reason reason = JWT_REASON_AUDIENCE; // of an address longer than any URL
    if (expected.err == -ENOMEM)
        reason = JWT_REASON_MEMORY;
    else if (!expected.err)
        reason = jwt_claims_check(claims, clock_real_ms(), buf_str(&expected));
    if (reason == JWT_REASON_AUDIENCE)
        refuse_audience(request, claims, buf_str(&expected));
    else if (reason == JWT_REASON_MEMORY)
        auth_give_up(request->shard, request->exchange, jwt_reason_text(reason));
    else if (reason != JWT_REASON_NONE)
        refuse_use(request, claims, jwt_reason_text(reason));
    buf_done(&expected);
    return reason == JWT_REASON_NONE;
}

// Whether they are good here and now; otherwise the request has been refused.
static bool check_use(const struct auth_request *request, const struct credentials *credentials)
{
    const struct jwt_claims *claims = credentials->claims;
    if (!claims) {
        refuse_failed(request, &credentials->failure);
        return false;
    }
    if (credentials->details != AUTHORIZATION_REASON_NONE) {
        refuse_use(request, claims, authorization_reason_text(credentials->details));
        return false;
    }
    bool is_legacy_place =
        request->token.place == AUTH_PLACE_PARAMETER || request->token.place == AUTH_PLACE_LEGACY_COOKIE;
    if (is_legacy_place && !claims->legacy) {
        refuse_use(request, claims, "an access token may stand only where its own protocol allows");
        return false;
    }
    return check_claims(request, claims);
}

// The token may be signed with a key that this worker does not know yet. True: it waits for one, or the hub
// has not been able to get any.
static bool lacks_key(const struct auth_request *request, const struct jwt_failure *failure)
{
    if (!failure->source)
        return false;
    if (key_wait_begin(request, failure->source))
        return true;
    if (failure->keyless)
        auth_give_up(request->shard, request->exchange, "there are no keys of the token's issuer yet");
    return failure->keyless;
}

void auth_conclude(struct auth_request *request, struct credentials *credentials)
{
    if (lacks_key(request, &credentials->failure)) {
        ref_put(&credentials->ref);
        return;
    }
    if (!check_use(request, credentials)) {
        ref_put(&credentials->ref);
        return;
    }
    if (credentials->claims->legacy)
        legacy_note(request->shard, request->exchange, legacy_forms_of_token(request->token.place));
    request->done(request->shard, request->exchange, credentials);
}

// ---- Waiting ----

static void gone(struct exchange *exchange)
{
    struct auth_request *request = exchange_data(exchange);
    list_remove(&request->node);
    request->left(request);
}

int auth_wait(const struct auth_request *request, struct list *list,
              void (*left)(struct auth_request *request), void *waits_for)
{
    struct exchange *exchange = request->exchange;
    struct auth_request *kept = arena_alloc(exchange_arena(exchange), sizeof(*kept));
    if (!kept)
        return -ENOMEM;
    *kept = *request;
    kept->left = left;
    kept->waits_for = waits_for;
    list_append(list, &kept->node);
    exchange_set_data(exchange, kept);
    exchange_on_gone(exchange, gone);
    return HUB_OK;
}

void auth_resume(struct auth_request *request)
{
    list_remove(&request->node);
    exchange_on_gone(request->exchange, NULL);
}

// ---- The request ----

static void verify(struct auth_request *request, const struct jwt_cache_key *key)
{
    struct jwt_check *check;
    struct credentials *credentials;
    int err = jwt_check_new(&check, request->shard->keys, request->role, request->token.text);
    if (!err && jwt_check_is_slow(check)) {
        verification_begin(request, key, check);
        return;
    }
    if (!err) {
        jwt_check_run(check);
        err = auth_read(request->shard, key, check, &credentials);
    }
    if (err)
        auth_give_up(request->shard, request->exchange, err_text(err));
    else
        auth_conclude(request, credentials);
}

void auth_begin(struct auth_request *request)
{
    struct jwt_cache *tokens = worker_of(request->shard)->tokens;
    struct jwt_cache_scope scope = scope_of(request);
    struct jwt_cache_key key;
    int err = jwt_cache_key(tokens, request->token.text, &scope, &key);
    if (err) {
        auth_give_up(request->shard, request->exchange, err_text(err));
        return;
    }
    struct ref *cached = jwt_cache_find(tokens, &key, loop_now_ms(request->shard->loop));
    if (cached) {
        ref_get(cached);
        auth_conclude(request, CONTAINER_OF(cached, struct credentials, ref));
    } else if (!verification_join(request, &key)) {
        verify(request, &key);
    }
}

// Where the 0.x protocol is on, what does not bring an access token is a request of that protocol, which has
// 401 for everything.
static void refuse_request(const struct auth_request *request, const char *wrong)
{
    bool legacy = request->shard->hub->conf->legacy.version && !jwt_is_access_token(request->token.text);
    struct token_fault fault = {.reason = wrong, .told = true};
    if (legacy)
        auth_refuse_token(request->shard, request->exchange, &fault);
    else
        auth_refuse_request(request->shard, request->exchange, wrong);
}

void auth_check(struct shard *shard, struct exchange *exchange, enum jwt_role role, auth_done_fn *done)
{
    struct auth_request request = {.shard = shard, .exchange = exchange, .role = role, .done = done};
    const char *wrong = auth_token_find(shard->hub->conf, exchange, &request.token);
    if (wrong)
        refuse_request(&request, wrong);
    else if (request.token.text.ptr)
        auth_begin(&request);
    else
        done(shard, exchange, NULL);
}
