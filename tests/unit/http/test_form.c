#include "http/form.h"

#include "base/arena.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void assert_str(struct str actual, struct str expected)
{
    assert_int_equal(actual.len, expected.len);
    if (expected.len)
        assert_memory_equal(actual.ptr, expected.ptr, expected.len);
}

static void expect_pairs(struct str text, const struct str *pairs, size_t count)
{
    struct arena arena;
    arena_init(&arena, 65536);
    struct form form;
    form_init(&form, text, &arena);
    struct str name;
    struct str value;
    for (size_t i = 0; i < count; i++) {
        assert_true(form_next(&form, &name, &value));
        assert_str(name, pairs[2 * i]);
        assert_str(value, pairs[2 * i + 1]);
    }
    assert_false(form_next(&form, &name, &value));
    assert_int_equal(form.err, HUB_OK);
    arena_done(&arena);
}

#define EXPECT(text, ...) \
    expect_pairs(STR(text), (const struct str[]){__VA_ARGS__}, \
                 sizeof((const struct str[]){__VA_ARGS__}) / (2 * sizeof(struct str)))

static void test_pairs_are_split_and_decoded_as_the_standard_says(void **state)
{
    (void)state;
    EXPECT("a=b&c=d", STR("a"), STR("b"), STR("c"), STR("d"));
    EXPECT("a&=b&&c=&", STR("a"), STR(""), STR(""), STR("b"), STR("c"), STR(""));
    EXPECT("a=b=c", STR("a"), STR("b=c"));
    EXPECT("a+b=%20+%2B", STR("a b"), STR("  +"));
    EXPECT("a;b=c;d", STR("a;b"), STR("c;d"));
    EXPECT("%=%2&%zz=%4", STR("%"), STR("%2"), STR("%zz"), STR("%4"));
    EXPECT("x=%00%ff%C3%A9", STR("x"), str_make("\0\xff\xC3\xA9", 4));
}

static void test_nothing_has_no_pairs(void **state)
{
    (void)state;
    expect_pairs(str_make(NULL, 0), NULL, 0);
    expect_pairs(STR(""), NULL, 0);
    expect_pairs(STR("&&&"), NULL, 0);
}

static void test_a_walk_ends_when_memory_is_out(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 16);
    struct form form;
    form_init(&form, STR("a=b&c=%20%20%20%20%20%20%20%20%20%20%20%20%20&d=e"), &arena);
    struct str name;
    struct str value;
    assert_true(form_next(&form, &name, &value));
    assert_false(form_next(&form, &name, &value));
    assert_int_not_equal(form.err, HUB_OK);
    arena_done(&arena);
}

static void test_what_is_appended_reads_back(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 1000);
    form_append(&buf, STR("topic"), STR("https://example.com/é?a=b&c"));
    form_append(&buf, STR("data"), STR("a b+c%\n"));
    assert_str(buf_str(&buf), STR("topic=https%3A%2F%2Fexample.com%2F%C3%A9%3Fa%3Db%26c&data=a+b%2Bc%25%0A"));
    const struct str pairs[] = {STR("topic"), STR("https://example.com/é?a=b&c"), STR("data"),
                                STR("a b+c%\n")};
    expect_pairs(buf_str(&buf), pairs, 2);
    buf_done(&buf);
}

static void test_the_type_of_a_body_is_read_from_its_content_type(void **state)
{
    (void)state;
    const struct {
        const char *value;
        enum form_type type;
    } cases[] = {
        {FORM_MEDIA_TYPE, FORM_TYPE_FORM},
        {"Application/X-WWW-Form-URLEncoded ; charset=UTF-8;a=b", FORM_TYPE_FORM},
        {FORM_MEDIA_TYPE ";", FORM_TYPE_FORM},
        {"", FORM_TYPE_OTHER},
        {"text/plain", FORM_TYPE_OTHER},
        {FORM_MEDIA_TYPE "2", FORM_TYPE_OTHER},
        {"text/plain; " FORM_MEDIA_TYPE "=x", FORM_TYPE_OTHER},
        {FORM_MEDIA_TYPE "; boundary=", FORM_TYPE_MALFORMED},
        {"text/plain; =x", FORM_TYPE_MALFORMED},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(form_type_of(str_from_c(cases[i].value)), cases[i].type);
    assert_int_equal(form_type_of(str_make(NULL, 0)), FORM_TYPE_OTHER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pairs_are_split_and_decoded_as_the_standard_says),
        cmocka_unit_test(test_nothing_has_no_pairs),
        cmocka_unit_test(test_a_walk_ends_when_memory_is_out),
        cmocka_unit_test(test_what_is_appended_reads_back),
        cmocka_unit_test(test_the_type_of_a_body_is_read_from_its_content_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
