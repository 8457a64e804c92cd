#include "jwt/claims.h"

#include "base/buf.h"
#include "base/err.h"
#include "json/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HERE STR("https://hub.example/.well-known/mercure")
#define AUD "\"aud\":\"https://hub.example/.well-known/mercure\""

static enum jwt_reason read_claims(const char *text, struct jwt_claims **ret_claims)
{
    struct json *payload;
    assert_int_equal(json_parse(&payload, str_from_c(text), NULL), HUB_OK);
    enum jwt_reason reason = jwt_claims_read(ret_claims, payload, STR("k1"));
    json_free(payload); // the claims stand alone
    return reason;
}

static struct jwt_claims *claims_of(const char *text)
{
    struct jwt_claims *claims = NULL;
    assert_int_equal(read_claims(text, &claims), JWT_REASON_NONE);
    return claims;
}

static void assert_unreadable(const char *text, enum jwt_reason expected)
{
    struct jwt_claims *claims = NULL;
    assert_string_equal(jwt_reason_text(read_claims(text, &claims)), jwt_reason_text(expected));
    assert_null(claims);
}

static void assert_check(const char *text, uint64_t now_ms, enum jwt_reason expected)
{
    struct jwt_claims *claims = claims_of(text);
    enum jwt_reason reason = jwt_claims_check(claims, now_ms, HERE);
    assert_string_equal(jwt_reason_text(reason), jwt_reason_text(expected));
    jwt_claims_free(claims);
}

static void all_claims_are_kept(void **state)
{
    (void)state;
    struct jwt_claims *claims =
        claims_of("{\"iss\":\"i\",\"aud\":[\"a\",\"b\"],\"exp\":10,\"nbf\":5,\"sub\":1}");
    assert_true(str_eq(claims->issuer, STR("i")));
    assert_true(str_eq(claims->key_id, STR("k1")));
    assert_int_equal(claims->expires_ms, 10000);
    assert_int_equal(claims->not_before_ms, 5000);
    assert_int_equal(claims->audience_count, 2);
    assert_true(str_eq(claims->audiences[0], STR("a")));
    assert_true(str_eq(claims->audiences[1], STR("b")));
    assert_int_equal(jwt_claims_memory(claims), sizeof(*claims) + 2 * sizeof(struct str) + 5);
    jwt_claims_free(claims);
}

static void claims_of_the_wrong_type_are_refused(void **state)
{
    (void)state;
    assert_unreadable("{\"iss\":1}", JWT_REASON_ISS_TYPE);
    assert_unreadable("{\"iss\":null}", JWT_REASON_ISS_TYPE);
    assert_unreadable("{\"aud\":{}}", JWT_REASON_AUD_TYPE);
    assert_unreadable("{\"aud\":1}", JWT_REASON_AUD_TYPE);
    assert_unreadable("{\"aud\":null}", JWT_REASON_AUD_TYPE);
    assert_unreadable("{\"aud\":[\"a\",1]}", JWT_REASON_AUD_TYPE);
    assert_unreadable("{\"aud\":[[\"a\"]]}", JWT_REASON_AUD_TYPE);
    assert_unreadable("{\"exp\":\"10\"}", JWT_REASON_EXP_TYPE);
    assert_unreadable("{\"exp\":null}", JWT_REASON_EXP_TYPE);
    assert_unreadable("{\"exp\":1,\"nbf\":\"10\"}", JWT_REASON_NBF_TYPE);
    assert_unreadable("{\"nbf\":true}", JWT_REASON_NBF_TYPE);
}

static void a_hundred_audiences_are_read_and_no_more(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 4096);
    buf_append_str(&buf, STR("{\"aud\":[\"\""));
    for (unsigned i = 1; i < JWT_AUDIENCES_MAX; i++)
        buf_append_str(&buf, STR(",\"\""));
    size_t len = buf.len;
    buf_append_str(&buf, STR("]}"));
    struct jwt_claims *claims = claims_of(buf_c(&buf));
    assert_int_equal(claims->audience_count, JWT_AUDIENCES_MAX);
    jwt_claims_free(claims);
    buf.len = len;
    buf_append_str(&buf, STR(",\"\"]}"));
    assert_unreadable(buf_c(&buf), JWT_REASON_AUD_TYPE);
    buf_done(&buf);
}

static void exp_is_needed_and_must_be_later(void **state)
{
    (void)state;
    assert_check("{" AUD "}", 0, JWT_REASON_EXP_MISSING);
    assert_check("{" AUD ",\"exp\":10}", 9999, JWT_REASON_NONE);
    assert_check("{" AUD ",\"exp\":10}", 10000, JWT_REASON_EXPIRED);
    assert_check("{" AUD ",\"exp\":0}", 0, JWT_REASON_EXPIRED);
    assert_check("{" AUD ",\"exp\":-1}", 0, JWT_REASON_EXPIRED);
}

static void nbf_must_not_be_later(void **state)
{
    (void)state;
    assert_check("{" AUD ",\"exp\":99,\"nbf\":10}", 9999, JWT_REASON_NOT_YET);
    assert_check("{" AUD ",\"exp\":99,\"nbf\":10}", 10000, JWT_REASON_NONE);
    assert_check("{" AUD ",\"exp\":99,\"nbf\":-5}", 0, JWT_REASON_NONE);
}

static void times_may_have_fractions(void **state)
{
    (void)state;
    assert_check("{" AUD ",\"exp\":10.5}", 10499, JWT_REASON_NONE);
    assert_check("{" AUD ",\"exp\":10.5}", 10500, JWT_REASON_EXPIRED);
    assert_check("{" AUD ",\"exp\":10.0005}", 10000, JWT_REASON_NONE);
    assert_check("{" AUD ",\"exp\":10.0005}", 10001, JWT_REASON_EXPIRED);
    assert_check("{" AUD ",\"exp\":99,\"nbf\":10.0005}", 10000, JWT_REASON_NOT_YET);
    assert_check("{" AUD ",\"exp\":99,\"nbf\":10.0005}", 10001, JWT_REASON_NONE);
    assert_check("{" AUD ",\"exp\":1e1}", 9999, JWT_REASON_NONE);
}

static void times_beyond_every_clock_are_harmless(void **state)
{
    (void)state;
    assert_check("{" AUD ",\"exp\":1e300}", 4102444800000, JWT_REASON_NONE);
    assert_check("{" AUD ",\"exp\":9223372036854775807}", 4102444800000, JWT_REASON_NONE);
    assert_check("{" AUD ",\"exp\":-1e300}", 0, JWT_REASON_EXPIRED);
    assert_check("{" AUD ",\"exp\":1e300,\"nbf\":1e300}", 4102444800000, JWT_REASON_NOT_YET);
    assert_check("{" AUD ",\"exp\":1e300,\"nbf\":-1e300}", 0, JWT_REASON_NONE);
}

static void the_audience_must_be_among_them(void **state)
{
    (void)state;
    assert_check("{\"exp\":10}", 0, JWT_REASON_AUD_MISSING);
    assert_check("{\"exp\":10,\"aud\":[]}", 0, JWT_REASON_AUD_MISSING);
    assert_check("{\"exp\":10,\"aud\":\"\"}", 0, JWT_REASON_AUDIENCE);
    assert_check("{\"exp\":10,\"aud\":\"https://hub.example/.well-known/mercure/\"}", 0, JWT_REASON_AUDIENCE);
    assert_check("{\"exp\":10,\"aud\":\"https://HUB.example/.well-known/mercure\"}", 0, JWT_REASON_AUDIENCE);
    assert_check("{\"exp\":10,\"aud\":\"https://hub.example/.well-known/mercure\\u0000\"}", 0,
                 JWT_REASON_AUDIENCE);
    assert_check("{\"exp\":10,\"aud\":[\"x\",\"https://hub.example/.well-known/mercure\"]}", 0,
                 JWT_REASON_NONE);
}

static void the_old_protocol_needs_neither_exp_nor_aud_and_checks_the_times_that_are_there(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum jwt_reason reason;
    } cases[] = {
        {"{}", JWT_REASON_NONE},
        {"{\"aud\":\"elsewhere\",\"exp\":11}", JWT_REASON_NONE},
        {"{\"exp\":10}", JWT_REASON_EXPIRED},
        {"{\"nbf\":10.001}", JWT_REASON_NOT_YET},
        {"{\"iat\":100}", JWT_REASON_NONE},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct jwt_claims *claims = claims_of(cases[i].text);
        claims->legacy = true;
        assert_int_equal(jwt_claims_check(claims, 10000, HERE), cases[i].reason);
        jwt_claims_free(claims);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_claims_are_kept),
        cmocka_unit_test(claims_of_the_wrong_type_are_refused),
        cmocka_unit_test(a_hundred_audiences_are_read_and_no_more),
        cmocka_unit_test(exp_is_needed_and_must_be_later),
        cmocka_unit_test(nbf_must_not_be_later),
        cmocka_unit_test(times_may_have_fractions),
        cmocka_unit_test(times_beyond_every_clock_are_harmless),
        cmocka_unit_test(the_audience_must_be_among_them),
        cmocka_unit_test(the_old_protocol_needs_neither_exp_nor_aud_and_checks_the_times_that_are_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
