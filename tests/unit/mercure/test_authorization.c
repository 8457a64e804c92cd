#include "mercure/authorization.h"

#include "base/buf.h"
#include "base/err.h"
#include "support/patterns.h"
#include "json/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TYPE "\"type\":\"" AUTHORIZATION_TYPE "\""
#define PUBLISH "\"actions\":[\"publish\"]"
#define SUBSCRIBE "\"actions\":[\"subscribe\"]"
// A detail to publish whose one topic has these members.
#define TOPIC(members) "[{" TYPE "," PUBLISH ",\"topics\":[{" members "}]}]"
// A detail with these members beside its type.
#define DETAIL(members) "[{" TYPE "," members "}]"

static int parse(struct str text, struct authorization **ret_authorization, enum authorization_reason *reterr)
{
    struct json *details;
    assert_int_equal(json_parse(&details, text, NULL), HUB_OK);
    int err = authorization_parse(ret_authorization, details, test_patterns(), reterr);
    json_free(details); // the result stands alone
    return err;
}

static struct authorization *grants_of(const char *text)
{
    struct authorization *authorization = NULL;
    enum authorization_reason reason = AUTHORIZATION_REASON_NONE;
    int err = parse(str_from_c(text), &authorization, &reason);
    if (err)
        print_error("%s: %s\n", text, authorization_reason_text(reason));
    assert_int_equal(err, HUB_OK);
    return authorization;
}

static void assert_refused(const char *text, enum authorization_reason expected)
{
    struct authorization *authorization = NULL;
    enum authorization_reason reason = AUTHORIZATION_REASON_NONE;
    int err = parse(str_from_c(text), &authorization, &reason);
    if (err != HUB_E_DENIED)
        print_error("not refused: %s\n", text);
    assert_int_equal(err, HUB_E_DENIED);
    assert_null(authorization);
    assert_string_equal(authorization_reason_text(reason), authorization_reason_text(expected));
}

static void assert_grants_nothing(const char *text)
{
    struct authorization *authorization = grants_of(text);
    assert_false(authorization_grants_publish(authorization, STR("a")));
    assert_false(authorization_grants_subscribe(authorization, STR("a")));
    assert_false(authorization->publish.all || authorization->subscribe.all);
    assert_int_equal(authorization->publish.exact_count, 0);
    assert_int_equal(authorization->subscribe.exact_count, 0);
    ref_put(&authorization->ref);
}

static void assert_publishes(const char *text, const char *topic)
{
    struct authorization *authorization = grants_of(text);
    assert_true(authorization_grants_publish(authorization, str_from_c(topic)));
    ref_put(&authorization->ref);
}

static void nothing_grants_nothing(void **state)
{
    (void)state;
    struct authorization *authorization;
    enum authorization_reason reason;
    assert_int_equal(authorization_parse(&authorization, NULL, test_patterns(), &reason), HUB_OK);
    assert_false(authorization_grants_subscribe(authorization, STR("a")));
    ref_put(&authorization->ref);
    assert_grants_nothing("null");
    assert_grants_nothing("[]");
    assert_grants_nothing("[null]");
}

static void an_action_is_granted_for_its_own_topics_only(void **state)
{
    (void)state;
    struct authorization *authorization =
        grants_of("[{" TYPE "," PUBLISH ",\"topics\":[{\"match\":\"p\"},{\"match\":\"both\"}]},"
                  "{" TYPE "," SUBSCRIBE ",\"topics\":[{\"match\":\"s\"}]},"
                  "{" TYPE ",\"actions\":[\"subscribe\",\"publish\"],\"topics\":[{\"match\":\"both\"}]}]");
    assert_true(authorization_grants_publish(authorization, STR("p")));
    assert_true(authorization_grants_publish(authorization, STR("both")));
    assert_false(authorization_grants_publish(authorization, STR("s")));
    assert_true(authorization_grants_subscribe(authorization, STR("s")));
    assert_true(authorization_grants_subscribe(authorization, STR("both")));
    assert_false(authorization_grants_subscribe(authorization, STR("p")));
    assert_int_equal(authorization->publish.exact_count, 2);
    assert_int_equal(authorization->subscribe.exact_count, 2);
    ref_put(&authorization->ref);
}

static void a_star_of_either_type_grants_every_topic(void **state)
{
    (void)state;
    assert_publishes(TOPIC("\"match\":\"*\""), "anything");
    assert_publishes(TOPIC("\"match\":\"*\",\"match_type\":\"exact\""), "anything");
    assert_publishes(TOPIC("\"match\":\"*\",\"match_type\":\"urlpattern\""), "anything");
    struct authorization *authorization = grants_of(TOPIC("\"match\":\"*\""));
    assert_true(authorization->publish.all);
    assert_false(authorization_grants_subscribe(authorization, STR("anything")));
    ref_put(&authorization->ref);
}

static void a_url_pattern_grants_what_it_matches(void **state)
{
    (void)state;
    struct authorization *authorization =
        grants_of(DETAIL(SUBSCRIBE ",\"topics\":[{\"match\":\"/b/:id\",\"match_type\":\"urlpattern\"},"
                                   "{\"match\":\"/a\",\"match_type\":\"urlpattern\"},{\"match\":\"/c\"}]"));
    assert_true(authorization_grants_subscribe(authorization, STR("/a")));
    assert_true(authorization_grants_subscribe(authorization, STR("https://hub.example/b/1")));
    assert_false(authorization_grants_subscribe(authorization, STR("/b/1/2")));
    assert_true(authorization_grants_subscribe(authorization, STR("/c")));
    assert_false(authorization_grants_subscribe(authorization, STR("https://hub.example/c")));
    assert_int_equal(authorization->subscribe.pattern_count, 2);
    ref_put(&authorization->ref);
}

static void a_url_pattern_that_does_not_compile_refuses_the_token(void **state)
{
    (void)state;
    assert_refused(DETAIL(SUBSCRIBE ",\"topics\":[{\"match\":\"/(\",\"match_type\":\"urlpattern\"}]"),
                   AUTHORIZATION_REASON_PATTERN);
}

static void the_details_are_a_list_of_objects(void **state)
{
    (void)state;
    assert_refused("{}", AUTHORIZATION_REASON_LIST);
    assert_refused("\"text\"", AUTHORIZATION_REASON_LIST);
    assert_refused("true", AUTHORIZATION_REASON_LIST);
    assert_refused("[1]", AUTHORIZATION_REASON_ELEMENT);
    assert_refused("[[]]", AUTHORIZATION_REASON_ELEMENT);
    assert_refused("[\"" AUTHORIZATION_TYPE "\"]", AUTHORIZATION_REASON_ELEMENT);
    assert_refused("[{\"type\":1}]", AUTHORIZATION_REASON_TYPE);
    assert_refused("[{\"type\":null}]", AUTHORIZATION_REASON_TYPE);
}

static void details_of_other_types_are_skipped_unseen(void **state)
{
    (void)state;
    assert_grants_nothing("[{}]");
    assert_grants_nothing("[{\"actions\":7,\"topics\":[{\"match\":\"a\"}]}]");
    assert_grants_nothing("[{\"type\":\"payment\",\"actions\":{},\"topics\":null}]");
    assert_grants_nothing("[{\"type\":\"" AUTHORIZATION_TYPE "/\",\"actions\":[\"publish\"],"
                          "\"topics\":[{\"match\":\"a\"}]}]");
    assert_grants_nothing(
        "[{\"type\":\"HTTPS://mercure.rocks/authorization-detail\",\"actions\":[\"publish\"],"
        "\"topics\":[{\"match\":\"a\"}]}]");
    assert_grants_nothing("[{\"Type\":\"" AUTHORIZATION_TYPE "\",\"actions\":[\"publish\"],"
                          "\"topics\":[{\"match\":\"a\"}]}]");
}

static void actions_are_at_least_one_string(void **state)
{
    (void)state;
    assert_refused(DETAIL("\"topics\":[{\"match\":\"a\"}]"), AUTHORIZATION_REASON_ACTIONS);
    assert_refused(DETAIL("\"actions\":null,\"topics\":[{\"match\":\"a\"}]"), AUTHORIZATION_REASON_ACTIONS);
    assert_refused(DETAIL("\"actions\":[],\"topics\":[{\"match\":\"a\"}]"), AUTHORIZATION_REASON_ACTIONS);
    assert_refused(DETAIL("\"actions\":\"publish\",\"topics\":[{\"match\":\"a\"}]"),
                   AUTHORIZATION_REASON_ACTIONS);
    assert_refused(DETAIL("\"actions\":{\"a\":\"publish\"},\"topics\":[{\"match\":\"a\"}]"),
                   AUTHORIZATION_REASON_ACTIONS);
    assert_refused(DETAIL("\"actions\":[\"publish\",1],\"topics\":[{\"match\":\"a\"}]"),
                   AUTHORIZATION_REASON_ACTIONS);
}

static void unknown_actions_grant_nothing(void **state)
{
    (void)state;
    assert_grants_nothing(
        DETAIL("\"actions\":[\"delete\",\"Publish\",\"*\",\"\"],\"topics\":[{\"match\":\"a\"}]"));
    assert_publishes(DETAIL("\"actions\":[\"delete\",\"publish\"],\"topics\":[{\"match\":\"a\"}]"), "a");
    assert_refused(DETAIL("\"actions\":[\"delete\"],\"topics\":[]"), AUTHORIZATION_REASON_TOPICS);
}

static void topics_are_at_least_one_object(void **state)
{
    (void)state;
    assert_refused(DETAIL(PUBLISH), AUTHORIZATION_REASON_TOPICS);
    assert_refused(DETAIL(PUBLISH ",\"topics\":null"), AUTHORIZATION_REASON_TOPICS);
    assert_refused(DETAIL(PUBLISH ",\"topics\":[]"), AUTHORIZATION_REASON_TOPICS);
    assert_refused(DETAIL(PUBLISH ",\"topics\":\"*\""), AUTHORIZATION_REASON_TOPICS);
    assert_refused(DETAIL(PUBLISH ",\"topics\":{\"match\":\"*\"}"), AUTHORIZATION_REASON_TOPICS);
    assert_refused(DETAIL(PUBLISH ",\"topics\":[\"*\"]"), AUTHORIZATION_REASON_TOPIC);
    assert_refused(DETAIL(PUBLISH ",\"topics\":[null]"), AUTHORIZATION_REASON_TOPIC);
    assert_refused(DETAIL(PUBLISH ",\"topics\":[7]"), AUTHORIZATION_REASON_TOPIC);
}

static void a_match_is_a_text_that_is_not_empty(void **state)
{
    (void)state;
    assert_refused(TOPIC(""), AUTHORIZATION_REASON_MATCH);
    assert_refused(TOPIC("\"match\":null"), AUTHORIZATION_REASON_MATCH);
    assert_refused(TOPIC("\"match\":\"\""), AUTHORIZATION_REASON_MATCH);
    assert_refused(TOPIC("\"match\":[\"a\"]"), AUTHORIZATION_REASON_MATCH);
    assert_refused(TOPIC("\"Match\":\"a\""), AUTHORIZATION_REASON_MATCH);
    assert_publishes(TOPIC("\"match\":\"a\",\"other\":[1]"), "a");
}

static void a_match_has_no_invisible_characters(void **state)
{
    (void)state;
    assert_refused(TOPIC("\"match\":\"a\\u0000\""), AUTHORIZATION_REASON_MATCH_CHARS);
    assert_refused(TOPIC("\"match\":\"a\\n\""), AUTHORIZATION_REASON_MATCH_CHARS);
    assert_refused(TOPIC("\"match\":\"\\u007f\""), AUTHORIZATION_REASON_MATCH_CHARS);
    assert_refused(TOPIC("\"match\":\"\\u0085\""), AUTHORIZATION_REASON_MATCH_CHARS);
    assert_refused(TOPIC("\"match\":\"a\\u200b\""), AUTHORIZATION_REASON_MATCH_CHARS);
    assert_publishes(TOPIC("\"match\":\"\\u00e9 \\ufffd\""), "\xc3\xa9 \xef\xbf\xbd");
}

static void a_match_type_is_exact_or_urlpattern(void **state)
{
    (void)state;
    assert_publishes(TOPIC("\"match\":\"a\",\"match_type\":null"), "a");
    assert_publishes(TOPIC("\"match\":\"a\",\"match_type\":\"\""), "a");
    assert_publishes(TOPIC("\"match\":\"a\",\"match_type\":\"exact\""), "a");
    assert_refused(TOPIC("\"match\":\"a\",\"match_type\":\"Exact\""), AUTHORIZATION_REASON_MATCH_TYPE);
    assert_refused(TOPIC("\"match\":\"a\",\"match_type\":\"URLPattern\""), AUTHORIZATION_REASON_MATCH_TYPE);
    assert_refused(TOPIC("\"match\":\"a\",\"match_type\":\"uri-template\""), AUTHORIZATION_REASON_MATCH_TYPE);
    assert_refused(TOPIC("\"match\":\"*\",\"match_type\":\"regexp\""), AUTHORIZATION_REASON_MATCH_TYPE);
    assert_refused(TOPIC("\"match\":\"a\",\"match_type\":1"), AUTHORIZATION_REASON_MATCH_TYPE);
    assert_refused(TOPIC("\"match\":\"a\",\"match_type\":false"), AUTHORIZATION_REASON_MATCH_TYPE);
}

static void one_bad_detail_refuses_all(void **state)
{
    (void)state;
    assert_refused("[{" TYPE "," PUBLISH ",\"topics\":[{\"match\":\"a\"}]},{" TYPE "}]",
                   AUTHORIZATION_REASON_ACTIONS);
    assert_refused(DETAIL(PUBLISH ",\"topics\":[{\"match\":\"a\"},{}]"), AUTHORIZATION_REASON_MATCH);
}

static void a_match_may_be_as_long_as_the_limit(void **state)
{
    (void)state;
    for (size_t len = AUTHORIZATION_MATCH_MAX; len <= AUTHORIZATION_MATCH_MAX + 1; len++) {
        struct buf text;
        buf_init(&text, 8192);
        buf_append_str(&text, STR("[{" TYPE "," PUBLISH ",\"topics\":[{\"match\":\""));
        for (size_t i = 0; i < len; i++)
            buf_append_c(&text, 'a');
        buf_append_str(&text, STR("\"}]}]"));
        if (len > AUTHORIZATION_MATCH_MAX) {
            assert_refused(buf_c(&text), AUTHORIZATION_REASON_MATCH_SIZE);
        } else {
            struct authorization *authorization = grants_of(buf_c(&text));
            assert_int_equal(authorization->publish.exact[0].len, len);
            ref_put(&authorization->ref);
        }
        buf_done(&text);
    }
}

// `details` details of `topics` topics each, all different.
static struct buf many(size_t details, size_t topics)
{
    struct buf text;
    buf_init(&text, 1 << 17);
    for (size_t i = 0; i < details; i++) {
        buf_append_str(&text, i == 0 ? STR("[") : STR(","));
        buf_append_str(&text, STR("{" TYPE "," SUBSCRIBE ",\"topics\":["));
        for (size_t j = 0; j < topics; j++)
            buf_printf(&text, "%s{\"match\":\"t%zu\"}", j == 0 ? "" : ",", i * topics + j);
        buf_append_str(&text, STR("]}"));
    }
    buf_append_str(&text, STR(",{\"type\":\"foreign\"}]")); // does not count
    return text;
}

static void assert_many(size_t details, size_t topics, enum authorization_reason expected)
{
    struct buf text = many(details, topics);
    if (expected != AUTHORIZATION_REASON_NONE) {
        assert_refused(buf_c(&text), expected);
    } else {
        struct authorization *authorization = grants_of(buf_c(&text));
        assert_int_equal(authorization->subscribe.exact_count, details * topics);
        ref_put(&authorization->ref);
    }
    buf_done(&text);
}

static void there_are_at_most_a_hundred_details_and_topics(void **state)
{
    (void)state;
    assert_many(100, 1, AUTHORIZATION_REASON_NONE);
    assert_many(1, 100, AUTHORIZATION_REASON_NONE);
    assert_many(4, 25, AUTHORIZATION_REASON_NONE);
    assert_many(101, 1, AUTHORIZATION_REASON_DETAIL_COUNT);
    assert_many(1, 101, AUTHORIZATION_REASON_TOPIC_COUNT);
    assert_many(3, 34, AUTHORIZATION_REASON_TOPIC_COUNT);
}

static void equal_topics_count_each_time(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, 1 << 16);
    buf_append_str(&text, STR("[{" TYPE "," SUBSCRIBE ",\"topics\":[{\"match\":\"a\"}"));
    for (size_t i = 1; i < AUTHORIZATION_TOPICS_MAX; i++)
        buf_append_str(&text, STR(",{\"match\":\"a\"}"));
    size_t len = text.len;
    buf_append_str(&text, STR("]}]"));
    struct authorization *authorization = grants_of(buf_c(&text));
    assert_int_equal(authorization->subscribe.exact_count, 1);
    ref_put(&authorization->ref);
    text.len = len;
    buf_append_str(&text, STR(",{\"match\":\"a\"}]}]"));
    assert_refused(buf_c(&text), AUTHORIZATION_REASON_TOPIC_COUNT);
    buf_done(&text);
}

static void assert_payload(const struct authorization *authorization, const char *pattern,
                           const char *expected)
{
    struct str payload = authorization_payload(authorization, str_from_c(pattern));
    if (!expected) {
        assert_null(payload.ptr);
        return;
    }
    assert_int_equal(payload.len, strlen(expected));
    assert_memory_equal(payload.ptr, expected, payload.len);
}

static void the_payload_is_that_of_the_first_detail_that_grants(void **state)
{
    (void)state;
    struct authorization *authorization = grants_of(
        "[{" TYPE "," PUBLISH ",\"topics\":[{\"match\":\"z\"}],\"payload\":{\"not\":\"this\"}},"
        "{" TYPE "," SUBSCRIBE ",\"topics\":[{\"match\":\"z\"},{\"match\":\"a\"}],\"payload\":{ \"n\" : 1 }},"
        "{" TYPE "," SUBSCRIBE ",\"topics\":[{\"match\":\"b\"}]},"
        "{" TYPE "," SUBSCRIBE ",\"topics\":[{\"match\":\"*\"}],\"payload\":{\"n\":[2,\"\\u00e9\"]}},"
        "{" TYPE "," SUBSCRIBE ",\"topics\":[{\"match\":\"c\"}],\"payload\":{\"n\":3}}]");
    assert_int_equal(authorization->detail_count, 4);
    assert_payload(authorization, "a", "{\"n\":1}");
    assert_payload(authorization, "z", "{\"n\":1}");
    assert_payload(authorization, "b", NULL); // found without one: the later details are not asked
    assert_payload(authorization, "c", "{\"n\":[2,\"\xc3\xa9\"]}");
    assert_payload(authorization, "*", "{\"n\":[2,\"\xc3\xa9\"]}");
    ref_put(&authorization->ref);
}

static void a_payload_is_an_object_or_null(void **state)
{
    (void)state;
    assert_refused(DETAIL(SUBSCRIBE ",\"topics\":[{\"match\":\"a\"}],\"payload\":1"),
                   AUTHORIZATION_REASON_PAYLOAD);
    assert_refused(DETAIL(SUBSCRIBE ",\"topics\":[{\"match\":\"a\"}],\"payload\":[]"),
                   AUTHORIZATION_REASON_PAYLOAD);
    assert_refused(DETAIL(PUBLISH ",\"topics\":[{\"match\":\"a\"}],\"payload\":\"x\""),
                   AUTHORIZATION_REASON_PAYLOAD);
    struct authorization *authorization =
        grants_of(DETAIL(SUBSCRIBE ",\"topics\":[{\"match\":\"a\"}],\"payload\":null"));
    assert_payload(authorization, "a", NULL);
    ref_put(&authorization->ref);
    authorization = grants_of(DETAIL(SUBSCRIBE ",\"topics\":[{\"match\":\"a\"}],\"payload\":{}"));
    assert_payload(authorization, "a", "{}");
    assert_payload(authorization, "b", NULL);
    ref_put(&authorization->ref);
}

static void assert_shared(const char *a, const char *b, bool expected)
{
    struct authorization *left = grants_of(a);
    struct authorization *right = grants_of(b);
    assert_int_equal(authorization_equal(left, right), expected);
    assert_int_equal(authorization_equal(right, left), expected);
    assert_int_equal(authorization_hash(left) == authorization_hash(right), expected);
    ref_put(&left->ref);
    ref_put(&right->ref);
}

#define TOPICS_AB "\"topics\":[{\"match\":\"a\"},{\"match\":\"b\"}]"

static void what_grants_the_same_is_equal(void **state)
{
    (void)state;
    const char *ab = DETAIL(SUBSCRIBE "," TOPICS_AB);
    assert_shared(ab, ab, true);
    assert_shared(ab, DETAIL(SUBSCRIBE ",\"topics\":[{\"match\":\"b\"},{\"match\":\"a\"},{\"match\":\"b\"}]"),
                  true);
    assert_shared(ab,
                  "[{" TYPE "," SUBSCRIBE ",\"topics\":[{\"match\":\"b\"}]},"
                  "{" TYPE ",\"actions\":[\"publish\",\"subscribe\"],\"topics\":[{\"match\":\"a\"}]}]",
                  true);
    assert_shared(ab, DETAIL(SUBSCRIBE "," TOPICS_AB ",\"payload\":{\"user\":1}"), true);
    assert_shared(ab, DETAIL(SUBSCRIBE ",\"topics\":[{\"match\":\"a\"}]"), false);
    assert_shared(ab, DETAIL(SUBSCRIBE ",\"topics\":[{\"match\":\"a\"},{\"match\":\"c\"}]"), false);
    assert_shared(
        ab,
        DETAIL(SUBSCRIBE ",\"topics\":[{\"match\":\"a\"},{\"match\":\"b\",\"match_type\":\"urlpattern\"}]"),
        false);
    assert_shared(ab, DETAIL(PUBLISH "," TOPICS_AB), false);
    assert_shared(
        DETAIL(SUBSCRIBE ",\"topics\":[{\"match\":\"*\"}]"),
        DETAIL(SUBSCRIBE ",\"topics\":[{\"match\":\"a\"},{\"match\":\"*\",\"match_type\":\"urlpattern\"}]"),
        true);
    assert_shared("null", DETAIL(PUBLISH "," TOPICS_AB), true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_grants_nothing),
        cmocka_unit_test(an_action_is_granted_for_its_own_topics_only),
        cmocka_unit_test(a_star_of_either_type_grants_every_topic),
        cmocka_unit_test(a_url_pattern_grants_what_it_matches),
        cmocka_unit_test(a_url_pattern_that_does_not_compile_refuses_the_token),
        cmocka_unit_test(the_details_are_a_list_of_objects),
        cmocka_unit_test(details_of_other_types_are_skipped_unseen),
        cmocka_unit_test(actions_are_at_least_one_string),
        cmocka_unit_test(unknown_actions_grant_nothing),
        cmocka_unit_test(topics_are_at_least_one_object),
        cmocka_unit_test(a_match_is_a_text_that_is_not_empty),
        cmocka_unit_test(a_match_has_no_invisible_characters),
        cmocka_unit_test(a_match_type_is_exact_or_urlpattern),
        cmocka_unit_test(one_bad_detail_refuses_all),
        cmocka_unit_test(a_match_may_be_as_long_as_the_limit),
        cmocka_unit_test(there_are_at_most_a_hundred_details_and_topics),
        cmocka_unit_test(equal_topics_count_each_time),
        cmocka_unit_test(the_payload_is_that_of_the_first_detail_that_grants),
        cmocka_unit_test(a_payload_is_an_object_or_null),
        cmocka_unit_test(what_grants_the_same_is_equal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
