// What a token costs: one that is remembered, and one whose signature is to be verified, for each kind of
// key.
//
//     bench_token PRIVATE-KEY.pem ALGORITHM
#include "base/assert.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "jwt/cache.h"
#include "jwt/sign.h"
#include "jwt/verify.h"
#include "json/json.h"

#include <stdio.h>
#include <stdlib.h>

#define ROUNDS 7
#define REMEMBERED 1000U
#define USES 200000U
#define VERIFICATIONS 2000U
#define TEXT_MAX 16384U

#define AUDIENCE STR("https://hub.example.com/.well-known/mercure")

struct tokens {
    struct jwt_keyset *set;
    struct jwt_cache *cache;
    struct str texts[REMEMBERED];
    struct jwt_claims *claims[REMEMBERED];
    struct ref refs[REMEMBERED];
};

static void keep(struct ref *ref)
{
    (void)ref; // they are part of `tokens`
}

static struct jwt_key *load_key(const char *path, const char *algorithm)
{
    static char text[TEXT_MAX];
    FILE *file = fopen(path, "r");
    size_t len = file ? fread(text, 1, sizeof(text), file) : 0;
    struct jwt_key *key = NULL;
    const char *reason = "it cannot be read";
    int err =
        len ? jwt_key_load(&key, str_make(text, len), str_from_c(algorithm), STR("key-1"), &reason) : -1;
    if (err) {
        fprintf(stderr, "%s: %s\n", path, reason);
        exit(1);
    }
    (void)fclose(file);
    return key;
}

// As the tokens of a large application are.
static struct str mint(const struct jwt_key *key, unsigned number)
{
    struct buf claims;
    struct buf token;
    buf_init(&claims, TEXT_MAX);
    buf_init(&token, TEXT_MAX);
    buf_printf(&claims,
               "{\"iss\":\"https://auth.example.com\",\"aud\":\"%.*s\",\"exp\":4102444800,\"iat\":1700000000,"
               "\"sub\":\"user-%u\",\"client_id\":\"app\",\"authorization_details\":[{\"type\":"
               "\"https://mercure.rocks/authorization-detail\",\"actions\":[\"subscribe\"],\"topics\":["
               "{\"match\":\"https://example.com/users/%u\"},{\"match\":\"https://example.com/news\"}]}]}",
               STR_ARG(AUDIENCE), number, number);
    HUB_ASSERT(jwt_sign(key, STR("at+jwt"), buf_str(&claims), &token) == HUB_OK);
    buf_done(&claims);
    return buf_str(&token); // for the whole run
}

static int verify(struct tokens *tokens, unsigned number, struct jwt_claims **ret_claims)
{
    struct json *payload;
    struct jwt_failure failure;
    int err =
        jwt_verify(tokens->set, JWT_ROLE_SUBSCRIBER, tokens->texts[number], ret_claims, &payload, &failure);
    if (!err)
        json_free(payload);
    return err;
}

// As hub/auth.c does for a token that is remembered.
static void use(struct tokens *tokens, unsigned number)
{
    struct jwt_cache_scope scope = {.generation = tokens->set->generation, .role = JWT_ROLE_SUBSCRIBER};
    struct jwt_cache_key key;
    HUB_ASSERT(jwt_cache_key(tokens->cache, tokens->texts[number], &scope, &key) == HUB_OK);
    const struct ref *ref = jwt_cache_find(tokens->cache, &key, 1);
    HUB_ASSERT(ref == &tokens->refs[number]);
    HUB_ASSERT(jwt_claims_check(tokens->claims[number], clock_real_ms(), AUDIENCE) == JWT_REASON_NONE);
}

static void remember(struct tokens *tokens, unsigned number)
{
    struct jwt_cache_scope scope = {.generation = tokens->set->generation, .role = JWT_ROLE_SUBSCRIBER};
    struct jwt_cache_key key;
    HUB_ASSERT(verify(tokens, number, &tokens->claims[number]) == HUB_OK);
    HUB_ASSERT(jwt_cache_key(tokens->cache, tokens->texts[number], &scope, &key) == HUB_OK);
    ref_init(&tokens->refs[number], keep);
    jwt_cache_add(tokens->cache, &key, &tokens->refs[number], 500);
}

static double per_use_us(uint64_t began_ns, unsigned count)
{
    return (double)(clock_mono_ns() - began_ns) / 1000 / count;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: bench_token PRIVATE-KEY.pem ALGORITHM\n");
        return 2;
    }
    static struct tokens tokens;
    const struct jwt_cache_limits limits = {.entries = 10000, .bytes = 32U << 20};
    struct jwt_key *key = load_key(argv[1], argv[2]);
    tokens.set = jwt_keyset_new();
    HUB_ASSERT(tokens.set && jwt_cache_new(&tokens.cache, &limits) == HUB_OK);
    for (unsigned i = 0; i < REMEMBERED; i++)
        tokens.texts[i] = mint(key, i);
    HUB_ASSERT(jwt_keyset_take_key(tokens.set, STR("https://auth.example.com"), JWT_ROLE_SUBSCRIBER, key) ==
               HUB_OK);
    for (unsigned i = 0; i < REMEMBERED; i++)
        remember(&tokens, i);
    printf("token of %zu bytes\n", tokens.texts[0].len);
    for (unsigned round = 0; round < ROUNDS; round++) {
        uint64_t began_ns = clock_mono_ns();
        for (unsigned i = 0; i < USES; i++)
            use(&tokens, i % REMEMBERED);
        double used_us = per_use_us(began_ns, USES);
        began_ns = clock_mono_ns();
        struct jwt_claims *claims;
        for (unsigned i = 0; i < VERIFICATIONS; i++) {
            HUB_ASSERT(verify(&tokens, i % REMEMBERED, &claims) == HUB_OK);
            jwt_claims_free(claims);
        }
        printf("remembered %.2f us, verified %.1f us\n", used_us, per_use_us(began_ns, VERIFICATIONS));
    }
    return 0;
}
