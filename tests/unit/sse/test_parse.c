#include "base/err.h"
#include "sse/encode.h"
#include "sse/parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MAX 64

// What came, one line an event: type|id|data|retry
struct seen {
    struct buf text;
    struct sse_parser parser;
};

static void see(void *arg, const struct sse_event *event)
{
    struct seen *seen = arg;
    buf_printf(&seen->text, "%.*s|%.*s|", STR_ARG(event->type), STR_ARG(event->id));
    buf_append_str(&seen->text, event->data);
    buf_printf(&seen->text, "|%llu\n", (unsigned long long)event->retry_ms);
}

static int set_up(void **state)
{
    struct seen *seen = calloc(1, sizeof(*seen));
    if (!seen)
        return -1;
    buf_init(&seen->text, 4096);
    sse_parser_init(&seen->parser, MAX, see, seen);
    *state = seen;
    return 0;
}

static int tear_down(void **state)
{
    struct seen *seen = *state;
    buf_done(&seen->text);
    sse_parser_done(&seen->parser);
    free(seen);
    return 0;
}

// Feeds the text whole, then byte by byte, each to a fresh stream: both must give the same.
static void assert_events(void **state, struct str stream, const char *expected)
{
    struct seen *seen = *state;
    assert_int_equal(sse_parser_feed(&seen->parser, stream), HUB_OK);
    assert_string_equal(buf_c(&seen->text), expected);
    assert_int_equal(tear_down(state), 0);
    assert_int_equal(set_up(state), 0);
    seen = *state;
    for (size_t i = 0; i < stream.len; i++)
        assert_int_equal(sse_parser_feed(&seen->parser, str_slice(stream, i, i + 1)), HUB_OK);
    assert_string_equal(buf_c(&seen->text), expected);
}

static void an_event_ends_with_a_blank_line(void **state)
{
    assert_events(state, STR("data: a\n\ndata: not complete\n"), "||a|0\n");
}

static void all_three_line_ends_are_understood(void **state)
{
    assert_events(state, STR("data: a\rdata: b\r\rdata: c\r\n\r\ndata: d\n\n"), "||a\nb|0\n||c|0\n||d|0\n");
}

static void a_carriage_return_ends_an_event_before_its_line_feed_comes(void **state)
{
    struct seen *seen = *state;
    assert_int_equal(sse_parser_feed(&seen->parser, STR("data: a\r\n\r")), HUB_OK);
    assert_string_equal(buf_c(&seen->text), "||a|0\n");
    assert_int_equal(sse_parser_feed(&seen->parser, STR("\ndata: b\n\n")), HUB_OK);
    assert_string_equal(buf_c(&seen->text), "||a|0\n||b|0\n");
}

static void one_space_behind_the_colon_is_taken_off(void **state)
{
    assert_events(state, STR("data:a\n\ndata:  b\n\ndata:\n\ndata\n\n"), "||a|0\n|| b|0\n|||0\n|||0\n");
}

static void comments_and_unknown_fields_are_ignored(void **state)
{
    assert_events(state, STR(":\n: x\ndat: y\n data: z\ndata: a\n:\n\n"), "||a|0\n");
}

static void a_block_without_data_is_no_event_but_sets_the_id(void **state)
{
    assert_events(state, STR("event: x\nid: 7\n\ndata: a\n\n"), "|7|a|0\n");
}

static void an_id_holds_until_the_next_and_a_type_does_not(void **state)
{
    assert_events(state, STR("event: x\nid: 7\ndata: a\n\ndata: b\n\nid\ndata: c\n\n"),
                  "x|7|a|0\n|7|b|0\n||c|0\n");
}

static void an_id_with_a_nul_is_ignored(void **state)
{
    assert_events(state, STR("id: 7\ndata: a\n\nid: 8\0\ndata: b\n\n"), "|7|a|0\n|7|b|0\n");
}

static void retry_takes_digits_only(void **state)
{
    assert_events(state, STR("retry: 10\ndata: a\n\nretry: 2s\ndata: b\n\nretry:\ndata: c\n\n"),
                  "||a|10\n||b|10\n||c|10\n");
}

static void one_byte_order_mark_is_skipped(void **state)
{
    assert_events(state,
                  STR("\xEF\xBB\xBF"
                      "data: a\n\n"),
                  "||a|0\n");
}

static void a_second_byte_order_mark_belongs_to_the_line(void **state)
{
    assert_events(state,
                  STR("\xEF\xBB\xBF\xEF\xBB\xBF"
                      "data: a\ndata: b\n\n"),
                  "||b|0\n");
}

static void half_a_byte_order_mark_belongs_to_the_line(void **state)
{
    assert_events(state,
                  STR("\xEF\xBB"
                      "data: a\ndata: b\n\n"),
                  "||b|0\n");
}

static void an_incomplete_event_does_not_survive_a_reconnect(void **state)
{
    struct seen *seen = *state;
    struct sse_parser *parser = &seen->parser;
    assert_int_equal(sse_parser_feed(parser, STR("id: 1\nretry: 5\ndata: a\n\nid: 2\ndata: lo")), HUB_OK);
    assert_true(str_eq(buf_str(&parser->id), STR("1")));
    sse_parser_restart(parser);
    assert_int_equal(sse_parser_feed(parser, STR("data: b\n\n")), HUB_OK);
    assert_string_equal(buf_c(&seen->text), "|1|a|5\n|1|b|5\n");
}

static void lines_and_events_are_bounded(void **state)
{
    struct seen *seen = *state;
    struct sse_parser *parser = &seen->parser;
    char line[MAX + 1];
    memset(line, 'x', sizeof(line));
    assert_int_equal(sse_parser_feed(parser, str_make(line, MAX)), HUB_OK);
    assert_int_equal(sse_parser_feed(parser, str_make(line, 1)), HUB_E_TOO_BIG);
    sse_parser_restart(parser);
    for (int i = 0; i < MAX / 2; i++)
        assert_int_equal(sse_parser_feed(parser, STR("data: x\n")), HUB_OK);
    assert_int_equal(sse_parser_feed(parser, STR("data: x\n")), HUB_E_TOO_BIG);
    assert_int_equal(seen->text.len, 0);
}

static void what_the_encoder_writes_is_read_back(void **state)
{
    struct seen *seen = *state;
    struct sse_event event = {.type = STR("t"), .id = STR("i"), .data = STR("a\r\n\rb\n"), .retry_ms = 9};
    char frame[128];
    size_t size = sse_frame_size(&event);
    assert_true(size <= sizeof(frame));
    sse_frame_write(frame, &event);
    assert_int_equal(sse_parser_feed(&seen->parser, str_make(frame, size)), HUB_OK);
    assert_string_equal(buf_c(&seen->text), "t|i|a\n\nb\n|9\n");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_event_ends_with_a_blank_line),
        TEST(all_three_line_ends_are_understood),
        TEST(a_carriage_return_ends_an_event_before_its_line_feed_comes),
        TEST(one_space_behind_the_colon_is_taken_off),
        TEST(comments_and_unknown_fields_are_ignored),
        TEST(a_block_without_data_is_no_event_but_sets_the_id),
        TEST(an_id_holds_until_the_next_and_a_type_does_not),
        TEST(an_id_with_a_nul_is_ignored),
        TEST(retry_takes_digits_only),
        TEST(one_byte_order_mark_is_skipped),
        TEST(a_second_byte_order_mark_belongs_to_the_line),
        TEST(half_a_byte_order_mark_belongs_to_the_line),
        TEST(an_incomplete_event_does_not_survive_a_reconnect),
        TEST(lines_and_events_are_bounded),
        TEST(what_the_encoder_writes_is_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
