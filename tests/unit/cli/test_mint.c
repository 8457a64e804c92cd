#include "base/buf.h"
#include "base/err.h"
#include "cli/mint.h"
#include "json/json.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct json *claims_of(const struct mint_request *request)
{
    struct buf claims;
    struct json *root = NULL;
    buf_init(&claims, 65536);
    assert_int_equal(mint_claims(request, &claims), HUB_OK);
    assert_int_equal(json_parse(&root, buf_str(&claims), NULL), HUB_OK);
    buf_done(&claims);
    return root;
}

static void assert_claim(const struct json *claims, struct str key, struct str value)
{
    assert_true(str_eq(json_str(json_get(claims, key)), value));
}

static void claims_have_what_an_access_token_must_have(void **state)
{
    (void)state;
    struct mint_request request = mint_all(STR("https://issuer"), STR("https://hub"));
    struct json *claims = claims_of(&request);
    assert_claim(claims, STR("iss"), STR("https://issuer"));
    assert_claim(claims, STR("aud"), STR("https://hub"));
    assert_claim(claims, STR("client_id"), STR("https://issuer"));
    assert_true(str_starts_with(json_str(json_get(claims, STR("sub"))), STR("urn:uuid:")));
    assert_true(str_starts_with(json_str(json_get(claims, STR("jti"))), STR("urn:uuid:")));
    double issued, expires;
    assert_true(json_to_double(json_get(claims, STR("iat")), &issued));
    assert_true(json_to_double(json_get(claims, STR("exp")), &expires));
    assert_true(expires - issued == 3600);
    assert_int_equal(json_count(json_get(claims, STR("authorization_details"))), 2);
    json_free(claims);
}

static void each_action_has_its_topics_of_both_types(void **state)
{
    (void)state;
    struct str exact[] = {STR("a"), STR("b")};
    struct str pattern[] = {STR("/:id")};
    struct mint_request request = mint_all(STR("i"), STR("h"));
    request.grants = (struct mint_grants){.subscribe = {exact, 2}, .subscribe_urlpattern = {pattern, 1}};
    request.payload = STR("{\"name\": \"Ada\"}");
    struct json *claims = claims_of(&request);
    const struct json *details = json_get(claims, STR("authorization_details"));
    assert_int_equal(json_count(details), 1);
    const struct json *detail = json_at(details, 0);
    assert_claim(detail, STR("type"), STR("https://mercure.rocks/authorization-detail"));
    assert_true(str_eq(json_str(json_at(json_get(detail, STR("actions")), 0)), STR("subscribe")));
    const struct json *topics = json_get(detail, STR("topics"));
    assert_int_equal(json_count(topics), 3);
    assert_claim(json_at(topics, 1), STR("match"), STR("b"));
    assert_claim(json_at(topics, 2), STR("match"), STR("/:id"));
    assert_claim(json_at(topics, 2), STR("match_type"), STR("urlpattern"));
    assert_claim(json_get(detail, STR("payload")), STR("name"), STR("Ada"));
    json_free(claims);
}

static void a_url_of_this_machine_is_localhost_too(void **state)
{
    (void)state;
    static const char *const urls[][2] = {
        {"http://127.0.0.1:8080/x", "http://localhost:8080/x"},
        {"http://127.1.2.3/x", "http://localhost/x"},
        {"http://[::1]:1/x", "http://localhost:1/x"},
        {"unix:/run/x.sock:/.well-known/mercure", "http://localhost/.well-known/mercure"},
    };
    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        struct mint_request request = mint_all(STR("i"), str_from_c(urls[i][0]));
        request.audience_is_url = true;
        struct json *claims = claims_of(&request);
        const struct json *audience = json_get(claims, STR("aud"));
        assert_true(str_eq(json_str(json_at(audience, 0)), request.audience));
        assert_true(str_eq(json_str(json_at(audience, 1)), str_from_c(urls[i][1])));
        json_free(claims);
    }
}

static void an_audience_is_as_it_was_given(void **state)
{
    (void)state;
    struct mint_request request = mint_all(STR("i"), STR("http://127.0.0.1:8080/x"));
    struct json *claims = claims_of(&request);
    assert_claim(claims, STR("aud"), STR("http://127.0.0.1:8080/x"));
    json_free(claims);
    request = mint_all(STR("i"), STR("http://hub.example/x"));
    request.audience_is_url = true;
    claims = claims_of(&request);
    assert_claim(claims, STR("aud"), STR("http://hub.example/x"));
    json_free(claims);
}

static void a_payload_must_be_json(void **state)
{
    (void)state;
    struct mint_request request = mint_all(STR("i"), STR("h"));
    struct buf claims;
    buf_init(&claims, 4096);
    request.payload = STR("{");
    assert_int_equal(mint_claims(&request, &claims), HUB_E_INVALID);
    buf_done(&claims);
}

static void a_token_can_be_explained(void **state)
{
    (void)state;
    struct mint_request request = mint_all(STR("i"), STR("h"));
    struct buf token, reason, text;
    buf_init(&token, 65536);
    buf_init(&reason, 1024);
    buf_init(&text, 65536);
    assert_int_equal(mint_token(&request, STR("secret"), STR(""), STR("k1"), &token, &reason), HUB_OK);
    assert_int_equal(mint_explain(buf_str(&token), &text), HUB_OK);
    assert_true(str_starts_with(
        buf_str(&text), STR("{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"kid\":\"k1\"}\n{\"iss\":\"i\"")));
    buf_done(&token);
    buf_done(&reason);
    buf_done(&text);
}

static void what_cannot_be_used_is_told_with_its_flag(void **state)
{
    (void)state;
    struct mint_request request = mint_all(STR("i"), STR("h"));
    struct buf token, reason;
    buf_init(&token, 65536);
    buf_init(&reason, 1024);
    assert_int_not_equal(mint_token(&request, STR("secret"), STR("none"), STR(""), &token, &reason), HUB_OK);
    assert_true(str_starts_with(buf_str(&reason), STR("--alg: ")));
    buf_clear(&reason);
    assert_int_not_equal(mint_token(&request, STR(""), STR("HS256"), STR(""), &token, &reason), HUB_OK);
    assert_true(str_starts_with(buf_str(&reason), STR("--key: ")));
    buf_done(&token);
    buf_done(&reason);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(claims_have_what_an_access_token_must_have),
        cmocka_unit_test(each_action_has_its_topics_of_both_types),
        cmocka_unit_test(a_url_of_this_machine_is_localhost_too),
        cmocka_unit_test(an_audience_is_as_it_was_given),
        cmocka_unit_test(a_payload_must_be_json),
        cmocka_unit_test(a_token_can_be_explained),
        cmocka_unit_test(what_cannot_be_used_is_told_with_its_flag),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
