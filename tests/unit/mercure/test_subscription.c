#include "mercure/subscription.h"

#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SUBSCRIBER "urn:uuid:c2fac7f7-32b6-406b-9ab0-940d45c457fa"
#define SUBSCRIBER_SEGMENT "urn%3Auuid%3Ac2fac7f7-32b6-406b-9ab0-940d45c457fa"

static void expect_id(uint8_t kind, struct str match, enum generation generation, const char *expected)
{
    struct record_subscription subscription = {.kind = kind, .match = match, .subscriber = STR(SUBSCRIBER)};
    struct buf buf;
    buf_init(&buf, 4096);
    subscription_append_id(&buf, &subscription, generation);
    assert_string_equal(buf_c(&buf), expected);
    buf_done(&buf);
}

static void expect_document(const struct record_subscription *subscription,
                            const struct subscription_view *view, const char *expected)
{
    struct buf buf;
    buf_init(&buf, 4096);
    subscription_append_document(&buf, subscription, view);
    assert_string_equal(buf_c(&buf), expected);
    buf_done(&buf);
}

static void each_segment_of_an_id_is_percent_encoded_once(void **state)
{
    (void)state;
    expect_id(SUBSCRIPTION_URLPATTERN, STR("https://example.com/:id"), GENERATION_MODERN,
              "/.well-known/mercure/subscriptions/urlpattern/"
              "https%3A%2F%2Fexample.com%2F%3Aid/" SUBSCRIBER_SEGMENT);
    expect_id(SUBSCRIPTION_EXACT, STR("*"), GENERATION_MODERN,
              "/.well-known/mercure/subscriptions/exact/%2A/" SUBSCRIBER_SEGMENT);
    expect_id(SUBSCRIPTION_EXACT, STR("a b%2F+\xc3\xa9"), GENERATION_MODERN,
              "/.well-known/mercure/subscriptions/exact/a%20b%252F%2B%C3%A9/" SUBSCRIBER_SEGMENT);
    expect_id(SUBSCRIPTION_EXACT, STR("AZaz09-_.~"), GENERATION_MODERN,
              "/.well-known/mercure/subscriptions/exact/AZaz09-_.~/" SUBSCRIBER_SEGMENT);
}

static void in_an_id_of_0_x_there_is_no_type_and_a_space_is_a_plus(void **state)
{
    (void)state;
    expect_id(SUBSCRIPTION_SELECTOR, STR("a b/{id}"), GENERATION_LEGACY,
              "/.well-known/mercure/subscriptions/a+b%2F%7Bid%7D/" SUBSCRIBER_SEGMENT);
    expect_id(SUBSCRIPTION_EXACT, STR("foo"), GENERATION_LEGACY,
              "/.well-known/mercure/subscriptions/foo/" SUBSCRIBER_SEGMENT);
}

static void modern_subscribers_see_a_selector_of_0_x_without_a_type(void **state)
{
    (void)state;
    expect_id(SUBSCRIPTION_SELECTOR, STR("a b"), GENERATION_MODERN,
              "/.well-known/mercure/subscriptions/a%20b/" SUBSCRIBER_SEGMENT);
    struct record_subscription subscription = {
        .kind = SUBSCRIPTION_SELECTOR, .match = STR("foo"), .subscriber = STR("s")};
    struct subscription_view view = {.active = true};
    expect_document(&subscription, &view,
                    "{\n"
                    "  \"id\": \"/.well-known/mercure/subscriptions/foo/s\",\n"
                    "  \"type\": \"subscription\",\n"
                    "  \"subscriber\": \"s\",\n"
                    "  \"topic\": \"foo\",\n"
                    "  \"active\": true\n"
                    "}");
}

static const struct record_subscription with_payload = {
    .kind = SUBSCRIPTION_EXACT,
    .match = {"say \"hi\"", 8},
    .subscriber = {"s", 1},
    .payload = {"{\"n\":12345678901234567890}", 26},
};

static void a_modern_document_has_its_members_in_order_and_the_payload_verbatim(void **state)
{
    (void)state;
    struct subscription_view view = {.active = true};
    expect_document(&with_payload, &view,
                    "{\n"
                    "  \"id\": \"/.well-known/mercure/subscriptions/exact/say%20%22hi%22/s\",\n"
                    "  \"type\": \"subscription\",\n"
                    "  \"subscriber\": \"s\",\n"
                    "  \"match\": \"say \\\"hi\\\"\",\n"
                    "  \"match_type\": \"exact\",\n"
                    "  \"active\": true,\n"
                    "  \"payload\": {\"n\":12345678901234567890}\n"
                    "}");
}

static void a_document_of_0_x_is_of_its_context(void **state)
{
    (void)state;
    struct subscription_view view = {
        .generation = GENERATION_LEGACY, .context = true, .last_event_id = STR("urn:x")};
    expect_document(&with_payload, &view,
                    "{\n"
                    "  \"@context\": \"https://mercure.rocks/\",\n"
                    "  \"id\": \"/.well-known/mercure/subscriptions/say+%22hi%22/s\",\n"
                    "  \"type\": \"Subscription\",\n"
                    "  \"subscriber\": \"s\",\n"
                    "  \"topic\": \"say \\\"hi\\\"\",\n"
                    "  \"active\": false,\n"
                    "  \"lastEventID\": \"urn:x\",\n"
                    "  \"payload\": {\"n\":12345678901234567890}\n"
                    "}");
}

static void a_document_in_a_list_is_indented_as_its_place_is(void **state)
{
    (void)state;
    struct record_subscription subscription = {.subscriber = STR("s")};
    struct subscription_view view = {.depth = 2};
    expect_document(&subscription, &view,
                    "    {\n"
                    "      \"id\": \"/.well-known/mercure/subscriptions/exact//s\",\n"
                    "      \"type\": \"subscription\",\n"
                    "      \"subscriber\": \"s\",\n"
                    "      \"match_type\": \"exact\",\n"
                    "      \"active\": false\n"
                    "    }");
}

static void a_type_is_found_by_its_name(void **state)
{
    (void)state;
    uint8_t kind = SUBSCRIPTION_SELECTOR;
    assert_true(subscription_type_find(STR("exact"), &kind));
    assert_int_equal(kind, SUBSCRIPTION_EXACT);
    assert_true(subscription_type_find(STR("urlpattern"), &kind));
    assert_int_equal(kind, SUBSCRIPTION_URLPATTERN);
    assert_false(subscription_type_find(STR("Exact"), &kind));
    assert_false(subscription_type_find(STR(""), &kind));
    assert_null(subscription_type_name(SUBSCRIPTION_SELECTOR).ptr);
    assert_null(subscription_type_name(200).ptr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_segment_of_an_id_is_percent_encoded_once),
        cmocka_unit_test(in_an_id_of_0_x_there_is_no_type_and_a_space_is_a_plus),
        cmocka_unit_test(modern_subscribers_see_a_selector_of_0_x_without_a_type),
        cmocka_unit_test(a_modern_document_has_its_members_in_order_and_the_payload_verbatim),
        cmocka_unit_test(a_document_of_0_x_is_of_its_context),
        cmocka_unit_test(a_document_in_a_list_is_indented_as_its_place_is),
        cmocka_unit_test(a_type_is_found_by_its_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
