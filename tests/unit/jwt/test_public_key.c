#include "base/buf.h"
#include "jwt/base64url.h"
#include "keys.h"

#include <pthread.h>
#include <string.h>

struct pair {
    enum jwt_algorithm algorithm;
    const char *private;
    const char *public;
    size_t signature_len;
};

static const struct pair pairs[] = {
    {JWT_ALGORITHM_RS256, "rsa.pem", "rsa.pub.pem", 256},
    {JWT_ALGORITHM_RS384, "rsa.pem", "rsa.pub.pem", 256},
    {JWT_ALGORITHM_RS512, "rsa.pem", "rsa.pub.pem", 256},
    {JWT_ALGORITHM_PS256, "rsa.pem", "rsa.pub.pem", 256},
    {JWT_ALGORITHM_PS384, "rsa.pem", "rsa.pub.pem", 256},
    {JWT_ALGORITHM_PS512, "rsa.pem", "rsa.pub.pem", 256},
    {JWT_ALGORITHM_ES256, "p256.pem", "p256.pub.pem", 64},
    {JWT_ALGORITHM_ES384, "p384.pem", "p384.pub.pem", 96},
    {JWT_ALGORITHM_ES512, "p521.pem", "p521.pub.pem", 132},
    {JWT_ALGORITHM_EdDSA, "ed25519.pem", "ed25519.pub.pem", 64},
};

static struct buf sign(const struct pair *pair, struct str input)
{
    struct jwt_key *key = key_of(pair->private, jwt_algorithm_name(pair->algorithm));
    struct buf signature;
    buf_init(&signature, 1024);
    assert_int_equal(jwt_key_sign(key, pair->algorithm, input, &signature), HUB_OK);
    assert_int_equal(signature.len, pair->signature_len);
    jwt_key_free(key);
    return signature;
}

static struct jwt_key *public_of(const struct pair *pair)
{
    return key_of(pair->public, jwt_algorithm_name(pair->algorithm));
}

static const struct pair *pair_of(enum jwt_algorithm algorithm)
{
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        if (pairs[i].algorithm == algorithm)
            return &pairs[i];
    }
    fail();
    return NULL;
}

static void what_a_private_key_signs_its_public_key_verifies(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        struct buf signature = sign(&pairs[i], STR("text"));
        struct jwt_key *key = public_of(&pairs[i]);
        for (unsigned twice = 0; twice < 2; twice++)
            assert_int_equal(jwt_key_verify(key, pairs[i].algorithm, STR("text"), buf_str(&signature)),
                             HUB_OK);
        assert_int_equal(jwt_key_verify(key, pairs[i].algorithm, STR("texu"), buf_str(&signature)),
                         HUB_E_DENIED);
        assert_int_equal(jwt_key_verify(key, pairs[i].algorithm, STR(""), buf_str(&signature)), HUB_E_DENIED);
        buf_done(&signature);
        jwt_key_free(key);
    }
}

static void a_private_key_verifies_too(void **state)
{
    (void)state;
    struct buf signature = sign(pair_of(JWT_ALGORITHM_ES256), STR("text"));
    struct jwt_key *key = key_of("p256.pem", "ES256");
    assert_int_equal(jwt_key_verify(key, JWT_ALGORITHM_ES256, STR("text"), buf_str(&signature)), HUB_OK);
    buf_done(&signature);
    jwt_key_free(key);
}

static void a_public_key_does_not_sign(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        struct jwt_key *key = public_of(&pairs[i]);
        struct buf signature;
        buf_init(&signature, 1024);
        assert_int_equal(jwt_key_sign(key, pairs[i].algorithm, STR("text"), &signature), HUB_E_UNSUPPORTED);
        assert_int_equal(signature.len, 0);
        buf_done(&signature);
        jwt_key_free(key);
    }
}

static void a_flipped_bit_anywhere_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        struct buf signature = sign(&pairs[i], STR("text"));
        struct jwt_key *key = public_of(&pairs[i]);
        for (size_t at = 0; at < signature.len; at++) {
            signature.ptr[at] ^= (char)(1 << at % 8);
            assert_int_equal(jwt_key_verify(key, pairs[i].algorithm, STR("text"), buf_str(&signature)),
                             HUB_E_DENIED);
            signature.ptr[at] ^= (char)(1 << at % 8);
        }
        buf_done(&signature);
        jwt_key_free(key);
    }
}

static void a_signature_has_exactly_its_length(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        struct buf signature = sign(&pairs[i], STR("text"));
        struct jwt_key *key = public_of(&pairs[i]);
        for (size_t len = 0; len < signature.len; len++)
            assert_int_equal(
                jwt_key_verify(key, pairs[i].algorithm, STR("text"), str_slice(buf_str(&signature), 0, len)),
                HUB_E_DENIED);
        buf_append_c(&signature, '\0');
        assert_int_equal(jwt_key_verify(key, pairs[i].algorithm, STR("text"), buf_str(&signature)),
                         HUB_E_DENIED);
        buf_done(&signature);
        jwt_key_free(key);
    }
}

static void each_algorithm_is_another_even_with_one_key(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        struct buf signature = sign(&pairs[i], STR("text"));
        for (size_t j = 0; j < ARRAY_LEN(pairs); j++) {
            struct jwt_key *key = public_of(&pairs[j]);
            assert_int_equal(jwt_key_verify(key, pairs[j].algorithm, STR("text"), buf_str(&signature)),
                             i == j ? HUB_OK : HUB_E_DENIED);
            if (i != j)
                assert_int_equal(jwt_key_verify(key, pairs[i].algorithm, STR("text"), buf_str(&signature)),
                                 HUB_E_DENIED);
            jwt_key_free(key);
        }
        buf_done(&signature);
    }
}

// CVE-2022-21449: r and s of zero were good for every text.
static void an_ecdsa_signature_of_zeros_is_refused(void **state)
{
    (void)state;
    static const enum jwt_algorithm algorithms[] = {JWT_ALGORITHM_ES256, JWT_ALGORITHM_ES384,
                                                    JWT_ALGORITHM_ES512};
    for (size_t i = 0; i < ARRAY_LEN(algorithms); i++) {
        const struct pair *pair = pair_of(algorithms[i]);
        struct jwt_key *key = public_of(pair);
        struct buf good = sign(pair, STR("text"));
        char changed[132] = {0};
        size_t half = pair->signature_len / 2;
        struct str signature = str_make(changed, pair->signature_len);
        assert_int_equal(jwt_key_verify(key, pair->algorithm, STR("text"), signature), HUB_E_DENIED);
        memcpy(changed, good.ptr, half); // s = 0
        assert_int_equal(jwt_key_verify(key, pair->algorithm, STR("text"), signature), HUB_E_DENIED);
        memcpy(changed, good.ptr, signature.len);
        memset(changed, 0, half); // r = 0
        assert_int_equal(jwt_key_verify(key, pair->algorithm, STR("text"), signature), HUB_E_DENIED);
        memset(changed, 0xff, signature.len); // over the order
        assert_int_equal(jwt_key_verify(key, pair->algorithm, STR("text"), signature), HUB_E_DENIED);
        buf_done(&good);
        jwt_key_free(key);
    }
}

// The same numbers as a SEQUENCE of DER are another spelling of the signature.
static void an_ecdsa_signature_in_der_is_refused(void **state)
{
    (void)state;
    struct buf good = sign(pair_of(JWT_ALGORITHM_ES256), STR("text"));
    struct jwt_key *key = public_of(pair_of(JWT_ALGORITHM_ES256));
    char der[72] = {0x30, 70, 0x02, 33, 0};
    memcpy(der + 5, good.ptr, 32);
    memcpy(der + 37, (const char[]){0x02, 33, 0}, 3);
    memcpy(der + 40, good.ptr + 32, 32);
    assert_int_equal(jwt_key_verify(key, JWT_ALGORITHM_ES256, STR("text"), str_make(der, 72)), HUB_E_DENIED);
    buf_done(&good);
    jwt_key_free(key);
}

// A number may have zeros in front, in r as in s: about one signature in 128 does.
static void signatures_with_zeros_in_front_are_good(void **state)
{
    (void)state;
    struct jwt_key *private = key_of("p256.pem", "ES256");
    struct jwt_key *public = key_of("p256.pub.pem", "ES256");
    unsigned zeros = 0;
    for (unsigned i = 0; zeros < 4; i++) {
        struct buf signature;
        buf_init(&signature, 64);
        struct str input = str_make((const char *)&i, sizeof(i));
        assert_int_equal(jwt_key_sign(private, JWT_ALGORITHM_ES256, input, &signature), HUB_OK);
        assert_int_equal(jwt_key_verify(public, JWT_ALGORITHM_ES256, input, buf_str(&signature)), HUB_OK);
        zeros += signature.ptr[0] == 0 || signature.ptr[32] == 0;
        buf_done(&signature);
    }
    jwt_key_free(private);
    jwt_key_free(public);
}

static void a_key_is_for_the_algorithms_of_its_type_only(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        const char *algorithm;
        const char *sentence;
    } cases[] = {
        {"rsa.pub.pem", "ES256",
         "the algorithm does not fit the key, which is an RSA key, for RS256, RS384, RS512, PS256, PS384 or "
         "PS512"},
        {"p256.pub.pem", "ES384",
         "the algorithm does not fit the key, which is an EC key on P-256, for ES256"},
        {"p384.pub.pem", "ES256",
         "the algorithm does not fit the key, which is an EC key on P-384, for ES384"},
        {"p521.pub.pem", "EdDSA",
         "the algorithm does not fit the key, which is an EC key on P-521, for ES512"},
        {"ed25519.pub.pem", "RS256",
         "the algorithm does not fit the key, which is an Ed25519 key, for EdDSA"},
        {"rsa-pss-sha256.pub.pem", "RS256",
         "the algorithm does not fit the key, which is an RSA key for PS256, PS384 or PS512 only"},
        {"p256k.pub.pem", "ES256",
         "the key is an EC key on a curve of no algorithm: P-256, P-384 and P-521 have one"},
        {"ed448.pub.pem", "EdDSA", "the key is neither an RSA, an EC nor an Ed25519 key"},
        {"x25519.pub.pem", "EdDSA", "the key is neither an RSA, an EC nor an Ed25519 key"},
        {"rsa1024.pub.pem", "RS256",
         "the key is an RSA key of less than 2048 bits, which no algorithm allows (RFC 7518 §3.3)"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_no_key_in(cases[i].file, cases[i].algorithm, cases[i].sentence);
}

static void a_key_that_is_made_for_one_digest_has_no_other(void **state)
{
    (void)state;
    jwt_key_free(key_of("rsa-pss-sha256.pub.pem", "PS256"));
    assert_no_key_in(
        "rsa-pss-sha256.pub.pem", "PS512",
        "the algorithm does not fit the key, which is an RSA key for PS256, PS384 or PS512 only");
}

struct work {
    const struct jwt_key *key;
    const struct pair *pair;
    struct str signature;
    unsigned wrong;
};

static void *verify_often(void *arg)
{
    struct work *work = arg;
    for (unsigned i = 0; i < 40; i++) {
        struct str input = i % 2 ? STR("text") : STR("other");
        int expected = i % 2 ? HUB_OK : HUB_E_DENIED;
        work->wrong += jwt_key_verify(work->key, work->pair->algorithm, input, work->signature) != expected;
    }
    return NULL;
}

static void threads_share_a_key(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        struct buf signature = sign(&pairs[i], STR("text"));
        struct jwt_key *key = public_of(&pairs[i]);
        struct work work[3];
        pthread_t threads[ARRAY_LEN(work)];
        for (size_t t = 0; t < ARRAY_LEN(work); t++) {
            work[t] = (struct work){.key = key, .pair = &pairs[i], .signature = buf_str(&signature)};
            assert_int_equal(pthread_create(&threads[t], NULL, verify_often, &work[t]), 0);
        }
        for (size_t t = 0; t < ARRAY_LEN(work); t++) {
            assert_int_equal(pthread_join(threads[t], NULL), 0);
            assert_int_equal(work[t].wrong, 0);
        }
        buf_done(&signature);
        jwt_key_free(key);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_private_key_signs_its_public_key_verifies),
        cmocka_unit_test(a_private_key_verifies_too),
        cmocka_unit_test(a_public_key_does_not_sign),
        cmocka_unit_test(a_flipped_bit_anywhere_is_refused),
        cmocka_unit_test(a_signature_has_exactly_its_length),
        cmocka_unit_test(each_algorithm_is_another_even_with_one_key),
        cmocka_unit_test(an_ecdsa_signature_of_zeros_is_refused),
        cmocka_unit_test(an_ecdsa_signature_in_der_is_refused),
        cmocka_unit_test(signatures_with_zeros_in_front_are_good),
        cmocka_unit_test(a_key_is_for_the_algorithms_of_its_type_only),
        cmocka_unit_test(a_key_that_is_made_for_one_digest_has_no_other),
        cmocka_unit_test(threads_share_a_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
