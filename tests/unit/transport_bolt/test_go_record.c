#include "base/err.h"
#include "mercure/update.h"
#include "transport/bolt/go_record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define KEY STR("\0\0\0\0\0\0\0\7key-id")
#define TOPICS "\"Topics\":[\"https://example.com/a\"]"

static int setup(void **state)
{
    struct go_reader *reader = malloc(sizeof(*reader));
    assert_non_null(reader);
    assert_int_equal(go_reader_init(reader), HUB_OK);
    *state = reader;
    return 0;
}

static int teardown(void **state)
{
    go_reader_done(*state);
    free(*state);
    return 0;
}

static struct update *accept(struct go_reader *reader, const char *value)
{
    struct update *update = NULL;
    enum go_record_fault fault;
    if (go_reader_update(reader, KEY, str_from_c(value), 42, &update, &fault) != HUB_OK)
        fail_msg("%s: %s", value, go_record_fault_text(fault));
    return update;
}

static void expect_fault(struct go_reader *reader, const char *value, enum go_record_fault expected)
{
    struct update *update;
    enum go_record_fault fault;
    assert_int_equal(go_reader_update(reader, KEY, str_from_c(value), 42, &update, &fault), HUB_E_INVALID);
    if (fault != expected)
        fail_msg("%s: %s", value, go_record_fault_text(fault));
}

static void expect_frame(struct go_reader *reader, const char *value, const char *frame)
{
    struct update *update = accept(reader, value);
    assert_int_equal(update->record.frame.len, strlen(frame));
    assert_memory_equal(update->record.frame.ptr, frame, strlen(frame));
    assert_int_equal(update->record.time_ms, 42);
    ref_put(&update->ref);
}

static void members_come_in_any_order_and_case(void **state)
{
    expect_frame(*state,
                 "{\"Data\":\"d\",\"ID\":\"i\",\"Type\":\"t\",\"Retry\":3," TOPICS
                 ",\"Private\":false,\"Debug\":true}",
                 "event: t\nretry: 3\nid: i\ndata: d\n\n");
    expect_frame(*state,
                 "{" TOPICS
                 ",\"Private\":false,\"Debug\":true,\"Data\":\"d\",\"ID\":\"i\",\"Type\":\"t\",\"Retry\":3}",
                 "event: t\nretry: 3\nid: i\ndata: d\n\n");
    expect_frame(*state, "{\"data\":\"d\",\"iD\":\"i\",\"TOPICS\":[\"a\"]}", "id: i\ndata: d\n\n");
    expect_frame(*state, "{\"data\":\"other\",\"Data\":\"exact\",\"ID\":\"i\"," TOPICS "}",
                 "id: i\ndata: exact\n\n");
}

static void what_is_missing_is_as_go_has_it(void **state)
{
    expect_frame(*state, "{" TOPICS "}", "id: key-id\ndata: \n\n");
    expect_frame(*state,
                 "{\"Data\":null,\"ID\":null,\"Type\":null,\"Retry\":null,\"Private\":null," TOPICS "}",
                 "id: key-id\ndata: \n\n");
    expect_frame(*state, "{\"ID\":\"i\",\"Retry\":1e99," TOPICS "}", "id: i\ndata: \n\n");
}

static void topics_and_privacy_are_kept(void **state)
{
    struct update *update =
        accept(*state, "{\"ID\":\"i\",\"Private\":true,\"Topics\":[\"https://example.com/\\u00fc\",\"b\"]}");
    struct record_topics walk = {0};
    struct str topic;
    uint32_t hash;
    assert_int_equal(update->record.flags, RECORD_PRIVATE);
    assert_int_equal(update->record.topic_count, 2);
    assert_true(record_next_topic(&update->record, &walk, &topic, &hash));
    assert_true(str_eq(topic, STR("https://example.com/ü")));
    assert_true(record_next_topic(&update->record, &walk, &topic, &hash));
    assert_true(str_eq(topic, STR("b")));
    ref_put(&update->ref);
    update = accept(*state, "{\"ID\":\"i\"," TOPICS "}");
    assert_int_equal(update->record.flags, 0);
    ref_put(&update->ref);
}

static void lines_of_data_stay_lines(void **state)
{
    expect_frame(*state, "{\"ID\":\"i\",\"Data\":\"a\\nb\\r\\nid: forged\"," TOPICS "}",
                 "id: i\ndata: a\ndata: b\ndata: id: forged\n\n");
}

static void what_is_no_update_is_told_apart(void **state)
{
    static const char *const values[] = {
        "",
        "x",
        "[]",
        "{",
        "{\"Data\":1," TOPICS "}",
        "{\"ID\":[]," TOPICS "}",
        "{\"Type\":{}," TOPICS "}",
        "{\"Retry\":\"1\"," TOPICS "}",
        "{\"Private\":\"yes\"," TOPICS "}",
        "{\"Private\":1," TOPICS "}",
        "{\"Topics\":\"a\"}",
        "{\"Topics\":[1]}",
        "{" TOPICS "} x",
        "{\"Data\":\"\xff\"," TOPICS "}",
    };
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        expect_fault(*state, values[i], GO_RECORD_FAULT_JSON);
}

static void what_would_harm_somebody_is_refused(void **state)
{
    expect_fault(*state, "{}", GO_RECORD_FAULT_TOPICS);
    expect_fault(*state, "{\"Topics\":null}", GO_RECORD_FAULT_TOPICS);
    expect_fault(*state, "{\"Topics\":[\"a\\nb\"]}", GO_RECORD_FAULT_TOPIC_CHARS);
    expect_fault(*state, "{\"Topics\":[\"/.well-known/mercure/subscriptions/a/b\"]}",
                 GO_RECORD_FAULT_RESERVED);
    expect_fault(*state, "{\"Topics\":[\"a\",\"https://x.example/%2ewell-known/mercure\"]}",
                 GO_RECORD_FAULT_RESERVED);
    expect_fault(*state, "{\"ID\":\"a\\nb\"," TOPICS "}", GO_RECORD_FAULT_ID);
    expect_fault(*state, "{\"ID\":\"a\\u0000\"," TOPICS "}", GO_RECORD_FAULT_ID);
    expect_fault(*state, "{\"ID\":\"a\\u0001\"," TOPICS "}", GO_RECORD_FAULT_ID);
    expect_fault(*state, "{\"ID\":\"a\\u007f\"," TOPICS "}", GO_RECORD_FAULT_ID);
    expect_fault(*state, "{\"Type\":\"a\\rb\"," TOPICS "}", GO_RECORD_FAULT_TYPE);
    expect_fault(*state, "{\"Type\":\"mercure\"," TOPICS "}", GO_RECORD_FAULT_TYPE);
    expect_fault(*state, "{\"Targets\":{\"a\":{}}," TOPICS "}", GO_RECORD_FAULT_TARGETS);
    struct update *update;
    enum go_record_fault fault;
    assert_int_equal(go_reader_update(*state, STR("short"), STR("{}"), 1, &update, &fault), HUB_E_INVALID);
    assert_int_equal(fault, GO_RECORD_FAULT_KEY);
    assert_int_equal(go_reader_update(*state, str_slice(KEY, 0, 8), STR("{" TOPICS "}"), 1, &update, &fault),
                     HUB_E_INVALID);
    assert_int_equal(fault, GO_RECORD_FAULT_ID);
}

static void what_harms_nobody_is_kept_though_it_breaks_a_rule_of_today(void **state)
{
    expect_frame(*state, "{\"ID\":\"#5\"," TOPICS "}", "id: #5\ndata: \n\n");
    expect_frame(*state, "{\"ID\":\"earliest\"," TOPICS "}", "id: earliest\ndata: \n\n");
    expect_frame(*state, "{\"ID\":\"a\\tb\"," TOPICS "}", "id: a\tb\ndata: \n\n");
    expect_frame(*state, "{\"ID\":\"i\",\"Topics\":[\"*\"]}", "id: i\ndata: \n\n");
    expect_frame(*state, "{\"ID\":\"i\",\"Targets\":{}," TOPICS "}", "id: i\ndata: \n\n");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(members_come_in_any_order_and_case),
        TEST(what_is_missing_is_as_go_has_it),
        TEST(topics_and_privacy_are_kept),
        TEST(lines_of_data_stay_lines),
        TEST(what_is_no_update_is_told_apart),
        TEST(what_would_harm_somebody_is_refused),
        TEST(what_harms_nobody_is_kept_though_it_breaks_a_rule_of_today),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
