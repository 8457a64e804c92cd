#include "jwt/verify.h"

#include "base/buf.h"
#include "base/err.h"
#include "jwt/base64url.h"
#include "json/json.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HEADER "{\"alg\":\"HS256\",\"typ\":\"at+jwt\"}"
#define CLAIMS "{\"iss\":\"https://a.example\",\"aud\":\"here\",\"exp\":4102444800}"

// The issuer of most tests: other secrets for its two roles, and a second issuer with one of its own.
#define PUBLISHER_SECRET "the secret of a's publishers....."
#define SUBSCRIBER_SECRET "the secret of a's subscribers...."
#define OTHER_SECRET "the secret of b's publishers....."

static void add_key(struct jwt_keyset *set, const char *issuer, enum jwt_role role, const char *secret,
                    const char *algorithm, const char *id)
{
    struct jwt_key *key;
    const char *error;
    assert_int_equal(jwt_key_load(&key, str_from_c(secret), str_from_c(algorithm), str_from_c(id), &error),
                     HUB_OK);
    assert_int_equal(jwt_keyset_take_key(set, str_from_c(issuer), role, key), HUB_OK);
}

static struct jwt_keyset *make_set(void)
{
    struct jwt_keyset *set = jwt_keyset_new();
    assert_non_null(set);
    add_key(set, "https://a.example", JWT_ROLE_PUBLISHER, PUBLISHER_SECRET, "HS256", "");
    add_key(set, "https://a.example", JWT_ROLE_SUBSCRIBER, SUBSCRIBER_SECRET, "HS256", "");
    add_key(set, "https://b.example", JWT_ROLE_PUBLISHER, OTHER_SECRET, "HS512", "");
    return set;
}

static void append_signature(struct buf *token, const char *secret, enum jwt_algorithm algorithm)
{
    struct jwt_key *key;
    const char *error;
    struct buf signature;
    buf_init(&signature, 64);
    struct str name = str_from_c(jwt_algorithm_name(algorithm));
    assert_int_equal(jwt_key_load(&key, str_from_c(secret), name, STR(""), &error), HUB_OK);
    assert_int_equal(jwt_key_sign(key, algorithm, buf_str(token), &signature), HUB_OK);
    buf_append_c(token, '.');
    base64url_encode(token, buf_str(&signature));
    buf_done(&signature);
    jwt_key_free(key);
}

// A token over any header and claims, however wrong.
static struct buf mint(struct str header, struct str claims, const char *secret, enum jwt_algorithm algorithm)
{
    struct buf token;
    buf_init(&token, 1 << 16);
    base64url_encode(&token, header);
    buf_append_c(&token, '.');
    base64url_encode(&token, claims);
    append_signature(&token, secret, algorithm);
    assert_int_equal(token.err, HUB_OK);
    return token;
}

static enum jwt_reason verify_with(struct jwt_keyset *set, enum jwt_role role, struct str token)
{
    struct jwt_claims *claims = NULL;
    struct json *payload = NULL;
    struct jwt_failure failure = {0};
    int err = jwt_verify(set, role, token, &claims, &payload, &failure);
    if (err) {
        assert_int_equal(err, HUB_E_DENIED);
        assert_null(claims);
        assert_null(payload);
        return failure.reason;
    }
    assert_non_null(claims);
    assert_int_equal(json_kind(payload), JSON_KIND_OBJECT);
    jwt_claims_free(claims);
    json_free(payload);
    return JWT_REASON_NONE;
}

static void assert_reason(struct str token, enum jwt_role role, enum jwt_reason expected)
{
    struct jwt_keyset *set = make_set();
    enum jwt_reason reason = verify_with(set, role, token);
    assert_string_equal(jwt_reason_text(reason), jwt_reason_text(expected));
    ref_put(&set->ref);
}

// A publisher's token that is signed as it should be over this header and these claims.
static void assert_signed(const char *header, const char *claims, enum jwt_reason expected)
{
    struct buf token = mint(str_from_c(header), str_from_c(claims), PUBLISHER_SECRET, JWT_ALGORITHM_HS256);
    assert_reason(buf_str(&token), JWT_ROLE_PUBLISHER, expected);
    buf_done(&token);
}

static void a_good_token_yields_its_claims(void **state)
{
    (void)state;
    struct jwt_keyset *set = make_set();
    const char *text =
        "{\"iss\":\"https://a.example\",\"aud\":\"here\",\"exp\":10,\"authorization_details\":[7]}";
    struct buf token = mint(STR("{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"kid\":\"any\"}"), str_from_c(text),
                            PUBLISHER_SECRET, JWT_ALGORITHM_HS256);
    struct jwt_claims *claims;
    struct json *payload;
    struct jwt_failure failure;
    int err = jwt_verify(set, JWT_ROLE_PUBLISHER, buf_str(&token), &claims, &payload, &failure);
    assert_int_equal(err, HUB_OK);
    buf_done(&token); // neither result points into it
    ref_put(&set->ref);
    assert_true(str_eq(claims->issuer, STR("https://a.example")));
    assert_true(str_eq(claims->key_id, STR("any")));
    assert_int_equal(claims->expires_ms, 10000);
    assert_int_equal(json_count(json_get(payload, STR("authorization_details"))), 1);
    jwt_claims_free(claims);
    json_free(payload);
}

// RFC 7515, appendix A.1. Its `typ` is not ours, which is looked at after the signature.
static void the_vector_of_rfc_7515_has_a_right_signature(void **state)
{
    (void)state;
    struct str token =
        STR("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9"
            ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
            ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    char secret[64];
    size_t len;
    assert_int_equal(
        base64url_decode(
            STR("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"),
            secret, &len),
        HUB_OK);
    struct jwt_key *key;
    const char *error;
    assert_int_equal(jwt_key_load(&key, str_make(secret, len), STR("HS256"), STR(""), &error), HUB_OK);
    struct jwt_keyset *set = jwt_keyset_new();
    assert_int_equal(jwt_keyset_take_key(set, STR("joe"), JWT_ROLE_PUBLISHER, key), HUB_OK);
    assert_int_equal(verify_with(set, JWT_ROLE_PUBLISHER, token), JWT_REASON_TYP);
    ref_put(&set->ref);
}

// The token that the conformance suite carries: made by another program.
static void the_development_token_is_good(void **state)
{
    (void)state;
    struct str token =
        STR("eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9"
            ".eyJpc3MiOiJodHRwczovL2xvY2FsaG9zdCIsImF1ZCI6Imh0dHBzOi8vbG9jYWxob3N0Ly53ZWxsLWtub3duL21lcmN1"
            "cmUiLCJleHAiOjQxMDI0NDQ4MDAsImF1dGhvcml6YXRpb25fZGV0YWlscyI6W3sidHlwZSI6Imh0dHBzOi8vbWVyY3Vy"
            "ZS5yb2Nrcy9hdXRob3JpemF0aW9uLWRldGFpbCIsImFjdGlvbnMiOlsicHVibGlzaCIsInN1YnNjcmliZSJdLCJ0b3Bp"
            "Y3MiOlt7Im1hdGNoIjoiKiJ9XX1dfQ"
            ".ZSHhiSbxPjdOMrCsb88P254pIUOHGt8bnGUQ60AXvDo");
    struct jwt_keyset *set = jwt_keyset_new();
    add_key(set, "https://localhost", JWT_ROLE_PUBLISHER, "!ChangeThisMercureHubJWTSecretKey!", "", "");
    struct jwt_claims *claims;
    struct json *payload;
    struct jwt_failure failure;
    assert_int_equal(jwt_verify(set, JWT_ROLE_PUBLISHER, token, &claims, &payload, &failure), HUB_OK);
    assert_int_equal(jwt_claims_check(claims, 4102444799999, STR("https://localhost/.well-known/mercure")),
                     JWT_REASON_NONE);
    assert_int_equal(json_count(json_get(payload, STR("authorization_details"))), 1);
    jwt_claims_free(claims);
    json_free(payload);
    ref_put(&set->ref);
}

static void a_token_has_exactly_three_parts(void **state)
{
    (void)state;
    assert_reason(STR(""), JWT_ROLE_PUBLISHER, JWT_REASON_PARTS);
    assert_reason(str_make(NULL, 0), JWT_ROLE_PUBLISHER, JWT_REASON_PARTS);
    assert_reason(STR("e30"), JWT_ROLE_PUBLISHER, JWT_REASON_PARTS);
    assert_reason(STR("e30.e30"), JWT_ROLE_PUBLISHER, JWT_REASON_PARTS);
    assert_reason(STR("e30.e30.e30.e30"), JWT_ROLE_PUBLISHER, JWT_REASON_PARTS);
    assert_reason(STR("e30.e30.e30."), JWT_ROLE_PUBLISHER, JWT_REASON_PARTS);
    assert_reason(STR("e30.e30.e30.e30.e30"), JWT_ROLE_PUBLISHER, JWT_REASON_PARTS);
    assert_reason(STR(".."), JWT_ROLE_PUBLISHER, JWT_REASON_HEADER);
    struct buf token = mint(STR(HEADER), STR(CLAIMS), PUBLISHER_SECRET, JWT_ALGORITHM_HS256);
    buf_append_c(&token, '.');
    assert_reason(buf_str(&token), JWT_ROLE_PUBLISHER, JWT_REASON_PARTS);
    buf_done(&token);
}

static void white_space_and_padding_are_refused(void **state)
{
    (void)state;
    struct buf token = mint(STR(HEADER), STR(CLAIMS), PUBLISHER_SECRET, JWT_ALGORITHM_HS256);
    struct buf changed;
    buf_init(&changed, 4096);
    buf_append_c(&changed, ' ');
    buf_append_str(&changed, buf_str(&token));
    assert_reason(buf_str(&changed), JWT_ROLE_PUBLISHER, JWT_REASON_BASE64URL);
    buf_clear(&changed);
    buf_append_str(&changed, buf_str(&token));
    buf_append_c(&changed, '\n');
    assert_reason(buf_str(&changed), JWT_ROLE_PUBLISHER, JWT_REASON_BASE64URL);
    changed.ptr[changed.len - 1] = '=';
    assert_reason(buf_str(&changed), JWT_ROLE_PUBLISHER, JWT_REASON_BASE64URL);
    buf_done(&changed);
    buf_done(&token);
}

static void no_other_spelling_of_a_token_is_good(void **state)
{
    (void)state;
    struct buf token = mint(STR(HEADER), STR(CLAIMS), PUBLISHER_SECRET, JWT_ALGORITHM_HS256);
    struct jwt_keyset *set = make_set();
    for (size_t i = 0; i < token.len; i++) {
        char kept = token.ptr[i];
        for (unsigned bit = 0; bit < 8; bit++) {
            token.ptr[i] = (char)(kept ^ 1 << bit);
            assert_int_not_equal(verify_with(set, JWT_ROLE_PUBLISHER, buf_str(&token)), JWT_REASON_NONE);
        }
        token.ptr[i] = kept;
        assert_int_not_equal(verify_with(set, JWT_ROLE_PUBLISHER, str_slice(buf_str(&token), 0, i)),
                             JWT_REASON_NONE);
    }
    assert_int_equal(verify_with(set, JWT_ROLE_PUBLISHER, buf_str(&token)), JWT_REASON_NONE);
    ref_put(&set->ref);
    buf_done(&token);
}

static void header_and_claims_are_json_objects_without_duplicates(void **state)
{
    (void)state;
    assert_signed("{\"alg\":\"HS256\",\"typ\":\"at+jwt\"", CLAIMS, JWT_REASON_HEADER);
    assert_signed("[\"alg\",\"HS256\"]", CLAIMS, JWT_REASON_HEADER);
    assert_signed(HEADER " x", CLAIMS, JWT_REASON_HEADER);
    assert_signed("{\"alg\":\"none\",\"alg\":\"HS256\",\"typ\":\"at+jwt\"}", CLAIMS, JWT_REASON_HEADER);
    assert_signed("{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"x\":\"\xff\"}", CLAIMS, JWT_REASON_HEADER);
    assert_signed(HEADER, "", JWT_REASON_CLAIMS);
    assert_signed(HEADER, "null", JWT_REASON_CLAIMS);
    assert_signed(HEADER, "\"text\"", JWT_REASON_CLAIMS);
    assert_signed(HEADER, CLAIMS CLAIMS, JWT_REASON_CLAIMS);
    assert_signed(HEADER, "{\"iss\":\"https://b.example\",\"iss\":\"https://a.example\"}", JWT_REASON_CLAIMS);
    assert_signed(HEADER, "{\"iss\":\"https://a.example\",\"x\":[{\"y\":1,\"y\":2}]}", JWT_REASON_CLAIMS);
}

static void deep_nesting_is_refused(void **state)
{
    (void)state;
    struct buf claims;
    buf_init(&claims, 1 << 14);
    buf_append_str(&claims, STR("{\"iss\":\"https://a.example\",\"x\":"));
    for (unsigned i = 0; i < 5000; i++)
        buf_append_c(&claims, '[');
    for (unsigned i = 0; i < 5000; i++)
        buf_append_c(&claims, ']');
    buf_append_c(&claims, '}');
    assert_signed(HEADER, buf_c(&claims), JWT_REASON_CLAIMS);
    buf_done(&claims);
}

// A token whose claims are `size` bytes of JSON.
static struct buf mint_sized(size_t size)
{
    struct buf claims;
    buf_init(&claims, size);
    buf_append_str(&claims, STR("{\"iss\":\"https://a.example\",\"x\":\""));
    while (claims.len < size - 2)
        buf_append_c(&claims, 'x');
    buf_append_str(&claims, STR("\"}"));
    struct buf token = mint(STR(HEADER), buf_str(&claims), PUBLISHER_SECRET, JWT_ALGORITHM_HS256);
    buf_done(&claims);
    return token;
}

static void a_token_may_be_as_large_as_the_limit(void **state)
{
    (void)state;
    struct buf token = mint_sized(12224);
    assert_int_equal(token.len, JWT_SIZE_MAX);
    assert_reason(buf_str(&token), JWT_ROLE_PUBLISHER, JWT_REASON_NONE);
    buf_done(&token);
    token = mint_sized(12225);
    assert_int_equal(token.len, JWT_SIZE_MAX + 1);
    assert_reason(buf_str(&token), JWT_ROLE_PUBLISHER, JWT_REASON_SIZE);
    buf_done(&token);
}

static void an_unsigned_token_is_refused(void **state)
{
    (void)state;
    assert_signed("{\"alg\":\"none\",\"typ\":\"at+jwt\"}", CLAIMS, JWT_REASON_ALG_UNKNOWN);
    assert_signed("{\"alg\":\"None\",\"typ\":\"at+jwt\"}", CLAIMS, JWT_REASON_ALG_UNKNOWN);
    assert_signed("{\"alg\":\"\",\"typ\":\"at+jwt\"}", CLAIMS, JWT_REASON_ALG_UNKNOWN);
    struct buf token;
    buf_init(&token, 4096);
    base64url_encode(&token, STR("{\"alg\":\"none\",\"typ\":\"at+jwt\"}"));
    buf_append_c(&token, '.');
    base64url_encode(&token, STR(CLAIMS));
    buf_append_c(&token, '.');
    assert_reason(buf_str(&token), JWT_ROLE_PUBLISHER, JWT_REASON_ALG_UNKNOWN);
    buf_clear(&token);
    base64url_encode(&token, STR(HEADER));
    buf_append_c(&token, '.');
    base64url_encode(&token, STR(CLAIMS));
    buf_append_c(&token, '.');
    assert_reason(buf_str(&token), JWT_ROLE_PUBLISHER, JWT_REASON_SIGNATURE);
    buf_done(&token);
}

static void alg_must_be_one_of_the_issuers(void **state)
{
    (void)state;
    assert_signed("{\"typ\":\"at+jwt\"}", CLAIMS, JWT_REASON_ALG);
    assert_signed("{\"alg\":256,\"typ\":\"at+jwt\"}", CLAIMS, JWT_REASON_ALG);
    assert_signed("{\"alg\":[\"HS256\"],\"typ\":\"at+jwt\"}", CLAIMS, JWT_REASON_ALG);
    assert_signed("{\"alg\":\"hs256\",\"typ\":\"at+jwt\"}", CLAIMS, JWT_REASON_ALG_UNKNOWN);
    assert_signed("{\"alg\":\"HS256\\u0000\",\"typ\":\"at+jwt\"}", CLAIMS, JWT_REASON_ALG_UNKNOWN);
    assert_signed("{\"ALG\":\"HS256\",\"typ\":\"at+jwt\"}", CLAIMS, JWT_REASON_ALG);
    assert_signed("{\"alg\":\"HS512\",\"typ\":\"at+jwt\"}", CLAIMS, JWT_REASON_ALG_REFUSED);
    struct buf token = mint(STR("{\"alg\":\"HS512\",\"typ\":\"at+jwt\"}"), STR(CLAIMS), PUBLISHER_SECRET,
                            JWT_ALGORITHM_HS512);
    assert_reason(buf_str(&token), JWT_ROLE_PUBLISHER, JWT_REASON_ALG_REFUSED);
    buf_done(&token);
}

static void crit_is_refused_and_keys_in_the_header_are_ignored(void **state)
{
    (void)state;
    assert_signed("{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"crit\":[\"b64\"],\"b64\":true}", CLAIMS,
                  JWT_REASON_CRIT);
    assert_signed("{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"crit\":[]}", CLAIMS, JWT_REASON_CRIT);
    assert_signed("{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"crit\":null}", CLAIMS, JWT_REASON_CRIT);
    const char *header =
        "{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"jwk\":{\"kty\":\"oct\",\"k\":\"c2VjcmV0\"},"
        "\"jku\":\"https://evil.example/\",\"x5u\":\"https://evil.example/\",\"x5c\":[\"eA\"]}";
    assert_signed(header, CLAIMS, JWT_REASON_NONE);
    struct buf token = mint(str_from_c(header), STR(CLAIMS), "secret", JWT_ALGORITHM_HS256);
    assert_reason(buf_str(&token), JWT_ROLE_PUBLISHER, JWT_REASON_SIGNATURE);
    buf_done(&token);
}

static void a_token_of_the_old_protocol_is_told_as_such(void **state)
{
    (void)state;
    static const char *const old[] = {
        "{\"mercure\":{\"publish\":[\"*\"]}}",
        "{\"mercure\":{},\"iss\":\"https://nobody.example\"}",
        "{\"mercure\":{},\"iss\":\"https://a.example\"}",
    };
    for (size_t i = 0; i < ARRAY_LEN(old); i++)
        assert_signed("{\"alg\":\"HS256\",\"typ\":\"JWT\"}", old[i], JWT_REASON_LEGACY_OFF);
    assert_signed("{\"alg\":\"HS256\",\"typ\":\"at+jwt\"}", old[2], JWT_REASON_NONE);
}

static void typ_must_be_that_of_access_tokens(void **state)
{
    (void)state;
    assert_signed("{\"alg\":\"HS256\",\"typ\":\"AT+JWT\"}", CLAIMS, JWT_REASON_NONE);
    assert_signed("{\"alg\":\"HS256\",\"typ\":\"application/at+jwt\"}", CLAIMS, JWT_REASON_NONE);
    assert_signed("{\"alg\":\"HS256\",\"typ\":\"Application/At+Jwt\"}", CLAIMS, JWT_REASON_NONE);
    assert_signed("{\"alg\":\"HS256\"}", CLAIMS, JWT_REASON_TYP);
    assert_signed("{\"alg\":\"HS256\",\"typ\":\"\"}", CLAIMS, JWT_REASON_TYP);
    assert_signed("{\"alg\":\"HS256\",\"typ\":null}", CLAIMS, JWT_REASON_TYP);
    assert_signed("{\"alg\":\"HS256\",\"typ\":\"JWT\"}", CLAIMS, JWT_REASON_TYP);
    assert_signed("{\"alg\":\"HS256\",\"typ\":\"dpop+jwt\"}", CLAIMS, JWT_REASON_TYP);
    assert_signed("{\"alg\":\"HS256\",\"typ\":\"application/\"}", CLAIMS, JWT_REASON_TYP);
    assert_signed("{\"alg\":\"HS256\",\"typ\":\"application/application/at+jwt\"}", CLAIMS, JWT_REASON_TYP);
    assert_signed("{\"alg\":\"HS256\",\"typ\":\" at+jwt\"}", CLAIMS, JWT_REASON_TYP);
    assert_signed("{\"alg\":\"HS256\",\"typ\":[\"at+jwt\"]}", CLAIMS, JWT_REASON_TYP);
}

static void the_issuer_must_be_known_by_exactly_its_name(void **state)
{
    (void)state;
    assert_signed(HEADER, "{}", JWT_REASON_ISS_MISSING);
    assert_signed(HEADER, "{\"iss\":7}", JWT_REASON_ISS_TYPE);
    assert_signed(HEADER, "{\"iss\":\"\"}", JWT_REASON_ISS_UNKNOWN);
    assert_signed(HEADER, "{\"iss\":\"https://a.example/\"}", JWT_REASON_ISS_UNKNOWN);
    assert_signed(HEADER, "{\"iss\":\"https://A.example\"}", JWT_REASON_ISS_UNKNOWN);
    assert_signed(HEADER, "{\"iss\":\"https://a.example\\u0000\"}", JWT_REASON_ISS_UNKNOWN);
    assert_signed(HEADER, "{\"ISS\":\"https://a.example\"}", JWT_REASON_ISS_MISSING);
}

static void claims_of_a_wrong_type_are_told_before_the_signature(void **state)
{
    (void)state;
    struct buf token =
        mint(STR(HEADER), STR("{\"iss\":\"https://a.example\",\"exp\":\"1\"}"), "wrong", JWT_ALGORITHM_HS256);
    assert_reason(buf_str(&token), JWT_ROLE_PUBLISHER, JWT_REASON_EXP_TYPE);
    buf_done(&token);
}

static void a_key_of_another_role_is_refused(void **state)
{
    (void)state;
    struct buf token = mint(STR(HEADER), STR(CLAIMS), PUBLISHER_SECRET, JWT_ALGORITHM_HS256);
    assert_reason(buf_str(&token), JWT_ROLE_SUBSCRIBER, JWT_REASON_SIGNATURE);
    buf_done(&token);
    token = mint(STR(HEADER), STR(CLAIMS), SUBSCRIBER_SECRET, JWT_ALGORITHM_HS256);
    assert_reason(buf_str(&token), JWT_ROLE_PUBLISHER, JWT_REASON_SIGNATURE);
    assert_reason(buf_str(&token), JWT_ROLE_SUBSCRIBER, JWT_REASON_NONE);
    buf_done(&token);
}

static void a_role_without_keys_is_refused(void **state)
{
    (void)state;
    struct str header = STR("{\"alg\":\"HS512\",\"typ\":\"at+jwt\"}");
    struct buf token =
        mint(header, STR("{\"iss\":\"https://b.example\"}"), OTHER_SECRET, JWT_ALGORITHM_HS512);
    assert_reason(buf_str(&token), JWT_ROLE_SUBSCRIBER, JWT_REASON_ROLE);
    assert_reason(buf_str(&token), JWT_ROLE_PUBLISHER, JWT_REASON_NONE);
    buf_done(&token);
}

static void a_key_of_another_issuer_is_refused(void **state)
{
    (void)state;
    struct buf token = mint(STR(HEADER), STR(CLAIMS), OTHER_SECRET, JWT_ALGORITHM_HS256);
    assert_reason(buf_str(&token), JWT_ROLE_PUBLISHER, JWT_REASON_SIGNATURE);
    buf_done(&token);
    struct str header = STR("{\"alg\":\"HS512\",\"typ\":\"at+jwt\"}");
    token = mint(header, STR("{\"iss\":\"https://b.example\"}"), PUBLISHER_SECRET, JWT_ALGORITHM_HS512);
    assert_reason(buf_str(&token), JWT_ROLE_PUBLISHER, JWT_REASON_SIGNATURE);
    buf_done(&token);
}

static void kid_picks_the_key(void **state)
{
    (void)state;
    struct jwt_keyset *set = jwt_keyset_new();
    add_key(set, "i", JWT_ROLE_PUBLISHER, "one", "HS256", "1");
    add_key(set, "i", JWT_ROLE_PUBLISHER, "two", "HS256", "2");
    add_key(set, "i", JWT_ROLE_PUBLISHER, "three", "HS512", "3");
    static const struct {
        const char *header;
        const char *secret;
        enum jwt_reason expected;
    } cases[] = {
        {"{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"kid\":\"2\"}", "two", JWT_REASON_NONE},
        {"{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"kid\":\"1\"}", "two", JWT_REASON_SIGNATURE},
        {"{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"kid\":\"9\"}", "two", JWT_REASON_KEY},
        {"{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"kid\":\"\"}", "two", JWT_REASON_KEY},
        {"{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"kid\":2}", "two", JWT_REASON_KID},
        {"{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"kid\":null}", "two", JWT_REASON_KID},
        {"{\"alg\":\"HS256\",\"typ\":\"at+jwt\"}", "two", JWT_REASON_NONE},
        {"{\"alg\":\"HS256\",\"typ\":\"at+jwt\"}", "four", JWT_REASON_SIGNATURE},
        {"{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"kid\":\"3\"}", "three", JWT_REASON_KEY},
        {"{\"alg\":\"HS384\",\"typ\":\"at+jwt\"}", "two", JWT_REASON_ALG_REFUSED},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf token =
            mint(str_from_c(cases[i].header), STR("{\"iss\":\"i\"}"), cases[i].secret, JWT_ALGORITHM_HS256);
        enum jwt_reason reason = verify_with(set, JWT_ROLE_PUBLISHER, buf_str(&token));
        assert_string_equal(jwt_reason_text(reason), jwt_reason_text(cases[i].expected));
        buf_done(&token);
    }
    ref_put(&set->ref);
}

static void a_failure_names_issuer_and_key_cut_to_the_room(void **state)
{
    (void)state;
    struct buf claims;
    buf_init(&claims, 4096);
    buf_append_str(&claims, STR("{\"iss\":\""));
    for (unsigned i = 0; i < 500; i++)
        buf_append_c(&claims, 'i');
    buf_append_str(&claims, STR("\"}"));
    struct buf token = mint(STR("{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"kid\":\"k\"}"), buf_str(&claims),
                            "x", JWT_ALGORITHM_HS256);
    struct jwt_keyset *set = make_set();
    struct jwt_claims *parsed;
    struct json *payload;
    struct jwt_failure failure;
    int err = jwt_verify(set, JWT_ROLE_PUBLISHER, buf_str(&token), &parsed, &payload, &failure);
    assert_int_equal(err, HUB_E_DENIED);
    assert_int_equal(failure.reason, JWT_REASON_ISS_UNKNOWN);
    assert_int_equal(strlen(failure.issuer), sizeof(failure.issuer) - 1);
    assert_string_equal(failure.key_id, "k");
    err = jwt_verify(set, JWT_ROLE_PUBLISHER, STR("nonsense"), &parsed, &payload, &failure);
    assert_int_equal(err, HUB_E_DENIED);
    assert_string_equal(failure.issuer, "");
    assert_string_equal(failure.key_id, "");
    ref_put(&set->ref);
    buf_done(&token);
    buf_done(&claims);
}

static void an_issuer_has_a_bounded_number_of_keys(void **state)
{
    (void)state;
    struct jwt_keyset *set = jwt_keyset_new();
    for (unsigned i = 0; i < JWT_KEYS_MAX; i++)
        add_key(set, "i", JWT_ROLE_PUBLISHER, "secret", "", "");
    struct jwt_key *key;
    const char *error;
    assert_int_equal(jwt_key_load(&key, STR("secret"), STR(""), STR(""), &error), HUB_OK);
    assert_int_equal(jwt_keyset_take_key(set, STR("i"), JWT_ROLE_PUBLISHER, key), HUB_E_FULL);
    assert_int_equal(jwt_keyset_find(set, STR("i"))->roles[JWT_ROLE_PUBLISHER].count, JWT_KEYS_MAX);
    assert_int_equal(jwt_keyset_find(set, STR("i"))->roles[JWT_ROLE_SUBSCRIBER].count, 0);
    assert_null(jwt_keyset_find(set, STR("j")));
    ref_put(&set->ref);
}

struct work {
    struct jwt_keyset *set;
    struct str token;
    unsigned refused;
};

static void *verify_often(void *arg)
{
    struct work *work = arg;
    for (unsigned i = 0; i < 500; i++) {
        struct jwt_claims *claims;
        struct json *payload;
        struct jwt_failure failure;
        if (jwt_verify(work->set, JWT_ROLE_PUBLISHER, work->token, &claims, &payload, &failure) != HUB_OK) {
            work->refused++;
            continue;
        }
        jwt_claims_free(claims);
        json_free(payload);
    }
    return NULL;
}

static void threads_may_use_one_set_at_the_same_time(void **state)
{
    (void)state;
    struct jwt_keyset *set = make_set();
    struct buf token = mint(STR(HEADER), STR(CLAIMS), PUBLISHER_SECRET, JWT_ALGORITHM_HS256);
    struct work work[4];
    pthread_t threads[ARRAY_LEN(work)];
    for (size_t i = 0; i < ARRAY_LEN(work); i++) {
        work[i] = (struct work){.set = set, .token = buf_str(&token)};
        assert_int_equal(pthread_create(&threads[i], NULL, verify_often, &work[i]), 0);
    }
    for (size_t i = 0; i < ARRAY_LEN(work); i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(work[i].refused, 0);
    }
    buf_done(&token);
    ref_put(&set->ref);
}

static void no_two_sets_have_the_same_generation(void **state)
{
    (void)state;
    struct jwt_keyset *a = make_set();
    struct jwt_keyset *b = make_set();
    assert_true(a->generation != b->generation);
    ref_put(&a->ref);
    ref_put(&b->ref);
}

#define OLD_SECRET "the secret of 0.x publishers....."
#define OLD_HEADER "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"

// The set of most tests, and a key of the 0.x protocol for publishers.
static struct jwt_keyset *make_legacy_set(void)
{
    struct jwt_keyset *set = make_set();
    struct jwt_key *key;
    const char *error;
    assert_int_equal(jwt_key_load(&key, STR(OLD_SECRET), STR("HS256"), STR(""), &error), HUB_OK);
    assert_int_equal(jwt_keyset_take_key(set, str_make(NULL, 0), JWT_ROLE_PUBLISHER, key), HUB_OK);
    set->accepts_legacy = true;
    return set;
}

static enum jwt_reason verify_legacy(enum jwt_role role, const char *header, const char *claims,
                                     const char *secret)
{
    struct jwt_keyset *set = make_legacy_set();
    struct buf token = mint(str_from_c(header), str_from_c(claims), secret, JWT_ALGORITHM_HS256);
    enum jwt_reason reason = verify_with(set, role, buf_str(&token));
    buf_done(&token);
    ref_put(&set->ref);
    return reason;
}

static void a_token_of_the_old_form_is_checked_with_the_old_keys_alone(void **state)
{
    (void)state;
    static const char *const headers[] = {OLD_HEADER, "{\"alg\":\"HS256\"}",
                                          "{\"alg\":\"HS256\",\"typ\":7,\"kid\":\"x\"}"};
    for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
        assert_int_equal(verify_legacy(JWT_ROLE_PUBLISHER, headers[i], "{}", OLD_SECRET), JWT_REASON_NONE);
        assert_int_equal(verify_legacy(JWT_ROLE_PUBLISHER, headers[i], CLAIMS, PUBLISHER_SECRET),
                         JWT_REASON_SIGNATURE);
        assert_int_equal(verify_legacy(JWT_ROLE_SUBSCRIBER, headers[i], "{}", OLD_SECRET),
                         JWT_REASON_LEGACY_ROLE);
    }
}

static void an_access_token_is_never_checked_with_the_old_keys(void **state)
{
    (void)state;
    static const char *const headers[] = {HEADER, "{\"alg\":\"HS256\",\"typ\":\"application/AT+JWT\"}"};
    for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
        assert_int_equal(verify_legacy(JWT_ROLE_PUBLISHER, headers[i], "{\"mercure\":{}}", OLD_SECRET),
                         JWT_REASON_ISS_MISSING);
        assert_int_equal(verify_legacy(JWT_ROLE_PUBLISHER, headers[i], CLAIMS, OLD_SECRET),
                         JWT_REASON_SIGNATURE);
        assert_int_equal(verify_legacy(JWT_ROLE_PUBLISHER, headers[i], CLAIMS, PUBLISHER_SECRET),
                         JWT_REASON_NONE);
    }
}

static void a_token_of_the_old_form_needs_the_old_protocol_on(void **state)
{
    (void)state;
    struct jwt_keyset *set = make_legacy_set();
    set->accepts_legacy = false;
    struct buf token = mint(STR(OLD_HEADER), STR("{\"mercure\":{}}"), OLD_SECRET, JWT_ALGORITHM_HS256);
    assert_int_equal(verify_with(set, JWT_ROLE_PUBLISHER, buf_str(&token)), JWT_REASON_LEGACY_OFF);
    buf_done(&token);
    ref_put(&set->ref);
}

static void the_old_keys_are_bound_to_their_algorithm_as_well(void **state)
{
    (void)state;
    struct jwt_keyset *set = make_legacy_set();
    struct buf token = mint(STR("{\"alg\":\"HS512\"}"), STR("{}"), OLD_SECRET, JWT_ALGORITHM_HS512);
    assert_int_equal(verify_with(set, JWT_ROLE_PUBLISHER, buf_str(&token)), JWT_REASON_ALG_REFUSED);
    buf_done(&token);
    ref_put(&set->ref);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_token_yields_its_claims),
        cmocka_unit_test(the_vector_of_rfc_7515_has_a_right_signature),
        cmocka_unit_test(the_development_token_is_good),
        cmocka_unit_test(a_token_has_exactly_three_parts),
        cmocka_unit_test(white_space_and_padding_are_refused),
        cmocka_unit_test(no_other_spelling_of_a_token_is_good),
        cmocka_unit_test(header_and_claims_are_json_objects_without_duplicates),
        cmocka_unit_test(deep_nesting_is_refused),
        cmocka_unit_test(a_token_may_be_as_large_as_the_limit),
        cmocka_unit_test(an_unsigned_token_is_refused),
        cmocka_unit_test(alg_must_be_one_of_the_issuers),
        cmocka_unit_test(crit_is_refused_and_keys_in_the_header_are_ignored),
        cmocka_unit_test(a_token_of_the_old_protocol_is_told_as_such),
        cmocka_unit_test(typ_must_be_that_of_access_tokens),
        cmocka_unit_test(the_issuer_must_be_known_by_exactly_its_name),
        cmocka_unit_test(claims_of_a_wrong_type_are_told_before_the_signature),
        cmocka_unit_test(a_key_of_another_role_is_refused),
        cmocka_unit_test(a_role_without_keys_is_refused),
        cmocka_unit_test(a_key_of_another_issuer_is_refused),
        cmocka_unit_test(kid_picks_the_key),
        cmocka_unit_test(a_failure_names_issuer_and_key_cut_to_the_room),
        cmocka_unit_test(an_issuer_has_a_bounded_number_of_keys),
        cmocka_unit_test(threads_may_use_one_set_at_the_same_time),
        cmocka_unit_test(no_two_sets_have_the_same_generation),
        cmocka_unit_test(a_token_of_the_old_form_is_checked_with_the_old_keys_alone),
        cmocka_unit_test(an_access_token_is_never_checked_with_the_old_keys),
        cmocka_unit_test(a_token_of_the_old_form_needs_the_old_protocol_on),
        cmocka_unit_test(the_old_keys_are_bound_to_their_algorithm_as_well),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
