#include "base/str.h"

#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct str null_str = {NULL, 0};

static void assert_str(struct str s, const char *expected)
{
    assert_int_equal(s.len, strlen(expected));
    if (s.len)
        assert_memory_equal(s.ptr, expected, s.len);
}

static void null_and_empty_are_equal(void **state)
{
    (void)state;
    assert_true(str_eq(null_str, STR("")));
    assert_true(str_eq(str_from_c(NULL), str_from_c("")));
    assert_true(str_eq_nocase(null_str, STR("")));
    assert_int_equal(str_cmp(null_str, STR("")), 0);
    assert_false(str_eq(null_str, STR("a")));
    assert_true(str_starts_with(STR("a"), null_str));
    assert_true(str_ends_with(STR("a"), null_str));
}

static void bytes_are_compared_with_their_zeros(void **state)
{
    (void)state;
    assert_false(str_eq(STR("a\0b"), STR("a\0c")));
    assert_true(str_eq(STR("a\0b"), STR("a\0b")));
    assert_false(str_eq(STR("a"), STR("a\0")));
}

static void case_is_folded_for_ascii_letters_alone(void **state)
{
    (void)state;
    assert_true(str_eq_nocase(STR("Content-LENGTH"), STR("content-length")));
    assert_false(str_eq_nocase(STR("@"), STR("`")));
    assert_false(str_eq_nocase(STR("["), STR("{")));
    assert_false(str_eq_nocase(STR("\xC9"), STR("\xE9")));
    assert_false(str_eq_nocase(STR("ab"), STR("abc")));
}

static void order_is_that_of_bytes_with_the_shorter_first(void **state)
{
    (void)state;
    assert_true(str_cmp(STR("a"), STR("b")) < 0);
    assert_true(str_cmp(STR("a"), STR("ab")) < 0);
    assert_true(str_cmp(STR("\xFF"), STR("a")) > 0);
    assert_true(str_cmp(STR("b"), STR("ab")) > 0);
    assert_int_equal(str_cmp(STR("ab"), STR("ab")), 0);
    assert_true(str_cmp(null_str, STR("a")) < 0);
}

static void starts_and_ends_are_found(void **state)
{
    (void)state;
    assert_true(str_starts_with(STR("abc"), STR("ab")));
    assert_true(str_starts_with(STR("abc"), STR("abc")));
    assert_false(str_starts_with(STR("abc"), STR("abcd")));
    assert_false(str_starts_with(STR("abc"), STR("b")));
    assert_true(str_ends_with(STR("abc"), STR("bc")));
    assert_false(str_ends_with(STR("abc"), STR("ab")));
    assert_false(str_ends_with(STR("c"), STR("bc")));
}

static void find_gives_the_length_when_there_is_none(void **state)
{
    (void)state;
    struct str s = STR("a,b,c");
    assert_int_equal(str_find(s, 0, ','), 1);
    assert_int_equal(str_find(s, 2, ','), 3);
    assert_int_equal(str_find(s, 4, ','), 5);
    assert_int_equal(str_find(s, 5, ','), 5);
    assert_int_equal(str_find(s, 100, ','), 5);
    assert_int_equal(str_find(null_str, 0, ','), 0);
}

static void a_slice_is_cut_to_what_is_there(void **state)
{
    (void)state;
    struct str s = STR("abcdef");
    assert_str(str_slice(s, 0, 3), "abc");
    assert_str(str_slice(s, 2, 4), "cd");
    assert_str(str_slice(s, 2, 100), "cdef");
    assert_str(str_slice(s, 6, 6), "");
    assert_str(str_slice(s, 50, 100), "");
    assert_str(str_slice(s, 4, 2), "");
    assert_str(str_slice(null_str, 0, 5), "");
}

static void trim_takes_spaces_and_tabs_alone(void **state)
{
    (void)state;
    assert_str(str_trim(STR(" \t a b\t ")), "a b");
    assert_str(str_trim(STR(" \t ")), "");
    assert_str(str_trim(STR("\na\r")), "\na\r");
    assert_str(str_trim(null_str), "");
}

static void split_gives_every_part_also_empty_ones(void **state)
{
    (void)state;
    struct str s = STR(",a,,b,");
    static const char *const expected[] = {"", "a", "", "b", ""};
    struct str part;
    for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
        assert_true(str_split(&s, ',', &part));
        assert_str(part, expected[i]);
    }
    assert_false(str_split(&s, ',', &part));
    assert_false(str_split(&s, ',', &part));
}

static void an_empty_slice_is_one_empty_part(void **state)
{
    (void)state;
    struct str s = STR("");
    struct str part;
    assert_true(str_split(&s, ',', &part));
    assert_str(part, "");
    assert_false(str_split(&s, ',', &part));
}

static void numbers_are_read_up_to_the_largest(void **state)
{
    (void)state;
    uint64_t value = 7;
    assert_int_equal(str_to_u64(STR("0"), &value), HUB_OK);
    assert_int_equal(value, 0);
    assert_int_equal(str_to_u64(STR("00012"), &value), HUB_OK);
    assert_int_equal(value, 12);
    assert_int_equal(str_to_u64(STR("18446744073709551615"), &value), HUB_OK);
    assert_true(value == UINT64_MAX);
}

static void what_is_no_number_leaves_the_value(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        " 1",
                                        "1 ",
                                        "+1",
                                        "-1",
                                        "0x1",
                                        "1.0",
                                        "1e3",
                                        "a",
                                        "/",
                                        ":",
                                        "18446744073709551616",
                                        "99999999999999999999",
                                        "184467440737095516150"};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        uint64_t value = 7;
        assert_int_equal(str_to_u64(str_from_c(texts[i]), &value), HUB_E_INVALID);
        assert_int_equal(value, 7);
    }
    uint64_t value = 7;
    assert_int_equal(str_to_u64(STR("1\0"), &value), HUB_E_INVALID);
}

static void an_escape_is_a_percent_sign_and_two_hexadecimal_digits(void **state)
{
    (void)state;
    assert_int_equal(str_percent_byte(STR("%00"), 0), 0);
    assert_int_equal(str_percent_byte(STR("a%fF"), 1), 0xff);
    assert_int_equal(str_percent_byte(STR("%9A"), 0), 0x9a);
    const char *none[] = {"", "%", "%4", "x41", "%4g", "%g4", "%%4", "% 4", "%/0", "%:0", "%@0", "%`0"};
    for (size_t i = 0; i < ARRAY_LEN(none); i++)
        assert_int_equal(str_percent_byte(str_from_c(none[i]), 0), -1);
    assert_int_equal(str_percent_byte(str_make("%41", 2), 0), -1);
}

static void a_copy_ends_with_a_zero(void **state)
{
    (void)state;
    char *copy = str_dup_c(str_make("abcd", 2));
    assert_string_equal(copy, "ab");
    free(copy);
    copy = str_dup_c(null_str);
    assert_string_equal(copy, "");
    free(copy);
}

static void good_utf8_is_found_good(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        "plain",
                                        "\x7F",
                                        "\xC2\x80",
                                        "\xDF\xBF",
                                        "\xE0\xA0\x80",
                                        "\xED\x9F\xBF",
                                        "\xEE\x80\x80",
                                        "\xEF\xBF\xBF",
                                        "\xF0\x90\x80\x80",
                                        "\xF4\x8F\xBF\xBF"};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        assert_true(str_is_utf8(str_from_c(texts[i])));
    assert_true(str_is_utf8(STR("a\0b")));
    assert_true(str_is_utf8(null_str));
}

static const char *const bad_utf8[] = {
    "\x80", // a continuation alone
    "\xBF",
    "\xC0\x80", // overlong
    "\xC1\xBF",
    "\xE0\x9F\xBF",
    "\xF0\x8F\xBF\xBF",
    "\xED\xA0\x80", // surrogates
    "\xED\xBF\xBF",
    "\xF4\x90\x80\x80", // beyond U+10FFFF
    "\xF5\x80\x80\x80",
    "\xFE",
    "\xFF",
    "\xC3", // cut short
    "\xE2\x82",
    "\xF0\x9F\x98",
    "\xC3(", // something else follows
    "\xE2\x82(",
    "\xF0\x9F\x98(",
};

static void bad_utf8_is_found_at_every_place(void **state)
{
    (void)state;
    // Before, in and behind the words of eight bytes that are looked at at once.
    for (size_t before = 0; before < 20; before++) {
        for (size_t i = 0; i < ARRAY_LEN(bad_utf8); i++) {
            char text[64];
            size_t len = strlen(bad_utf8[i]);
            memset(text, 'a', sizeof(text));
            memcpy(text + before, bad_utf8[i], len);
            assert_false(str_is_utf8(str_make(text, before + len)));
            assert_false(str_is_utf8(str_make(text, before + len + 12)));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(null_and_empty_are_equal),
        cmocka_unit_test(bytes_are_compared_with_their_zeros),
        cmocka_unit_test(case_is_folded_for_ascii_letters_alone),
        cmocka_unit_test(order_is_that_of_bytes_with_the_shorter_first),
        cmocka_unit_test(starts_and_ends_are_found),
        cmocka_unit_test(find_gives_the_length_when_there_is_none),
        cmocka_unit_test(a_slice_is_cut_to_what_is_there),
        cmocka_unit_test(trim_takes_spaces_and_tabs_alone),
        cmocka_unit_test(split_gives_every_part_also_empty_ones),
        cmocka_unit_test(an_empty_slice_is_one_empty_part),
        cmocka_unit_test(numbers_are_read_up_to_the_largest),
        cmocka_unit_test(what_is_no_number_leaves_the_value),
        cmocka_unit_test(an_escape_is_a_percent_sign_and_two_hexadecimal_digits),
        cmocka_unit_test(a_copy_ends_with_a_zero),
        cmocka_unit_test(good_utf8_is_found_good),
        cmocka_unit_test(bad_utf8_is_found_at_every_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
