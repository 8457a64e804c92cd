// The attacks of RFC 8725 §2 and their relatives, one test each.
#include "base/buf.h"
#include "jwt/base64url.h"
#include "jwt/jwks.h"
#include "jwt/verify.h"
#include "keys.h"
#include "json/json.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#define ISSUER "https://a.example"
#define OTHER "https://b.example"
#define CLAIMS "{\"iss\":\"" ISSUER "\",\"aud\":\"here\",\"exp\":4102444800}"
#define SECRET "a secret of the issuer that has shared ones"

struct fixture {
    struct jwt_keyset *set;
    struct jwt_key *rsa; // private keys
    struct jwt_key *p256;
    struct jwt_key *p384;
};

static void take(struct jwt_keyset *set, const char *issuer, enum jwt_role role, struct jwt_key *key)
{
    assert_int_equal(jwt_keyset_take_key(set, str_from_c(issuer), role, key), HUB_OK);
}

// "a" has an RSA key for publishers and a set of keys for subscribers; "b" a P-384 key for both roles; "c" an
// RSA key and a secret for publishers, and nothing for subscribers.
static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    assert_non_null(fixture);
    fixture->rsa = key_of("rsa.pem", "RS256");
    fixture->p256 = key_of("p256.pem", "ES256");
    fixture->p384 = key_of("p384.pem", "ES384");
    struct jwt_keyset *set = fixture->set = jwt_keyset_new();
    assert_non_null(set);
    take(set, ISSUER, JWT_ROLE_PUBLISHER, key_of("rsa.pub.pem", "RS256"));
    char *text = key_text("set.json");
    struct jwk_set keys;
    struct buf reason;
    buf_init(&reason, 256);
    assert_int_equal(jwk_set_parse(&keys, str_from_c(text), JWT_ALGORITHMS_PUBLIC, &reason), HUB_OK);
    for (size_t i = 0; i < keys.count; i++)
        take(set, ISSUER, JWT_ROLE_SUBSCRIBER, jwt_key_share(keys.keys[i]));
    jwk_set_done(&keys);
    buf_done(&reason);
    free(text);
    take(set, OTHER, JWT_ROLE_PUBLISHER, key_of("p384.pub.pem", "ES384"));
    take(set, OTHER, JWT_ROLE_SUBSCRIBER, key_of("p384.pub.pem", "ES384"));
    struct jwt_key *secret;
    const char *error;
    assert_int_equal(jwt_key_load(&secret, STR(SECRET), STR(""), STR(""), &error), HUB_OK);
    take(set, "https://c.example", JWT_ROLE_PUBLISHER, key_of("rsa.pub.pem", "RS256"));
    take(set, "https://c.example", JWT_ROLE_PUBLISHER, secret);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    ref_put(&fixture->set->ref);
    jwt_key_free(fixture->rsa);
    jwt_key_free(fixture->p256);
    jwt_key_free(fixture->p384);
    free(fixture);
    return 0;
}

static enum jwt_reason verify(const struct fixture *fixture, enum jwt_role role, struct str token)
{
    struct jwt_claims *claims;
    struct json *payload;
    struct jwt_failure failure;
    if (jwt_verify(fixture->set, role, token, &claims, &payload, &failure) != HUB_OK)
        return failure.reason;
    jwt_claims_free(claims);
    json_free(payload);
    return JWT_REASON_NONE;
}

static void assert_token(const struct fixture *fixture, enum jwt_role role, struct str token,
                         enum jwt_reason expected)
{
    assert_string_equal(jwt_reason_text(verify(fixture, role, token)), jwt_reason_text(expected));
}

static void append_input(struct buf *token, struct str header, struct str claims)
{
    buf_init(token, 1 << 15);
    base64url_encode(token, header);
    buf_append_c(token, '.');
    base64url_encode(token, claims);
}

static void append_signature(struct buf *token, struct str signature)
{
    buf_append_c(token, '.');
    base64url_encode(token, signature);
    assert_int_equal(token->err, HUB_OK);
}

// Signed as it should be over any header and claims.
static struct buf sign_bytes(struct str header, struct str claims, const struct jwt_key *key)
{
    struct buf token;
    struct buf signature;
    append_input(&token, header, claims);
    buf_init(&signature, 1024);
    enum jwt_algorithm algorithm = (enum jwt_algorithm)__builtin_ctz(jwt_key_algorithms(key));
    assert_int_equal(jwt_key_sign(key, algorithm, buf_str(&token), &signature), HUB_OK);
    append_signature(&token, buf_str(&signature));
    buf_done(&signature);
    return token;
}

static struct buf sign(const char *header, const char *claims, const struct jwt_key *key)
{
    return sign_bytes(str_from_c(header), str_from_c(claims), key);
}

static void assert_signed(const struct fixture *fixture, enum jwt_role role, const char *header,
                          const char *claims, const struct jwt_key *key, enum jwt_reason expected)
{
    struct buf token = sign(header, claims, key);
    assert_token(fixture, role, buf_str(&token), expected);
    buf_done(&token);
}

// Not signed, but with these bytes for a signature.
static void assert_forged(const struct fixture *fixture, enum jwt_role role, const char *header,
                          struct str signature, enum jwt_reason expected)
{
    struct buf token;
    append_input(&token, str_from_c(header), STR(CLAIMS));
    append_signature(&token, signature);
    assert_token(fixture, role, buf_str(&token), expected);
    buf_done(&token);
}

#define RS256 "{\"alg\":\"RS256\",\"typ\":\"at+jwt\"}"
#define ES256 "{\"alg\":\"ES256\",\"typ\":\"at+jwt\"}"
#define ES384 "{\"alg\":\"ES384\",\"typ\":\"at+jwt\"}"

// So that the refusals below are refusals of the attack.
static void the_tokens_that_are_attacked_are_good(void **state)
{
    const struct fixture *fixture = *state;
    assert_signed(fixture, JWT_ROLE_PUBLISHER, RS256, CLAIMS, fixture->rsa, JWT_REASON_NONE);
    assert_signed(fixture, JWT_ROLE_SUBSCRIBER, ES256, CLAIMS, fixture->p256, JWT_REASON_NONE);
    assert_signed(fixture, JWT_ROLE_SUBSCRIBER, "{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"p256\"}",
                  CLAIMS, fixture->p256, JWT_REASON_NONE);
    assert_signed(fixture, JWT_ROLE_PUBLISHER, ES384, "{\"iss\":\"" OTHER "\"}", fixture->p384,
                  JWT_REASON_NONE);
}

// §2.1.
static void alg_none_is_refused_in_every_spelling(void **state)
{
    const struct fixture *fixture = *state;
    static const char *const headers[] = {
        "{\"alg\":\"none\",\"typ\":\"at+jwt\"}", "{\"alg\":\"None\",\"typ\":\"at+jwt\"}",
        "{\"alg\":\"NONE\",\"typ\":\"at+jwt\"}", "{\"alg\":\"nOnE\",\"typ\":\"at+jwt\"}",
        "{\"alg\":\"\",\"typ\":\"at+jwt\"}",
    };
    for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
        assert_forged(fixture, JWT_ROLE_PUBLISHER, headers[i], STR(""), JWT_REASON_ALG_UNKNOWN);
        assert_signed(fixture, JWT_ROLE_PUBLISHER, headers[i], CLAIMS, fixture->rsa, JWT_REASON_ALG_UNKNOWN);
    }
}

// A secret that nothing of ours would load, to sign with like an attacker.
static struct buf sign_with_text(const char *claims, const char *text)
{
    struct buf token;
    append_input(&token, STR("{\"alg\":\"HS256\",\"typ\":\"at+jwt\"}"), str_from_c(claims));
    unsigned char digest[32];
    unsigned len = sizeof(digest);
    assert_non_null(HMAC(EVP_sha256(), text, (int)strlen(text), (const unsigned char *)token.ptr, token.len,
                         digest, &len));
    append_signature(&token, str_make((const char *)digest, len));
    return token;
}

// §2.1: the most famous one. "c" takes HS256 as well, but not with that secret.
static void the_text_of_a_public_key_is_no_secret(void **state)
{
    const struct fixture *fixture = *state;
    static const char *const files[] = {"rsa.pub.pem", "rsa.pkcs1.pub.pem", "rsa.crt.pem", "set.json"};
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        char *text = key_text(files[i]);
        struct buf token = sign_with_text(CLAIMS, text);
        assert_token(fixture, JWT_ROLE_PUBLISHER, buf_str(&token), JWT_REASON_ALG_REFUSED);
        assert_token(fixture, JWT_ROLE_SUBSCRIBER, buf_str(&token), JWT_REASON_ALG_REFUSED);
        buf_done(&token);
        token = sign_with_text("{\"iss\":\"https://c.example\"}", text);
        assert_token(fixture, JWT_ROLE_PUBLISHER, buf_str(&token), JWT_REASON_SIGNATURE);
        buf_done(&token);
        free(text);
    }
    struct buf good = sign_with_text("{\"iss\":\"https://c.example\"}", SECRET);
    assert_token(fixture, JWT_ROLE_PUBLISHER, buf_str(&good), JWT_REASON_NONE);
    buf_done(&good);
}

static void one_algorithm_is_not_taken_for_another_of_the_same_key(void **state)
{
    const struct fixture *fixture = *state;
    static const char *const others[] = {"RS384", "RS512", "PS256", "PS384", "PS512"};
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        char header[64];
        (void)snprintf(header, sizeof(header), "{\"alg\":\"%s\",\"typ\":\"at+jwt\"}", others[i]);
        assert_signed(fixture, JWT_ROLE_SUBSCRIBER, header, CLAIMS, fixture->rsa, JWT_REASON_SIGNATURE);
        assert_signed(fixture, JWT_ROLE_PUBLISHER, header, CLAIMS, fixture->rsa, JWT_REASON_ALG_REFUSED);
    }
}

static void an_empty_signature_is_refused(void **state)
{
    const struct fixture *fixture = *state;
    assert_forged(fixture, JWT_ROLE_PUBLISHER, RS256, STR(""), JWT_REASON_SIGNATURE);
    assert_forged(fixture, JWT_ROLE_SUBSCRIBER, ES256, STR(""), JWT_REASON_SIGNATURE);
    assert_forged(fixture, JWT_ROLE_SUBSCRIBER, "{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\"}", STR(""),
                  JWT_REASON_SIGNATURE);
}

static void a_signature_of_zeros_is_refused(void **state)
{
    const struct fixture *fixture = *state;
    static const char zeros[256];
    assert_forged(fixture, JWT_ROLE_PUBLISHER, RS256, str_make(zeros, 256), JWT_REASON_SIGNATURE);
    assert_forged(fixture, JWT_ROLE_SUBSCRIBER, ES256, str_make(zeros, 64), JWT_REASON_SIGNATURE);
    assert_forged(fixture, JWT_ROLE_SUBSCRIBER, ES384, str_make(zeros, 96), JWT_REASON_SIGNATURE);
    assert_forged(fixture, JWT_ROLE_SUBSCRIBER, "{\"alg\":\"ES512\",\"typ\":\"at+jwt\"}",
                  str_make(zeros, 132), JWT_REASON_SIGNATURE);
    assert_forged(fixture, JWT_ROLE_SUBSCRIBER, "{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\"}", str_make(zeros, 64),
                  JWT_REASON_SIGNATURE);
}

// §2.5 in spirit: a key of the issuer's, but on another curve than the algorithm's.
static void an_algorithm_has_its_own_curve(void **state)
{
    const struct fixture *fixture = *state;
    assert_signed(fixture, JWT_ROLE_SUBSCRIBER, ES384, CLAIMS, fixture->p256, JWT_REASON_SIGNATURE);
    assert_signed(fixture, JWT_ROLE_SUBSCRIBER, "{\"alg\":\"ES384\",\"typ\":\"at+jwt\",\"kid\":\"p256\"}",
                  CLAIMS, fixture->p256, JWT_REASON_KEY);
    assert_signed(fixture, JWT_ROLE_PUBLISHER, ES256, "{\"iss\":\"" OTHER "\"}", fixture->p256,
                  JWT_REASON_ALG_REFUSED);
}

// The attacker's own key comes along, or where to get it: `jwk`, `jku`, `x5u`, `x5c` (§2.9, §3.10).
static void a_key_that_the_token_brings_is_not_used(void **state)
{
    const struct fixture *fixture = *state;
    struct jwt_key *own = key_of("p256.sec1.pem", "ES256");
    static const char *const headers[] = {
        "{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"jwk\":{\"kty\":\"EC\",\"crv\":\"P-256\","
        "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\",\"y\":\"x_FEzRu9m36HLN_"
        "tue659LNpXW6pCyStikYjKIWI5a0\"}}",
        "{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"jku\":\"https://evil.example/keys\",\"kid\":\"p256\"}",
        "{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"x5u\":\"https://evil.example/key.pem\"}",
        "{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"x5c\":[\"MIIB\"],\"x5t\":\"AAAA\",\"x5t#S256\":\"AAAA\"}",
    };
    for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
        assert_signed(fixture, JWT_ROLE_SUBSCRIBER, headers[i], CLAIMS, own, JWT_REASON_SIGNATURE);
        assert_signed(fixture, JWT_ROLE_SUBSCRIBER, headers[i], CLAIMS, fixture->p256, JWT_REASON_NONE);
    }
    jwt_key_free(own);
}

// §2.9, §3.10: a `kid` is compared, and never a path, a query or a pattern.
static void a_kid_is_a_name_and_nothing_else(void **state)
{
    const struct fixture *fixture = *state;
    static const char *const ids[] = {
        "../../../../dev/null",
        "/dev/null",
        "p256' OR '1'='1",
        "https://evil.example/key",
        "*",
        "p2",
        "p256\\u0000",
        "P256",
        "",
        " p256",
        "$(touch /tmp/x)",
        "%70256",
        "p256|cat",
        "rsa",
    };
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        char header[128];
        (void)snprintf(header, sizeof(header), "{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"%s\"}",
                       ids[i]);
        assert_signed(fixture, JWT_ROLE_SUBSCRIBER, header, CLAIMS, fixture->p256, JWT_REASON_KEY);
    }
    static const char *const wrong[] = {"1", "null", "[\"p256\"]", "{}", "true"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        char header[128];
        (void)snprintf(header, sizeof(header), "{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":%s}", wrong[i]);
        assert_signed(fixture, JWT_ROLE_SUBSCRIBER, header, CLAIMS, fixture->p256, JWT_REASON_KID);
    }
}

static void a_kid_picks_one_key_even_if_another_would_do(void **state)
{
    const struct fixture *fixture = *state;
    assert_signed(fixture, JWT_ROLE_SUBSCRIBER, "{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"short\"}",
                  CLAIMS, fixture->p256, JWT_REASON_SIGNATURE);
}

// §2.3: a signed token in a signed one, and an encrypted one.
static void nested_and_encrypted_tokens_are_refused(void **state)
{
    const struct fixture *fixture = *state;
    struct buf inner = sign(RS256, CLAIMS, fixture->rsa);
    struct buf outer = sign_bytes(STR("{\"alg\":\"RS256\",\"typ\":\"at+jwt\",\"cty\":\"JWT\"}"),
                                  buf_str(&inner), fixture->rsa);
    assert_token(fixture, JWT_ROLE_PUBLISHER, buf_str(&outer), JWT_REASON_CLAIMS);
    buf_done(&outer);
    buf_done(&inner);
    struct buf token;
    append_input(&token, STR("{\"alg\":\"dir\",\"enc\":\"A256GCM\",\"typ\":\"at+jwt\"}"), STR(""));
    buf_append_str(&token, STR(".AAAA.AAAA.AAAA"));
    assert_token(fixture, JWT_ROLE_PUBLISHER, buf_str(&token), JWT_REASON_PARTS);
    buf_done(&token);
}

// RFC 7515 §7.2: the other serialization, and with more than one signature.
static void a_token_as_json_is_refused(void **state)
{
    const struct fixture *fixture = *state;
    assert_token(fixture, JWT_ROLE_PUBLISHER, STR("{\"payload\":\"e30\",\"signatures\":[]}"),
                 JWT_REASON_PARTS);
}

// §2.6.
static void other_encodings_of_json_are_refused(void **state)
{
    const struct fixture *fixture = *state;
    struct buf wide;
    buf_init(&wide, 256);
    for (const char *at = CLAIMS; *at; at++) {
        buf_append_c(&wide, *at);
        buf_append_c(&wide, '\0');
    }
    struct buf token = sign_bytes(STR(RS256), buf_str(&wide), fixture->rsa);
    assert_token(fixture, JWT_ROLE_PUBLISHER, buf_str(&token), JWT_REASON_CLAIMS);
    buf_done(&token);
    buf_done(&wide);
    assert_signed(fixture, JWT_ROLE_PUBLISHER, RS256, "\xef\xbb\xbf" CLAIMS, fixture->rsa, JWT_REASON_CLAIMS);
    assert_signed(fixture, JWT_ROLE_PUBLISHER, "\xef\xbb\xbf" RS256, CLAIMS, fixture->rsa, JWT_REASON_HEADER);
    assert_signed(fixture, JWT_ROLE_PUBLISHER, RS256, "{\"iss\":\"\xc0\xaf\"}", fixture->rsa,
                  JWT_REASON_CLAIMS);
}

static void a_member_twice_is_refused(void **state)
{
    const struct fixture *fixture = *state;
    assert_signed(fixture, JWT_ROLE_PUBLISHER, "{\"alg\":\"none\",\"alg\":\"RS256\",\"typ\":\"at+jwt\"}",
                  CLAIMS, fixture->rsa, JWT_REASON_HEADER);
    assert_signed(fixture, JWT_ROLE_PUBLISHER, "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"\\u0074yp\":\"at+jwt\"}",
                  CLAIMS, fixture->rsa, JWT_REASON_HEADER);
    assert_signed(fixture, JWT_ROLE_PUBLISHER, RS256, "{\"iss\":\"" OTHER "\",\"iss\":\"" ISSUER "\"}",
                  fixture->rsa, JWT_REASON_CLAIMS);
}

static void a_critical_extension_is_refused(void **state)
{
    const struct fixture *fixture = *state;
    assert_signed(fixture, JWT_ROLE_PUBLISHER,
                  "{\"alg\":\"RS256\",\"typ\":\"at+jwt\",\"b64\":false,\"crit\":[\"b64\"]}", CLAIMS,
                  fixture->rsa, JWT_REASON_CRIT);
    assert_signed(fixture, JWT_ROLE_PUBLISHER, "{\"alg\":\"RS256\",\"typ\":\"at+jwt\",\"crit\":[]}", CLAIMS,
                  fixture->rsa, JWT_REASON_CRIT);
}

// §2.7: a good token, but of another issuer.
static void an_issuer_cannot_sign_for_another(void **state)
{
    const struct fixture *fixture = *state;
    assert_signed(fixture, JWT_ROLE_SUBSCRIBER, ES384, "{\"iss\":\"" OTHER "\"}", fixture->p384,
                  JWT_REASON_NONE);
    assert_signed(fixture, JWT_ROLE_PUBLISHER, RS256, "{\"iss\":\"" OTHER "\"}", fixture->rsa,
                  JWT_REASON_ALG_REFUSED);
    struct jwt_key *own = key_of("p256.sec1.pem", "ES256");
    assert_signed(fixture, JWT_ROLE_SUBSCRIBER, ES256, CLAIMS, own, JWT_REASON_SIGNATURE);
    jwt_key_free(own);
    static const char *const strangers[] = {"https://a.example/", "https://A.example",
                                            "https://a.example.evil", ""};
    for (size_t i = 0; i < ARRAY_LEN(strangers); i++) {
        char claims[128];
        (void)snprintf(claims, sizeof(claims), "{\"iss\":\"%s\"}", strangers[i]);
        assert_signed(fixture, JWT_ROLE_PUBLISHER, RS256, claims, fixture->rsa, JWT_REASON_ISS_UNKNOWN);
    }
    assert_signed(fixture, JWT_ROLE_PUBLISHER, RS256, "{}", fixture->rsa, JWT_REASON_ISS_MISSING);
    assert_signed(fixture, JWT_ROLE_PUBLISHER, RS256, "{\"iss\":[\"" ISSUER "\"]}", fixture->rsa,
                  JWT_REASON_ISS_TYPE);
}

static void a_subscribers_token_does_not_publish(void **state)
{
    const struct fixture *fixture = *state;
    assert_signed(fixture, JWT_ROLE_PUBLISHER, ES256, CLAIMS, fixture->p256, JWT_REASON_ALG_REFUSED);
    struct buf token = sign_with_text("{\"iss\":\"https://c.example\"}", SECRET);
    assert_token(fixture, JWT_ROLE_SUBSCRIBER, buf_str(&token), JWT_REASON_ROLE);
    buf_done(&token);
}

// §2.7: a good token of the issuer's, but for another service.
static void a_token_for_another_audience_is_refused(void **state)
{
    const struct fixture *fixture = *state;
    static const struct {
        const char *aud;
        enum jwt_reason expected;
    } cases[] = {
        {"\"https://hub.example\"", JWT_REASON_NONE},
        {"[\"https://x.example\",\"https://hub.example\"]", JWT_REASON_NONE},
        {"\"https://hub.example/\"", JWT_REASON_AUDIENCE},
        {"\"https://hub.example.evil\"", JWT_REASON_AUDIENCE},
        {"\"https://HUB.example\"", JWT_REASON_AUDIENCE},
        {"\"\"", JWT_REASON_AUDIENCE},
        {"[]", JWT_REASON_AUD_MISSING},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char text[256];
        (void)snprintf(text, sizeof(text), "{\"iss\":\"" ISSUER "\",\"exp\":4102444800,\"aud\":%s}",
                       cases[i].aud);
        struct buf token = sign(RS256, text, fixture->rsa);
        struct jwt_claims *claims;
        struct json *payload;
        struct jwt_failure failure;
        assert_int_equal(
            jwt_verify(fixture->set, JWT_ROLE_PUBLISHER, buf_str(&token), &claims, &payload, &failure),
            HUB_OK);
        assert_int_equal(jwt_claims_check(claims, 1, STR("https://hub.example")), cases[i].expected);
        jwt_claims_free(claims);
        json_free(payload);
        buf_done(&token);
    }
}

// §2.8: tokens of other kinds that the same issuer signs with the same key.
static void a_token_of_another_kind_is_refused(void **state)
{
    const struct fixture *fixture = *state;
    static const char *const headers[] = {
        "{\"alg\":\"RS256\"}",
        "{\"alg\":\"RS256\",\"typ\":\"JWT\"}",
        "{\"alg\":\"RS256\",\"typ\":\"logout+jwt\"}",
        "{\"alg\":\"RS256\",\"typ\":\"secevent+jwt\"}",
        "{\"alg\":\"RS256\",\"typ\":\"dpop+jwt\"}",
        "{\"alg\":\"RS256\",\"typ\":\"at+jwt2\"}",
        "{\"alg\":\"RS256\",\"typ\":\"x/at+jwt\"}",
        "{\"alg\":\"RS256\",\"typ\":\"application/application/at+jwt\"}",
        "{\"alg\":\"RS256\",\"typ\":[\"at+jwt\"]}",
        "{\"alg\":\"RS256\",\"TYP\":\"at+jwt\"}",
        "{\"alg\":\"RS256\",\"cty\":\"at+jwt\"}",
    };
    for (size_t i = 0; i < ARRAY_LEN(headers); i++)
        assert_signed(fixture, JWT_ROLE_PUBLISHER, headers[i], CLAIMS, fixture->rsa, JWT_REASON_TYP);
}

// What decodes to the same bytes is another token nevertheless: nobody gets around a list of revoked ones, or
// fills a cache.
static void another_spelling_of_a_signature_is_refused(void **state)
{
    const struct fixture *fixture = *state;
    struct buf token = sign(ES256, CLAIMS, fixture->p256);
    assert_token(fixture, JWT_ROLE_SUBSCRIBER, buf_str(&token), JWT_REASON_NONE);
    // 64 bytes leave four bits of the last digit unused.
    char *last = &token.ptr[token.len - 1];
    char kept = *last;
    *last = (char)(kept + 1);
    assert_token(fixture, JWT_ROLE_SUBSCRIBER, buf_str(&token), JWT_REASON_BASE64URL);
    *last = kept;
    assert_token(fixture, JWT_ROLE_SUBSCRIBER, str_slice(buf_str(&token), 0, token.len - 1),
                 JWT_REASON_BASE64URL);
    assert_token(fixture, JWT_ROLE_SUBSCRIBER, str_slice(buf_str(&token), 0, token.len - 2),
                 JWT_REASON_SIGNATURE);
    buf_append_str(&token, STR("=="));
    assert_token(fixture, JWT_ROLE_SUBSCRIBER, buf_str(&token), JWT_REASON_BASE64URL);
    token.ptr[token.len - 1] = '\n';
    assert_token(fixture, JWT_ROLE_SUBSCRIBER, buf_str(&token), JWT_REASON_BASE64URL);
    buf_done(&token);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_tokens_that_are_attacked_are_good),
        TEST(alg_none_is_refused_in_every_spelling),
        TEST(the_text_of_a_public_key_is_no_secret),
        TEST(one_algorithm_is_not_taken_for_another_of_the_same_key),
        TEST(an_empty_signature_is_refused),
        TEST(a_signature_of_zeros_is_refused),
        TEST(an_algorithm_has_its_own_curve),
        TEST(a_key_that_the_token_brings_is_not_used),
        TEST(a_kid_is_a_name_and_nothing_else),
        TEST(a_kid_picks_one_key_even_if_another_would_do),
        TEST(nested_and_encrypted_tokens_are_refused),
        TEST(a_token_as_json_is_refused),
        TEST(other_encodings_of_json_are_refused),
        TEST(a_member_twice_is_refused),
        TEST(a_critical_extension_is_refused),
        TEST(an_issuer_cannot_sign_for_another),
        TEST(a_subscribers_token_does_not_publish),
        TEST(a_token_for_another_audience_is_refused),
        TEST(a_token_of_another_kind_is_refused),
        TEST(another_spelling_of_a_signature_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
