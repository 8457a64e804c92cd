#include "base/buf.h"
#include "base/err.h"
#include "jwt/cache.h"
#include "jwt/jwks.h"
#include "jwt/sign.h"
#include "jwt/verify.h"
#include "support/torture.h"
#include "json/json.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static int add_key(struct jwt_keyset *set, const char *issuer)
{
    struct jwt_key *key;
    const char *error;
    int err = jwt_key_load(&key, STR("secret"), STR("HS384"), STR("id"), &error);
    return err ? err : jwt_keyset_take_key(set, str_from_c(issuer), JWT_ROLE_PUBLISHER, key);
}

static int make_set(struct jwt_keyset **ret_set)
{
    struct jwt_keyset *set = jwt_keyset_new();
    if (!set)
        return -ENOMEM;
    int err = add_key(set, "a");
    if (!err)
        err = add_key(set, "a");
    if (!err)
        err = add_key(set, "b");
    if (err) {
        ref_put(&set->ref);
        return err;
    }
    *ret_set = set;
    return HUB_OK;
}

static int sets_are_built(void *arg)
{
    (void)arg;
    struct jwt_keyset *set;
    int err = make_set(&set);
    if (!err)
        ref_put(&set->ref);
    return err;
}

static int tokens_are_made(void *arg)
{
    struct jwt_keyset *set = arg;
    struct buf token;
    buf_init(&token, 4096);
    struct jwt_key *key = jwt_keyset_find(set, STR("b"))->roles[JWT_ROLE_PUBLISHER].keys[0];
    int err = jwt_sign(key, JWT_TYPE_ACCESS, STR("{\"iss\":\"b\",\"aud\":[\"x\",\"y\"],\"exp\":1}"), &token);
    buf_done(&token);
    return err;
}

struct input {
    struct jwt_keyset *set;
    struct str token;
};

static int tokens_are_verified(void *arg)
{
    const struct input *input = arg;
    struct jwt_claims *claims;
    struct json *payload;
    struct jwt_failure failure;
    int err = jwt_verify(input->set, JWT_ROLE_PUBLISHER, input->token, &claims, &payload, &failure);
    if (err) {
        assert_true(err == HUB_E_DENIED || failure.reason == JWT_REASON_MEMORY);
        return err;
    }
    jwt_claims_free(claims);
    json_free(payload);
    return HUB_OK;
}

// Nothing is refused for want of memory, least of all remembered as bad.
static void without_memory_a_token_is_neither_good_nor_bad(void **state)
{
    (void)state;
    struct jwt_keyset *set;
    assert_int_equal(make_set(&set), HUB_OK);
    struct buf token;
    buf_init(&token, 4096);
    struct jwt_key *key = jwt_keyset_find(set, STR("b"))->roles[JWT_ROLE_PUBLISHER].keys[0];
    assert_int_equal(
        jwt_sign(key, JWT_TYPE_ACCESS, STR("{\"iss\":\"b\",\"aud\":[\"x\",\"y\"],\"exp\":1}"), &token),
        HUB_OK);
    struct input input = {.set = set, .token = buf_str(&token)};
    torture_run(tokens_are_verified, &input);
    assert_true(torture_failures() > 0);
    torture_run(tokens_are_made, set);
    assert_true(torture_failures() > 0);
    buf_done(&token);
    ref_put(&set->ref);
}

static void a_set_of_keys_is_built_whole_or_not_at_all(void **state)
{
    (void)state;
    torture_run(sets_are_built, NULL);
    assert_true(torture_failures() > 0);
}

static void free_object(struct ref *ref)
{
    free(ref);
}

static int cache_one(struct jwt_cache *cache, unsigned char first)
{
    struct ref *object = malloc(sizeof(*object));
    if (!object)
        return -ENOMEM;
    ref_init(object, free_object);
    struct jwt_cache_key key = {.digest = {first}};
    jwt_cache_add(cache, &key, object, 0);
    struct ref *found = jwt_cache_find(cache, &key, 0);
    assert_true(!found || found == object);
    ref_put(object);
    return HUB_OK;
}

static int tokens_are_cached(void *arg)
{
    (void)arg;
    const struct jwt_cache_limits limits = {.entries = 64, .bytes = 1 << 20};
    struct jwt_cache *cache;
    int err = jwt_cache_new(&cache, &limits);
    if (err)
        return err;
    for (unsigned i = 0; i < 40 && !err; i++)
        err = cache_one(cache, (unsigned char)i);
    jwt_cache_free(cache);
    return err;
}

static void a_cache_without_memory_forgets(void **state)
{
    (void)state;
    torture_run(tokens_are_cached, NULL);
    assert_true(torture_failures() > 0);
}

#define P256_PEM \
    "-----BEGIN PUBLIC KEY-----\n" \
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEXH8UTNG72bfocs3+" \
    "257rn0s2ldbqkL" \
    "JK2KRiMohYjlrQ==\n-----END PUBLIC KEY-----"
#define P256_JWK \
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\"," \
    "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\",\"kid\":\"a\"}"

static int a_pem_is_loaded(void *arg)
{
    (void)arg;
    struct jwt_key *key;
    const char *error;
    int err = jwt_key_load(&key, STR(P256_PEM), STR("ES256"), STR("id"), &error);
    if (!err)
        jwt_key_free(key);
    return err;
}

static int a_set_is_read(void *arg)
{
    (void)arg;
    struct jwk_set set;
    struct buf reason;
    buf_init(&reason, 256);
    int err = jwk_set_parse(&set, STR("{\"keys\":[" P256_JWK "," P256_JWK ",{\"kty\":\"x\",\"kid\":\"b\"}]}"),
                            JWT_ALGORITHMS_PUBLIC, &reason);
    buf_done(&reason);
    if (err)
        return err;
    // A key that there was no memory for is not passed over in silence.
    assert_int_equal(set.count, 2);
    assert_int_equal(set.skip_count, 1);
    jwk_set_done(&set);
    return HUB_OK;
}

static void keys_are_loaded_whole_or_not_at_all(void **state)
{
    (void)state;
    torture_run(a_pem_is_loaded, NULL);
    assert_true(torture_failures() > 0);
    torture_run(a_set_is_read, NULL);
    assert_true(torture_failures() > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_memory_a_token_is_neither_good_nor_bad),
        cmocka_unit_test(a_set_of_keys_is_built_whole_or_not_at_all),
        cmocka_unit_test(a_cache_without_memory_forgets),
        cmocka_unit_test(keys_are_loaded_whole_or_not_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
