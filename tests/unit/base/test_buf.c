#include "base/buf.h"

#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void everything_is_appended_in_order(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 1024);
    buf_append(&buf, "ab", 2);
    buf_append_str(&buf, STR("c\0d"));
    buf_append_c(&buf, 'e');
    buf_append_u64(&buf, 0);
    buf_append_u64(&buf, UINT64_MAX);
    buf_printf(&buf, "<%s %d>", "x", -1);
    assert_int_equal(buf.err, HUB_OK);
    assert_true(str_eq(buf_str(&buf), STR("abc\0de018446744073709551615<x -1>")));
    buf_done(&buf);
}

static void nothing_is_allocated_before_it_is_needed(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 16);
    assert_null(buf.ptr);
    assert_int_equal(buf_str(&buf).len, 0);
    assert_null(buf_take(&buf));
    buf_done(&buf);
    struct buf zeroed = {0};
    buf_done(&zeroed);
}

static void the_maximum_can_be_reached_and_not_passed(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 5);
    buf_append(&buf, "12345", 5);
    assert_int_equal(buf.err, HUB_OK);
    assert_string_equal(buf_c(&buf), "12345");
    buf_append_c(&buf, '6');
    assert_int_equal(buf.err, HUB_E_TOO_BIG);
    assert_true(str_eq(buf_str(&buf), STR("12345")));
    buf_done(&buf);
}

static void an_error_is_sticky_until_it_is_cleared(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 5);
    buf_append(&buf, "123456", 6);
    assert_int_equal(buf.err, HUB_E_TOO_BIG);
    buf_append_c(&buf, 'a');
    buf_printf(&buf, "%d", 1);
    buf_append_u64(&buf, 1);
    assert_null(buf_reserve(&buf, 1));
    assert_null(buf_c(&buf));
    assert_int_equal(buf.len, 0);
    buf_clear(&buf);
    buf_append_c(&buf, 'a');
    assert_string_equal(buf_c(&buf), "a");
    buf_done(&buf);
}

static void printf_may_fill_it_to_the_last_byte(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 8);
    buf_printf(&buf, "%s", "12345678");
    assert_int_equal(buf.err, HUB_OK);
    assert_string_equal(buf_c(&buf), "12345678");
    buf_clear(&buf);
    buf_printf(&buf, "%s", "123456789");
    assert_int_equal(buf.err, HUB_E_TOO_BIG);
    assert_int_equal(buf.len, 0);
    buf_done(&buf);
}

static void a_huge_length_does_not_wrap_round(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 100);
    buf_append_c(&buf, 'a');
    assert_null(buf_reserve(&buf, SIZE_MAX));
    assert_int_equal(buf.err, HUB_E_TOO_BIG);
    buf_done(&buf);
}

static void what_is_reserved_counts_when_it_is_committed(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 1000);
    char *to = buf_reserve(&buf, 500);
    assert_non_null(to);
    assert_int_equal(buf.len, 0);
    memcpy(to, "abc", 3);
    buf_commit(&buf, 3);
    assert_string_equal(buf_c(&buf), "abc");
    buf_done(&buf);
}

static void consuming_moves_the_rest_to_the_front(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 100);
    buf_append_str(&buf, STR("abcdef"));
    buf_consume(&buf, 0);
    buf_consume(&buf, 2);
    assert_string_equal(buf_c(&buf), "cdef");
    buf_consume(&buf, 4);
    assert_int_equal(buf.len, 0);
    buf_append_c(&buf, 'x');
    assert_string_equal(buf_c(&buf), "x");
    buf_done(&buf);
}

static void taking_gives_the_memory_away(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 100);
    buf_append_str(&buf, STR("abc"));
    char *taken = buf_take(&buf);
    assert_memory_equal(taken, "abc", 3);
    free(taken);
    assert_int_equal(buf.len, 0);
    buf_append_str(&buf, STR("again"));
    assert_string_equal(buf_c(&buf), "again");
    buf_done(&buf);
}

static void appending_nothing_is_harmless(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 0);
    buf_append(&buf, NULL, 0);
    buf_append_str(&buf, str_make(NULL, 0));
    assert_int_equal(buf.err, HUB_OK);
    assert_string_equal(buf_c(&buf), "");
    buf_done(&buf);
}

static void it_grows_over_many_appends(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, (size_t)1 << 20);
    for (size_t i = 0; i < 100000; i++)
        buf_append_c(&buf, (char)('a' + i % 26));
    assert_int_equal(buf.err, HUB_OK);
    assert_int_equal(buf.len, 100000);
    for (size_t i = 0; i < 100000; i += 997)
        assert_int_equal(buf.ptr[i], 'a' + i % 26);
    buf_done(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_is_appended_in_order),
        cmocka_unit_test(nothing_is_allocated_before_it_is_needed),
        cmocka_unit_test(the_maximum_can_be_reached_and_not_passed),
        cmocka_unit_test(an_error_is_sticky_until_it_is_cleared),
        cmocka_unit_test(printf_may_fill_it_to_the_last_byte),
        cmocka_unit_test(a_huge_length_does_not_wrap_round),
        cmocka_unit_test(what_is_reserved_counts_when_it_is_committed),
        cmocka_unit_test(consuming_moves_the_rest_to_the_front),
        cmocka_unit_test(taking_gives_the_memory_away),
        cmocka_unit_test(appending_nothing_is_harmless),
        cmocka_unit_test(it_grows_over_many_appends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
