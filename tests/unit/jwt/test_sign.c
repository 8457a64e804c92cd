#include "jwt/sign.h"

#include "base/buf.h"
#include "base/err.h"
#include "jwt/verify.h"
#include "json/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct jwt_key *load(const char *algorithm, const char *id)
{
    struct jwt_key *key;
    const char *error;
    struct str secret = STR("!ChangeThisMercureHubJWTSecretKey!");
    assert_int_equal(jwt_key_load(&key, secret, str_from_c(algorithm), str_from_c(id), &error), HUB_OK);
    return key;
}

static void a_minted_token_is_good_with_each_algorithm(void **state)
{
    (void)state;
    static const char *const algorithms[] = {"HS256", "HS384", "HS512"};
    for (size_t i = 0; i < ARRAY_LEN(algorithms); i++) {
        struct jwt_keyset *set = jwt_keyset_new();
        struct jwt_key *key = load(algorithms[i], "a \"quoted\" id");
        assert_int_equal(jwt_keyset_take_key(set, STR("i"), JWT_ROLE_SUBSCRIBER, key), HUB_OK);
        struct buf token;
        buf_init(&token, 4096);
        assert_int_equal(jwt_sign(key, JWT_TYPE_ACCESS, STR("{\"iss\":\"i\",\"exp\":1}"), &token), HUB_OK);
        struct jwt_claims *claims;
        struct json *payload;
        struct jwt_failure failure;
        int err = jwt_verify(set, JWT_ROLE_SUBSCRIBER, buf_str(&token), &claims, &payload, &failure);
        assert_int_equal(err, HUB_OK);
        assert_true(str_eq(claims->key_id, STR("a \"quoted\" id")));
        jwt_claims_free(claims);
        json_free(payload);
        buf_done(&token);
        ref_put(&set->ref);
    }
}

// As another program made it, byte for byte.
static void the_development_token_comes_out(void **state)
{
    (void)state;
    struct jwt_key *key = load("", "");
    struct buf token;
    buf_init(&token, 4096);
    buf_append_str(&token, STR("Bearer ")); // what is there already is no part of what is signed
    struct str claims =
        STR("{\"iss\":\"https://localhost\",\"aud\":\"https://localhost/.well-known/mercure\","
            "\"exp\":4102444800,\"authorization_details\":[{\"type\":"
            "\"https://mercure.rocks/authorization-detail\",\"actions\":[\"publish\",\"subscribe\"],"
            "\"topics\":[{\"match\":\"*\"}]}]}");
    assert_int_equal(jwt_sign(key, JWT_TYPE_ACCESS, claims, &token), HUB_OK);
    assert_true(
        str_starts_with(buf_str(&token), STR("Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJpc3M")));
    assert_true(str_ends_with(buf_str(&token), STR(".ZSHhiSbxPjdOMrCsb88P254pIUOHGt8bnGUQ60AXvDo")));
    buf_done(&token);
    jwt_key_free(key);
}

static void a_buffer_that_is_too_small_is_told(void **state)
{
    (void)state;
    struct jwt_key *key = load("", "");
    // {} makes a token of 40 + 1 + 3 + 1 + 43 characters.
    for (size_t room = 0; room <= 88; room++) {
        struct buf token;
        buf_init(&token, room);
        assert_int_equal(jwt_sign(key, JWT_TYPE_ACCESS, STR("{}"), &token),
                         room < 88 ? HUB_E_TOO_BIG : HUB_OK);
        buf_done(&token);
    }
    jwt_key_free(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_minted_token_is_good_with_each_algorithm),
        cmocka_unit_test(the_development_token_comes_out),
        cmocka_unit_test(a_buffer_that_is_too_small_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
