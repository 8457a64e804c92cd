#include "sse/encode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void assert_frame(struct sse_event event, const char *expected)
{
    size_t size = sse_frame_size(&event);
    char *frame = malloc(size + 1);
    assert_non_null(frame);
    frame[size] = '\0';
    sse_frame_write(frame, &event);
    assert_int_equal(size, strlen(expected));
    assert_string_equal(frame, expected);
    free(frame);
}

static void an_event_of_the_default_type_has_an_id_and_data(void **state)
{
    (void)state;
    assert_frame((struct sse_event){.id = STR("urn:uuid:1"), .data = STR("hello")},
                 "id: urn:uuid:1\ndata: hello\n\n");
}

static void all_fields_come_in_the_specified_order(void **state)
{
    (void)state;
    assert_frame((struct sse_event){.type = STR("ping"), .id = STR("7"), .data = STR("x"), .retry_ms = 1500},
                 "event: ping\nretry: 1500\nid: 7\ndata: x\n\n");
}

static void the_largest_retry_is_written_in_full(void **state)
{
    (void)state;
    assert_frame((struct sse_event){.id = STR("7"), .data = STR("x"), .retry_ms = UINT64_MAX},
                 "retry: 18446744073709551615\nid: 7\ndata: x\n\n");
}

static void absent_data_still_makes_one_data_line(void **state)
{
    (void)state;
    assert_frame((struct sse_event){.id = STR("a")}, "id: a\ndata: \n\n");
    assert_frame((struct sse_event){.id = STR("a"), .data = STR("")}, "id: a\ndata: \n\n");
}

static void every_kind_of_line_end_starts_a_data_line(void **state)
{
    (void)state;
    assert_frame((struct sse_event){.id = STR("a"), .data = STR("several\nlines\rwith\r\neol")},
                 "id: a\ndata: several\ndata: lines\ndata: with\ndata: eol\n\n");
}

static void line_ends_at_the_edges_make_empty_lines(void **state)
{
    (void)state;
    assert_frame((struct sse_event){.id = STR("a"), .data = STR("\n")}, "id: a\ndata: \ndata: \n\n");
    assert_frame((struct sse_event){.id = STR("a"), .data = STR("\r")}, "id: a\ndata: \ndata: \n\n");
    assert_frame((struct sse_event){.id = STR("a"), .data = STR("\r\n")}, "id: a\ndata: \ndata: \n\n");
    assert_frame((struct sse_event){.id = STR("a"), .data = STR("\n\r")},
                 "id: a\ndata: \ndata: \ndata: \n\n");
    assert_frame((struct sse_event){.id = STR("a"), .data = STR("\r\r\n\n")},
                 "id: a\ndata: \ndata: \ndata: \ndata: \n\n");
}

static void spaces_and_colons_in_data_are_kept(void **state)
{
    (void)state;
    assert_frame((struct sse_event){.id = STR("a"), .data = STR("  two: \n: no comment")},
                 "id: a\ndata:   two: \ndata: : no comment\n\n");
}

static void a_nul_in_data_is_kept(void **state)
{
    (void)state;
    struct sse_event event = {.id = STR("a"), .data = STR("x\0y")};
    char frame[32];
    assert_int_equal(sse_frame_size(&event), 17);
    sse_frame_write(frame, &event);
    assert_memory_equal(frame, "id: a\ndata: x\0y\n\n", 17);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_of_the_default_type_has_an_id_and_data),
        cmocka_unit_test(all_fields_come_in_the_specified_order),
        cmocka_unit_test(the_largest_retry_is_written_in_full),
        cmocka_unit_test(absent_data_still_makes_one_data_line),
        cmocka_unit_test(every_kind_of_line_end_starts_a_data_line),
        cmocka_unit_test(line_ends_at_the_edges_make_empty_lines),
        cmocka_unit_test(spaces_and_colons_in_data_are_kept),
        cmocka_unit_test(a_nul_in_data_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
