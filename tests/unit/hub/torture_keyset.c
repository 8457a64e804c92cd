#include "base/buf.h"
#include "base/err.h"
#include "conf/conf.h"
#include "hub/keyset_build.h"
#include "jwt/key.h"
#include "jwt/keyset.h"
#include "support/torture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define SET_URL STR("https://a.example/jwks.json")
#define SET_TEXT \
    STR("{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"a\"," \
        "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"},{\"kty\":\"unknown\",\"kid\":\"b\"}]}")

static struct key_document document_of(const void *arg, struct str url)
{
    (void)arg;
    assert_true(str_eq(url, SET_URL));
    return (struct key_document){.text = SET_TEXT, .source = 7};
}

static struct str algorithms[] = {{"EdDSA", 5}, {"ES256", 5}};

static struct conf_issuer issuers[] = {
    {
        .issuer = {"a", 1},
        .publisher = {.jwks_uri = {"https://a.example/jwks.json", 27}, .jwt_algorithms = {algorithms, 2}},
        .subscriber = {.jwt_key = {"a secret of some length, to be sure", 35}, .jwt_algorithm = {"HS256", 5}},
    },
    {.issuer = {"b", 1}, .publisher = {.jwt_key = {"another one", 11}, .jwt_algorithm = {"HS512", 5}}},
};

static const struct conf conf = {
    .issuers = issuers,
    .issuer_count = 2,
    .legacy = {.version = 8, .publisher = {.jwt_key = {"old", 3}, .jwt_algorithm = {"HS256", 5}}},
};

static int build(struct jwt_keyset **ret_set)
{
    struct buf reason;
    buf_init(&reason, 1024);
    int err = keyset_build(ret_set, &conf, document_of, NULL, &reason);
    buf_done(&reason);
    return err;
}

static int sets_are_built(void *arg)
{
    (void)arg;
    struct jwt_keyset *set;
    int err = build(&set);
    if (!err)
        ref_put(&set->ref);
    return err;
}

static void a_set_is_built_whole_or_not_at_all(void **state)
{
    (void)state;
    torture_run(sets_are_built, NULL);
    assert_true(torture_failures() > 0);
}

static void every_verifier_gets_its_own_keys(void **state)
{
    (void)state;
    struct jwt_keyset *set;
    assert_int_equal(build(&set), HUB_OK);
    const struct jwt_verifier *of_a = jwt_keyset_find(set, STR("a"))->roles;
    assert_int_equal(of_a[JWT_ROLE_PUBLISHER].count, 1);
    assert_int_equal(of_a[JWT_ROLE_PUBLISHER].source, 7);
    assert_int_equal(of_a[JWT_ROLE_PUBLISHER].algorithms,
                     1U << JWT_ALGORITHM_EdDSA | 1U << JWT_ALGORITHM_ES256);
    assert_int_equal(of_a[JWT_ROLE_SUBSCRIBER].count, 1);
    assert_int_equal(of_a[JWT_ROLE_SUBSCRIBER].source, 0);
    assert_int_equal(jwt_keyset_find(set, STR("b"))->roles[JWT_ROLE_SUBSCRIBER].count, 0);
    assert_int_equal(set->legacy[JWT_ROLE_PUBLISHER].count, 3); // of each length
    assert_int_equal(set->legacy[JWT_ROLE_SUBSCRIBER].count, 0);
    ref_put(&set->ref);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_verifier_gets_its_own_keys),
        cmocka_unit_test(a_set_is_built_whole_or_not_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
