#include "base/buf.h"
#include "base/err.h"
#include "mercure/authorization.h"
#include "support/patterns.h"
#include "json/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int parse(const char *text, struct authorization **ret_authorization,
                 enum authorization_reason *reterr_reason)
{
    struct json *claims;
    assert_int_equal(json_parse(&claims, str_from_c(text), NULL), HUB_OK);
    int err = authorization_parse_claims(ret_authorization, claims, test_patterns(), reterr_reason);
    json_free(claims); // the result stands alone
    return err;
}

static struct authorization *grants_of(const char *text)
{
    struct authorization *authorization = NULL;
    enum authorization_reason reason = AUTHORIZATION_REASON_NONE;
    assert_int_equal(parse(text, &authorization, &reason), HUB_OK);
    return authorization;
}

static void assert_refused(const char *text, enum authorization_reason expected)
{
    struct authorization *authorization = NULL;
    enum authorization_reason reason = AUTHORIZATION_REASON_NONE;
    assert_int_equal(parse(text, &authorization, &reason), HUB_E_DENIED);
    assert_null(authorization);
    assert_string_equal(authorization_reason_text(reason), authorization_reason_text(expected));
}

static void assert_str(struct str s, const char *expected)
{
    assert_int_equal(s.len, strlen(expected));
    assert_memory_equal(s.ptr, expected, s.len);
}

static void assert_publish(const char *text, bool publishes, bool empty)
{
    struct authorization *authorization = grants_of(text);
    assert_int_equal(authorization->publishes, publishes);
    assert_int_equal(topic_set_is_empty(&authorization->publish), empty);
    assert_true(topic_set_is_empty(&authorization->subscribe));
    ref_put(&authorization->ref);
}

static void a_missing_list_is_not_an_empty_one(void **state)
{
    (void)state;
    assert_publish("{}", false, true);
    assert_publish("{\"mercure\":null}", false, true);
    assert_publish("{\"mercure\":{}}", false, true);
    assert_publish("{\"mercure\":{\"publish\":null}}", false, true);
    assert_publish("{\"mercure\":{\"publish\":[]}}", true, true);
    assert_publish("{\"mercure\":{\"publish\":[\"a\"]}}", true, false);
}

static void selectors_are_texts_and_templates(void **state)
{
    (void)state;
    struct authorization *authorization = grants_of(
        "{\"mercure\":{\"publish\":[\"https://example.com/{id}\",\"a{b\"],\"subscribe\":[\"/x{/y}\"]}}");
    assert_true(authorization_grants_publish(authorization, STR("https://example.com/7")));
    assert_true(authorization_grants_publish(authorization, STR("https://example.com/{id}")));
    assert_true(authorization_grants_publish(authorization, STR("a{b")));
    assert_false(authorization_grants_publish(authorization, STR("https://example.com/7/8")));
    assert_false(authorization_grants_publish(authorization, STR("/x/1")));
    assert_true(authorization_grants_subscribe(authorization, STR("/x/1")));
    assert_false(authorization_grants_subscribe(authorization, STR("/y/1")));
    ref_put(&authorization->ref);
}

static void a_star_is_every_topic(void **state)
{
    (void)state;
    struct authorization *authorization = grants_of("{\"mercure\":{\"publish\":[\"/{a}\",\"*\"]}}");
    assert_true(authorization->publish.all);
    assert_false(authorization->subscribe.all);
    ref_put(&authorization->ref);
}

static void the_namespaced_claim_stands_in_for_the_plain_one(void **state)
{
    (void)state;
    struct authorization *authorization = grants_of("{\"mercure\":{\"publish\":[\"*\"],\"payload\":1},"
                                                    "\"https://mercure.rocks/\":{\"subscribe\":[\"a\"]}}");
    assert_false(authorization->publishes);
    assert_true(authorization_grants_subscribe(authorization, STR("a")));
    assert_null(authorization->payload.ptr);
    ref_put(&authorization->ref);
    authorization = grants_of("{\"mercure\":{\"publish\":[\"*\"]},\"https://mercure.rocks/\":null}");
    assert_true(authorization->publish.all);
    ref_put(&authorization->ref);
}

static void entries_may_be_objects_of_the_modern_form(void **state)
{
    (void)state;
    struct authorization *authorization =
        grants_of("{\"mercure\":{\"publish\":[{\"match\":\"a{b}\"},{\"match\":\"/"
                  ":x\",\"match_type\":\"urlpattern\"},\"c\"]}}");
    assert_true(authorization_grants_publish(authorization, STR("a{b}")));
    assert_false(authorization_grants_publish(authorization, STR("ax"))); // exact, and no template
    assert_true(authorization_grants_publish(authorization, STR("c")));
    assert_int_equal(authorization->publish.pattern_count, 1);
    assert_true(authorization_grants_publish(authorization, STR("/x")));
    ref_put(&authorization->ref);
}

static void the_payload_is_of_every_subscription(void **state)
{
    (void)state;
    static const char *const payloads[] = {"{\"user\":7}", "\"text\"", "[1,2]", "7", "false"};
    for (size_t i = 0; i < ARRAY_LEN(payloads); i++) {
        char text[256];
        (void)snprintf(text, sizeof(text), "{\"mercure\":{\"subscribe\":[\"a\"],\"payload\":%s}}",
                       payloads[i]);
        struct authorization *authorization = grants_of(text);
        assert_str(authorization_payload(authorization, STR("a")), payloads[i]);
        assert_str(authorization_payload(authorization, STR("b")), payloads[i]);
        ref_put(&authorization->ref);
    }
    struct authorization *authorization = grants_of("{\"mercure\":{\"payload\":null}}");
    assert_null(authorization_payload(authorization, STR("a")).ptr);
    ref_put(&authorization->ref);
}

static void the_payload_of_an_entry_comes_first(void **state)
{
    (void)state;
    struct authorization *authorization = grants_of("{\"mercure\":{\"subscribe\":[\"*\",{\"match\":\"a\","
                                                    "\"payload\":1},{\"match\":\"b\",\"payload\":null}],"
                                                    "\"payload\":2}}");
    assert_str(authorization_payload(authorization, STR("a")), "1");
    assert_str(authorization_payload(authorization, STR("b")), "2");
    assert_str(authorization_payload(authorization, STR("c")), "2");
    assert_true(authorization->subscribe.all);
    ref_put(&authorization->ref);
}

static void a_wrong_shape_refuses_the_token(void **state)
{
    (void)state;
    assert_refused("{\"mercure\":[]}", AUTHORIZATION_REASON_CLAIM);
    assert_refused("{\"mercure\":\"*\"}", AUTHORIZATION_REASON_CLAIM);
    assert_refused("{\"mercure\":{\"publish\":\"*\"}}", AUTHORIZATION_REASON_CLAIM_LIST);
    assert_refused("{\"mercure\":{\"subscribe\":{}}}", AUTHORIZATION_REASON_CLAIM_LIST);
    assert_refused("{\"mercure\":{\"publish\":[\"a\",1]}}", AUTHORIZATION_REASON_ENTRY);
    assert_refused("{\"mercure\":{\"subscribe\":[null]}}", AUTHORIZATION_REASON_ENTRY);
    assert_refused("{\"mercure\":{\"subscribe\":[{}]}}", AUTHORIZATION_REASON_MATCH);
    assert_refused("{\"mercure\":{\"subscribe\":[{\"match\":\"a\",\"match_type\":\"uritemplate\"}]}}",
                   AUTHORIZATION_REASON_MATCH_TYPE);
}

// {"mercure":{"subscribe":["a","a",...]}}
static enum authorization_reason read_entries(size_t count, const char *entry)
{
    struct buf text;
    buf_init(&text, 1 << 20);
    buf_append_str(&text, STR("{\"mercure\":{\"subscribe\":["));
    for (size_t i = 0; i < count; i++)
        buf_printf(&text, "%s\"%s\"", i ? "," : "", entry);
    buf_append_str(&text, STR("]}}"));
    struct authorization *authorization = NULL;
    enum authorization_reason reason = AUTHORIZATION_REASON_NONE;
    if (parse(buf_c(&text), &authorization, &reason) == HUB_OK)
        ref_put(&authorization->ref);
    buf_done(&text);
    return reason;
}

static void lists_and_selectors_are_bounded(void **state)
{
    (void)state;
    char selector[5000];
    memset(selector, 'a', sizeof(selector));
    selector[4096] = '\0';
    assert_int_equal(read_entries(1000, "a{b}"), AUTHORIZATION_REASON_NONE);
    assert_int_equal(read_entries(1001, "a"), AUTHORIZATION_REASON_ENTRY_COUNT);
    assert_int_equal(read_entries(1, selector), AUTHORIZATION_REASON_NONE);
    selector[4096] = 'a';
    selector[4097] = '\0';
    assert_int_equal(read_entries(1, selector), AUTHORIZATION_REASON_SELECTOR);
    memcpy(selector, "{x}", 3);
    assert_int_equal(read_entries(1, selector), AUTHORIZATION_REASON_SELECTOR);
}

static void equal_grants_are_equal_whatever_the_protocol(void **state)
{
    (void)state;
    struct authorization *a = grants_of("{\"mercure\":{\"subscribe\":[\"a\",\"/{b}\",\"a\"],\"payload\":1}}");
    struct authorization *b = grants_of("{\"mercure\":{\"subscribe\":[\"/{b}\",\"a\"],\"publish\":[\"x\"]}}");
    struct authorization *c = grants_of("{\"mercure\":{\"subscribe\":[\"/{c}\",\"a\"]}}");
    struct authorization *d = grants_of("{\"mercure\":{\"subscribe\":[{\"match\":\"/{b}\"},\"a\"]}}");
    assert_true(authorization_equal(a, b));
    assert_true(authorization_hash(a) == authorization_hash(b));
    assert_false(authorization_equal(a, c));
    assert_false(authorization_equal(a, d)); // the text, and not the template
    assert_false(authorization_hash(a) == authorization_hash(d));
    ref_put(&a->ref);
    ref_put(&b->ref);
    ref_put(&c->ref);
    ref_put(&d->ref);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_missing_list_is_not_an_empty_one),
        cmocka_unit_test(selectors_are_texts_and_templates),
        cmocka_unit_test(a_star_is_every_topic),
        cmocka_unit_test(the_namespaced_claim_stands_in_for_the_plain_one),
        cmocka_unit_test(entries_may_be_objects_of_the_modern_form),
        cmocka_unit_test(the_payload_is_of_every_subscription),
        cmocka_unit_test(the_payload_of_an_entry_comes_first),
        cmocka_unit_test(a_wrong_shape_refuses_the_token),
        cmocka_unit_test(lists_and_selectors_are_bounded),
        cmocka_unit_test(equal_grants_are_equal_whatever_the_protocol),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
