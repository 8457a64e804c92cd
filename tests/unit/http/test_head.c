#include "http/head.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define MAX 256

// Whole, and byte by byte until a result comes: both must say the same.
static struct http_head_scan assert_scan(struct str bytes, enum http_head_result expected)
{
    struct http_head_scan whole = {0};
    assert_int_equal(http_head_scan(&whole, bytes, MAX), expected);
    struct http_head_scan scan = {0};
    enum http_head_result result = HTTP_HEAD_INCOMPLETE;
    for (size_t len = 0; len <= bytes.len && result == HTTP_HEAD_INCOMPLETE; len++)
        result = http_head_scan(&scan, str_slice(bytes, 0, len), MAX);
    assert_int_equal(result, expected);
    if (expected == HTTP_HEAD_COMPLETE) {
        assert_int_equal(scan.end, whole.end);
        assert_int_equal(scan.start, whole.start);
        assert_int_equal(scan.lines, whole.lines);
    }
    return whole;
}

static void a_head_ends_behind_its_empty_line(void **state)
{
    (void)state;
    struct http_head_scan scan =
        assert_scan(STR("GET / HTTP/1.1\r\nHost: a\r\n\r\nbody"), HTTP_HEAD_COMPLETE);
    assert_int_equal(scan.start, 0);
    assert_int_equal(scan.end, 27);
    assert_int_equal(scan.lines, 2);
    assert_scan(STR("GET / HTTP/1.1\r\nHost: a\r\n\r"), HTTP_HEAD_INCOMPLETE);
    assert_scan(STR(""), HTTP_HEAD_INCOMPLETE);
}

static void a_few_empty_lines_in_front_are_passed_over(void **state)
{
    (void)state;
    struct http_head_scan scan = assert_scan(STR("\r\n\r\nGET / HTTP/1.0\r\n\r\n"), HTTP_HEAD_COMPLETE);
    assert_int_equal(scan.start, 4);
    assert_int_equal(scan.lines, 1);
    assert_scan(STR("\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\nGET"), HTTP_HEAD_COMPLETE);
}

static void cr_and_lf_stand_only_together(void **state)
{
    (void)state;
    assert_scan(STR("GET / HTTP/1.1\nHost: a\n\n"), HTTP_HEAD_BAD_LINE_END);
    assert_scan(STR("GET / HTTP/1.1\r\nHost: a\n\r\n"), HTTP_HEAD_BAD_LINE_END);
    assert_scan(STR("GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n"), HTTP_HEAD_BAD_LINE_END);
    assert_scan(STR("GET / HTTP/1.1\r\nHost: a\r\r\n\r\n"), HTTP_HEAD_BAD_LINE_END);
    assert_scan(STR("GET / HTTP/1.1\rX"), HTTP_HEAD_BAD_LINE_END);
    assert_scan(STR("\nGET / HTTP/1.1\r\n\r\n"), HTTP_HEAD_BAD_LINE_END);
}

static void folded_lines_are_refused(void **state)
{
    (void)state;
    assert_scan(STR("GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n"), HTTP_HEAD_FOLDED);
    assert_scan(STR("GET / HTTP/1.1\r\n\tA: b\r\n\r\n"), HTTP_HEAD_FOLDED);
    assert_scan(STR(" GET / HTTP/1.1\r\n\r\n"), HTTP_HEAD_FOLDED);
}

static void the_bound_is_the_last_size_that_passes(void **state)
{
    (void)state;
    char bytes[MAX + 1];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = 'a';
    assert_scan(str_make(bytes, MAX - 1), HTTP_HEAD_INCOMPLETE);
    assert_scan(str_make(bytes, MAX), HTTP_HEAD_TOO_BIG);
    bytes[MAX - 4] = bytes[MAX - 2] = '\r';
    bytes[MAX - 3] = bytes[MAX - 1] = '\n';
    assert_scan(str_make(bytes, MAX), HTTP_HEAD_COMPLETE);
    assert_scan(str_make(bytes, MAX + 1), HTTP_HEAD_COMPLETE);
    bytes[MAX - 4] = 'a';
    bytes[MAX - 3] = 'a';
    bytes[MAX - 2] = 'a';
    bytes[MAX - 1] = 'a';
    assert_scan(str_make(bytes, MAX + 1), HTTP_HEAD_TOO_BIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_ends_behind_its_empty_line),
        cmocka_unit_test(a_few_empty_lines_in_front_are_passed_over),
        cmocka_unit_test(cr_and_lf_stand_only_together),
        cmocka_unit_test(folded_lines_are_refused),
        cmocka_unit_test(the_bound_is_the_last_size_that_passes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
