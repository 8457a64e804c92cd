#include "jwt/key.h"

#include "base/buf.h"
#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PEM \
    "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END " \
    "PUBLIC KEY-----\n"

static struct jwt_key *load(const char *text, const char *algorithm)
{
    struct jwt_key *key = NULL;
    const char *error = NULL;
    assert_int_equal(jwt_key_load(&key, str_from_c(text), str_from_c(algorithm), STR(""), &error), HUB_OK);
    assert_null(error);
    return key;
}

static void assert_refused(const char *text, const char *algorithm, int expected)
{
    struct jwt_key *key = NULL;
    const char *error = NULL;
    assert_int_equal(jwt_key_load(&key, str_from_c(text), str_from_c(algorithm), STR(""), &error), expected);
    assert_null(key);
    assert_non_null(error);
}

static void a_secret_without_an_algorithm_is_for_hs256(void **state)
{
    (void)state;
    struct jwt_key *key = load("secret", "");
    assert_int_equal(jwt_key_algorithms(key), 1U << JWT_ALGORITHM_HS256);
    jwt_key_free(key);
}

static void an_algorithm_is_named_exactly(void **state)
{
    (void)state;
    assert_refused("secret", "none", HUB_E_UNSUPPORTED);
    assert_refused("secret", "hs256", HUB_E_UNSUPPORTED);
    assert_refused("secret", "HS257", HUB_E_UNSUPPORTED);
    assert_refused("secret", "RS256", HUB_E_INVALID);
    enum jwt_algorithm algorithm;
    assert_true(jwt_algorithm_from_name(STR("HS384"), &algorithm));
    assert_string_equal(jwt_algorithm_name(algorithm), "HS384");
}

static void a_public_key_is_never_a_secret(void **state)
{
    (void)state;
    assert_refused(PEM, "", HUB_E_INVALID);
    assert_refused(PEM, "HS256", HUB_E_INVALID);
    assert_refused(" \n\t" PEM, "HS512", HUB_E_INVALID);
}

static void an_empty_secret_is_refused(void **state)
{
    (void)state;
    assert_refused("", "HS256", HUB_E_INVALID);
}

static void a_secret_shorter_than_its_digest_is_told(void **state)
{
    (void)state;
    const char *secret = "0123456789abcdef0123456789abcdef";
    struct jwt_key *key = load(secret, "HS256");
    assert_int_equal(jwt_key_short_of(key), 0);
    jwt_key_free(key);
    key = load(secret + 1, "HS256");
    assert_int_equal(jwt_key_short_of(key), 32);
    jwt_key_free(key);
    key = load(secret, "HS384");
    assert_int_equal(jwt_key_short_of(key), 48);
    jwt_key_free(key);
}

static void a_key_signs_and_verifies_with_its_own_algorithm_only(void **state)
{
    (void)state;
    static const size_t sizes[] = {32, 48, 64};
    for (unsigned i = 0; i < ARRAY_LEN(sizes); i++) {
        enum jwt_algorithm algorithm = (enum jwt_algorithm)i;
        struct jwt_key *key = load("secret", jwt_algorithm_name(algorithm));
        struct buf signature;
        buf_init(&signature, 64);
        assert_int_equal(jwt_key_sign(key, algorithm, STR("text"), &signature), HUB_OK);
        assert_int_equal(signature.len, sizes[i]);
        for (unsigned other = 0; other < ARRAY_LEN(sizes); other++) {
            int expected = other == i ? HUB_OK : HUB_E_DENIED;
            assert_int_equal(jwt_key_verify(key, (enum jwt_algorithm)other, STR("text"), buf_str(&signature)),
                             expected);
        }
        enum jwt_algorithm next = (enum jwt_algorithm)((i + 1) % ARRAY_LEN(sizes));
        assert_int_equal(jwt_key_sign(key, next, STR("text"), &signature), HUB_E_DENIED);
        buf_done(&signature);
        jwt_key_free(key);
    }
}

// RFC 4231, test case 2.
static void the_vector_of_rfc_4231_comes_out(void **state)
{
    (void)state;
    static const unsigned char expected[32] = {
        0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e, 0x6a, 0x04, 0x24, 0x26, 0x08, 0x95, 0x75, 0xc7,
        0x5a, 0x00, 0x3f, 0x08, 0x9d, 0x27, 0x39, 0x83, 0x9d, 0xec, 0x58, 0xb9, 0x64, 0xec, 0x38, 0x43};
    struct jwt_key *key = load("Jefe", "HS256");
    struct buf signature;
    buf_init(&signature, 64);
    struct str text = STR("what do ya want for nothing?");
    assert_int_equal(jwt_key_sign(key, JWT_ALGORITHM_HS256, text, &signature), HUB_OK);
    assert_memory_equal(signature.ptr, expected, sizeof(expected));
    buf_done(&signature);
    jwt_key_free(key);
}

static void a_cut_or_changed_signature_is_refused(void **state)
{
    (void)state;
    struct jwt_key *key = load("secret", "HS256");
    struct buf signature;
    buf_init(&signature, 64);
    assert_int_equal(jwt_key_sign(key, JWT_ALGORITHM_HS256, STR("text"), &signature), HUB_OK);
    struct str whole = buf_str(&signature);
    for (size_t len = 0; len < whole.len; len++)
        assert_int_equal(jwt_key_verify(key, JWT_ALGORITHM_HS256, STR("text"), str_slice(whole, 0, len)),
                         HUB_E_DENIED);
    for (size_t i = 0; i < whole.len; i++) {
        signature.ptr[i] ^= 1;
        assert_int_equal(jwt_key_verify(key, JWT_ALGORITHM_HS256, STR("text"), whole), HUB_E_DENIED);
        signature.ptr[i] ^= 1;
    }
    buf_append_c(&signature, '\0');
    assert_int_equal(jwt_key_verify(key, JWT_ALGORITHM_HS256, STR("text"), buf_str(&signature)),
                     HUB_E_DENIED);
    buf_done(&signature);
    jwt_key_free(key);
}

static void a_secret_may_hold_zero_bytes(void **state)
{
    (void)state;
    struct jwt_key *a;
    struct jwt_key *b;
    const char *error;
    assert_int_equal(jwt_key_load(&a, str_make("a\0b", 3), STR(""), STR("1"), &error), HUB_OK);
    assert_int_equal(jwt_key_load(&b, str_make("a\0c", 3), STR(""), STR("2"), &error), HUB_OK);
    assert_true(str_eq(jwt_key_id(a), STR("1")));
    struct buf signature;
    buf_init(&signature, 64);
    assert_int_equal(jwt_key_sign(a, JWT_ALGORITHM_HS256, STR("text"), &signature), HUB_OK);
    assert_int_equal(jwt_key_verify(b, JWT_ALGORITHM_HS256, STR("text"), buf_str(&signature)), HUB_E_DENIED);
    buf_done(&signature);
    jwt_key_free(a);
    jwt_key_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_secret_without_an_algorithm_is_for_hs256),
        cmocka_unit_test(an_algorithm_is_named_exactly),
        cmocka_unit_test(a_public_key_is_never_a_secret),
        cmocka_unit_test(an_empty_secret_is_refused),
        cmocka_unit_test(a_secret_shorter_than_its_digest_is_told),
        cmocka_unit_test(a_key_signs_and_verifies_with_its_own_algorithm_only),
        cmocka_unit_test(the_vector_of_rfc_4231_comes_out),
        cmocka_unit_test(a_cut_or_changed_signature_is_refused),
        cmocka_unit_test(a_secret_may_hold_zero_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
