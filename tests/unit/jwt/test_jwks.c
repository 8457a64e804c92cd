#include "jwt/jwks.h"

#include "base/buf.h"
#include "jwt/base64url.h"
#include "keys.h"

#include <string.h>

#define ED25519_X "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
#define ED25519 "\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" ED25519_X "\""
#define P256_X "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
#define P256_Y "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
#define P256 "\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" P256_X "\",\"y\":\"" P256_Y "\""
#define OCT "\"kty\":\"oct\",\"k\":\"c2VjcmV0\""
#define BIT(name) (1U << JWT_ALGORITHM_##name)

static void parse(struct jwk_set *set, const char *text, unsigned algorithms)
{
    struct buf reason;
    buf_init(&reason, 512);
    if (jwk_set_parse(set, str_from_c(text), algorithms, &reason) != HUB_OK)
        fail_msg("%s", buf_c(&reason));
    buf_done(&reason);
}

// The set with one key of these members is that key.
static struct jwt_key *one(const char *members, unsigned algorithms)
{
    struct jwk_set set;
    char text[2048];
    (void)snprintf(text, sizeof(text), "{\"keys\":[{%s}]}", members);
    parse(&set, text, algorithms);
    if (set.count != 1)
        fail_msg("%s: %s", members, set.skips[0].reason);
    struct jwt_key *key = jwt_key_share(set.keys[0]);
    jwk_set_done(&set);
    return key;
}

// A key of these members is skipped, and another beside it is not.
static void assert_skipped(const char *members, unsigned algorithms, const char *reason)
{
    struct jwk_set set;
    char text[4096];
    (void)snprintf(text, sizeof(text), "{\"keys\":[{%s},{" ED25519 "}]}", members);
    parse(&set, text, algorithms);
    assert_int_equal(set.count, 1);
    assert_int_equal(set.skip_count, 1);
    assert_int_equal(set.skips[0].index, 0);
    assert_string_equal(set.skips[0].reason, reason);
    jwk_set_done(&set);
}

static void assert_bad_set(struct str text, int expected, const char *sentence)
{
    struct jwk_set set;
    struct buf reason;
    buf_init(&reason, 512);
    assert_int_equal(jwk_set_parse(&set, text, JWT_ALGORITHMS_PUBLIC, &reason), expected);
    assert_string_equal(buf_c(&reason), sentence);
    assert_int_equal(set.count, 0);
    buf_done(&reason);
}

static void each_type_of_key_has_its_algorithms_and_verifies(void **state)
{
    (void)state;
    static const struct {
        const char *private;
        enum jwt_algorithm algorithm;
        unsigned algorithms;
    } cases[] = {
        {"rsa.pem", JWT_ALGORITHM_PS384,
         BIT(RS256) | BIT(RS384) | BIT(RS512) | BIT(PS256) | BIT(PS384) | BIT(PS512)},
        {"p256.pem", JWT_ALGORITHM_ES256, BIT(ES256)},
        {"p384.pem", JWT_ALGORITHM_ES384, BIT(ES384)},
        {"p521.pem", JWT_ALGORITHM_ES512, BIT(ES512)},
        {"ed25519.pem", JWT_ALGORITHM_EdDSA, BIT(EdDSA)},
        {"short.pem", JWT_ALGORITHM_ES256, BIT(ES256)}, // its x is written with 31 bytes
    };
    char *text = key_text("set.json");
    struct jwk_set set;
    parse(&set, text, JWT_ALGORITHMS_PUBLIC);
    free(text);
    assert_int_equal(set.count, ARRAY_LEN(cases));
    for (size_t i = 0; i < set.count; i++) {
        struct jwt_key *signer = key_of(cases[i].private, jwt_algorithm_name(cases[i].algorithm));
        struct buf signature;
        buf_init(&signature, 1024);
        assert_int_equal(jwt_key_algorithms(set.keys[i]), cases[i].algorithms);
        assert_int_equal(jwt_key_sign(signer, cases[i].algorithm, STR("text"), &signature), HUB_OK);
        assert_int_equal(jwt_key_verify(set.keys[i], cases[i].algorithm, STR("text"), buf_str(&signature)),
                         HUB_OK);
        assert_true(strncmp(cases[i].private, jwt_key_id(set.keys[i]).ptr, jwt_key_id(set.keys[i]).len) == 0);
        buf_done(&signature);
        jwt_key_free(signer);
    }
    jwk_set_done(&set);
}

static int verify(const char *members, enum jwt_algorithm algorithm, struct str input, struct str signature)
{
    char bytes[128];
    size_t len;
    struct jwt_key *key = one(members, JWT_ALGORITHMS_PUBLIC);
    assert_int_equal(base64url_decode(signature, bytes, &len), HUB_OK);
    int err = jwt_key_verify(key, algorithm, input, str_make(bytes, len));
    jwt_key_free(key);
    return err;
}

// RFC 7515, appendix A.3; RFC 8037, appendix A.4.
static void the_vectors_of_the_rfcs_are_good(void **state)
{
    (void)state;
    assert_int_equal(
        verify(
            P256, JWT_ALGORITHM_ES256,
            STR("eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLm"
                "NvbS9pc19yb290Ijp0cnVlfQ"),
            STR("DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q")),
        HUB_OK);
    assert_int_equal(
        verify(ED25519, JWT_ALGORITHM_EdDSA, STR("eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"),
               STR("hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg")),
        HUB_OK);
}

static void alg_narrows_what_a_key_is_for(void **state)
{
    (void)state;
    struct jwt_key *key =
        one(ED25519 ",\"alg\":\"EdDSA\",\"use\":\"sig\",\"key_ops\":[\"verify\"]", JWT_ALGORITHMS_PUBLIC);
    assert_int_equal(jwt_key_algorithms(key), BIT(EdDSA));
    jwt_key_free(key);
    assert_skipped(P256 ",\"alg\":\"ES384\"", JWT_ALGORITHMS_PUBLIC,
                   "the algorithm does not fit the key, which is an EC key on P-256, for ES256");
    assert_skipped(P256 ",\"alg\":\"ES256\"", BIT(EdDSA),
                   "its alg is not one that the issuer may use for this role");
    assert_skipped(P256, BIT(EdDSA),
                   "the algorithm does not fit the key, which is an EC key on P-256, for ES256");
    assert_skipped(P256 ",\"alg\":\"ECDH-ES\"", JWT_ALGORITHMS_PUBLIC,
                   "its alg is not a signing algorithm that the hub knows");
    assert_skipped(P256 ",\"alg\":\"none\"", JWT_ALGORITHMS_PUBLIC,
                   "its alg is not a signing algorithm that the hub knows");
    assert_skipped(P256 ",\"alg\":7", JWT_ALGORITHMS_PUBLIC,
                   "its alg is not a signing algorithm that the hub knows");
}

static void a_secret_is_used_only_where_it_is_asked_for(void **state)
{
    (void)state;
    unsigned asked = BIT(HS256) | BIT(EdDSA);
    const char *sentence = "it is a shared secret, which needs an alg that jwt_algorithms names";
    assert_skipped(OCT, JWT_ALGORITHMS_PUBLIC, sentence);
    assert_skipped(OCT ",\"alg\":\"HS256\"", JWT_ALGORITHMS_PUBLIC,
                   "its alg is not one that the issuer may use for this role");
    assert_skipped(OCT, asked, sentence);
    assert_skipped(OCT ",\"alg\":\"HS512\"", asked,
                   "its alg is not one that the issuer may use for this role");
    assert_skipped(OCT ",\"alg\":\"EdDSA\"", asked, sentence);
    assert_skipped("\"kty\":\"oct\",\"k\":\"\",\"alg\":\"HS256\"", asked,
                   "its k is missing, is not base64url without padding, or is too large");
    assert_skipped(P256 ",\"alg\":\"HS256\"", asked,
                   "the algorithm does not fit the key, which is an EC key on P-256, for ES256");
    struct jwt_key *key = one(OCT ",\"alg\":\"HS256\"", asked);
    assert_int_equal(jwt_key_algorithms(key), BIT(HS256));
    jwt_key_free(key);
}

static void a_key_for_something_else_is_skipped(void **state)
{
    (void)state;
    assert_skipped(P256 ",\"use\":\"enc\"", JWT_ALGORITHMS_PUBLIC, "its use is not sig");
    assert_skipped(P256 ",\"use\":[\"sig\"]", JWT_ALGORITHMS_PUBLIC, "its use is not sig");
    assert_skipped(P256 ",\"key_ops\":[\"sign\"]", JWT_ALGORITHMS_PUBLIC, "its key_ops do not list verify");
    assert_skipped(P256 ",\"key_ops\":\"verify\"", JWT_ALGORITHMS_PUBLIC, "its key_ops do not list verify");
    assert_skipped(P256 ",\"kid\":5", JWT_ALGORITHMS_PUBLIC, "its kid is not a string of at most 1024 bytes");
    assert_skipped("\"kty\":\"AKP\"", JWT_ALGORITHMS_PUBLIC, "its kty is none of RSA, EC and OKP");
    assert_skipped("\"x\":\"AA\"", JWT_ALGORITHMS_PUBLIC, "its kty is none of RSA, EC and OKP");
}

static void a_key_with_wrong_numbers_is_skipped(void **state)
{
    (void)state;
    static const char *const coordinate =
        "its x or y is missing, is not base64url without padding, or is longer than its curve allows";
    static const char *const modulus =
        "its n or e is missing, is not base64url without padding, or is too large";
#define EC "\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":"
    assert_skipped(EC "\"" P256_X "\"", JWT_ALGORITHMS_PUBLIC, coordinate);
    assert_skipped(EC "\"" P256_X "=\",\"y\":\"" P256_Y "\"", JWT_ALGORITHMS_PUBLIC, coordinate);
    assert_skipped(EC "\"AA" P256_X "A\",\"y\":\"" P256_Y "\"", JWT_ALGORITHMS_PUBLIC, coordinate);
    assert_skipped(EC "\"" P256_X "\",\"y\":\"" P256_X "\"", JWT_ALGORITHMS_PUBLIC,
                   "its x and y are no point of its curve");
    assert_skipped(EC "\"AA\",\"y\":\"AA\"", JWT_ALGORITHMS_PUBLIC, "its x and y are no point of its curve");
    assert_skipped("\"kty\":\"EC\",\"crv\":\"secp256k1\",\"x\":\"AA\",\"y\":\"AA\"", JWT_ALGORITHMS_PUBLIC,
                   "its crv is none of P-256, P-384 and P-521");
    assert_skipped("\"kty\":\"OKP\",\"crv\":\"Ed448\",\"x\":\"AA\"", JWT_ALGORITHMS_PUBLIC,
                   "its crv is not Ed25519");
    assert_skipped("\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AA\"", JWT_ALGORITHMS_PUBLIC,
                   "its x is not 32 bytes in base64url without padding");
    assert_skipped("\"kty\":\"RSA\",\"n\":\"AQAB\"", JWT_ALGORITHMS_PUBLIC, modulus);
    assert_skipped("\"kty\":\"RSA\",\"n\":\"\",\"e\":\"AQAB\"", JWT_ALGORITHMS_PUBLIC, modulus);
    assert_skipped("\"kty\":\"RSA\",\"n\":5,\"e\":\"AQAB\"", JWT_ALGORITHMS_PUBLIC, modulus);
    assert_skipped("\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"", JWT_ALGORITHMS_PUBLIC,
                   "the key is an RSA key of less than 2048 bits, which no algorithm allows (RFC 7518 §3.3)");
}

// With an exponent of one everything is signed by itself.
static void an_rsa_key_that_anybody_could_sign_with_is_skipped(void **state)
{
    (void)state;
    char *text = key_text("set.json");
    const char *n = strstr(text, "\"n\": \"") + 6;
    int len = (int)(strchr(n, '"') - n);
    static const char *const exponents[] = {"AQ", "AA", "AAE", "Ag"};
    for (size_t i = 0; i < ARRAY_LEN(exponents); i++) {
        char members[512];
        (void)snprintf(members, sizeof(members), "\"kty\":\"RSA\",\"n\":\"%.*s\",\"e\":\"%s\"", len, n,
                       exponents[i]);
        assert_skipped(members, JWT_ALGORITHMS_PUBLIC, "the key is not sound: no key has such numbers");
    }
    free(text);
}

static void a_kid_picks_its_keys_only(void **state)
{
    (void)state;
    struct jwt_key *key = one(P256 ",\"kid\":\"a\"", JWT_ALGORITHMS_PUBLIC);
    assert_true(jwt_key_answers_to(key, STR("a")));
    assert_true(jwt_key_answers_to(key, str_make(NULL, 0)));
    assert_false(jwt_key_answers_to(key, STR("")));
    assert_false(jwt_key_answers_to(key, STR("a\0")));
    assert_false(jwt_key_answers_to(key, STR("A")));
    jwt_key_free(key);
    key = one(P256, JWT_ALGORITHMS_PUBLIC);
    assert_true(jwt_key_answers_to(key, str_make(NULL, 0)));
    assert_false(jwt_key_answers_to(key, STR("a")));
    assert_false(jwt_key_answers_to(key, STR("")));
    jwt_key_free(key);
    key = key_of("p256.pub.pem", "ES256"); // of the configuration: it answers to all
    assert_true(jwt_key_answers_to(key, STR("a")));
    jwt_key_free(key);
}

static void a_document_that_is_no_set_is_refused_whole(void **state)
{
    (void)state;
    assert_bad_set(STR("{"), HUB_E_INVALID,
                   "is not JSON: line 1, column 1: string or '}' expected near end of file");
    assert_bad_set(STR("[]"), HUB_E_INVALID, "has no list of keys");
    assert_bad_set(STR("{}"), HUB_E_INVALID, "has no list of keys");
    assert_bad_set(STR("{\"keys\":{}}"), HUB_E_INVALID, "has no list of keys");
    assert_bad_set(STR("{" P256 "}"), HUB_E_INVALID, "is a single key: write {\"keys\": [...]} around it");
}

static void a_member_twice_is_refused(void **state)
{
    (void)state;
    struct jwk_set set;
    struct buf reason;
    buf_init(&reason, 512);
    struct str text = STR("{\"keys\":[{" P256 ",\"crv\":\"P-384\"}]}");
    assert_int_equal(jwk_set_parse(&set, text, JWT_ALGORITHMS_PUBLIC, &reason), HUB_E_INVALID);
    assert_true(str_starts_with(buf_str(&reason), STR("is not JSON: line 1")));
    buf_done(&reason);
}

static void a_set_may_be_empty(void **state)
{
    (void)state;
    struct jwk_set set;
    parse(&set, "{\"keys\":[],\"other\":1}", JWT_ALGORITHMS_PUBLIC);
    assert_int_equal(set.count + set.skip_count, 0);
    jwk_set_done(&set);
    parse(&set, "{\"keys\":[null,5,\"x\"]}", JWT_ALGORITHMS_PUBLIC);
    assert_int_equal(set.count, 0);
    assert_int_equal(set.skip_count, 3);
    assert_string_equal(set.skips[2].reason, "it is not a JSON object");
    jwk_set_done(&set);
}

static void size_and_number_are_bounded(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, 1 << 20);
    buf_append_str(&text, STR("{\"keys\":[{" ED25519 "}"));
    for (unsigned i = 1; i < JWT_KEYS_MAX + 20; i++)
        buf_append_str(&text, STR(",{" ED25519
                                  ",\"kid\":\"a kid that is longer than the room that the log has for it, "
                                  "by some bytes\"}"));
    buf_append_str(&text, STR("]}"));
    struct jwk_set set;
    parse(&set, buf_c(&text), JWT_ALGORITHMS_PUBLIC);
    assert_int_equal(set.count, JWT_KEYS_MAX);
    assert_int_equal(set.skip_count, 20);
    assert_string_equal(set.skips[0].reason, "the set has more keys than can be tried");
    assert_int_equal(set.skips[0].index, JWT_KEYS_MAX);
    assert_int_equal(strlen(set.skips[0].id), sizeof(set.skips[0].id) - 1);
    jwk_set_done(&set);
    while (text.len <= JWK_SET_TEXT_MAX)
        buf_append_c(&text, ' ');
    assert_bad_set(buf_str(&text), HUB_E_TOO_BIG, "is larger than 256 KiB");
    buf_done(&text);
}

// Whoever likes makes signatures that are good with such a key (RFC 8032 §8.7 leaves it to the application).
static void points_of_low_order_are_no_keys(void **state)
{
    (void)state;
    static const char *const points[] = {
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAIA", "JuiVj8KyJ7BFw_SJ8u-Y8NXfrAXTxjM5sTgCiG1T_AU",
        "xxdqcD1N2E-6PAt2DRBnDyogU_osOczGTsf9d5KsA_o", "7P_______________________________________38",
        "7f________________________________________8", "7v_______________________________________38",
    };
    for (size_t i = 0; i < ARRAY_LEN(points); i++) {
        char members[128];
        (void)snprintf(members, sizeof(members), "\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"%s\"",
                       points[i]);
        assert_skipped(members, JWT_ALGORITHMS_PUBLIC,
                       "the key is an Ed25519 key of low order, for which anybody can make signatures");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_type_of_key_has_its_algorithms_and_verifies),
        cmocka_unit_test(the_vectors_of_the_rfcs_are_good),
        cmocka_unit_test(alg_narrows_what_a_key_is_for),
        cmocka_unit_test(a_secret_is_used_only_where_it_is_asked_for),
        cmocka_unit_test(a_key_for_something_else_is_skipped),
        cmocka_unit_test(a_key_with_wrong_numbers_is_skipped),
        cmocka_unit_test(an_rsa_key_that_anybody_could_sign_with_is_skipped),
        cmocka_unit_test(a_kid_picks_its_keys_only),
        cmocka_unit_test(a_document_that_is_no_set_is_refused_whole),
        cmocka_unit_test(a_member_twice_is_refused),
        cmocka_unit_test(a_set_may_be_empty),
        cmocka_unit_test(size_and_number_are_bounded),
        cmocka_unit_test(points_of_low_order_are_no_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
