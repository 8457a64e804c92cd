#include "hub/origin.h"

#include "base/attr.h"
#include "base/option.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static bool allows(const char *entry, const char *origin)
{
    struct str item = str_from_c(entry);
    struct option_list list = {.items = &item, .count = 1};
    return origin_is_allowed(&list, str_from_c(origin));
}

static void test_letter_case_and_default_ports_do_not_count(void **state)
{
    (void)state;
    assert_true(allows("https://example.com", "HTTPS://Example.COM"));
    assert_true(allows("https://example.com:443", "https://example.com"));
    assert_true(allows("http://example.com", "http://example.com:80"));
    assert_true(allows("http://[::1]:80", "http://[::1]"));
    assert_false(allows("https://example.com:80", "https://example.com"));
    assert_false(allows("https://example.com", "http://example.com"));
    assert_false(allows("https://example.com", "https://example.com:8443"));
    assert_false(allows("https://example.com", "https://example.com.evil.example"));
}

static void test_a_star_stands_for_anything(void **state)
{
    (void)state;
    assert_true(allows("https://*.example.com", "https://a.b.Example.com"));
    assert_true(allows("http://localhost:*", "http://localhost:5173"));
    assert_true(allows("*", "https://example.com"));
    assert_true(allows("*", "null"));
    assert_false(allows("https://*.example.com", "https://example.com"));
    assert_false(allows("https://*.example.com", "https://.example.co"));
    assert_false(allows("https://a*a", "https://a"));
    assert_false(allows("https://*", "null"));
}

static void test_null_is_an_origin_like_another(void **state)
{
    (void)state;
    assert_true(allows("null", "null"));
    assert_false(allows("null", "https://example.com"));
    assert_false(allows("https://example.com", "null"));
}

static void test_a_list_may_be_empty_or_have_a_star_anywhere(void **state)
{
    (void)state;
    struct str items[] = {STR("https://a"), STR("*")};
    struct option_list list = {.items = items, .count = 2};
    assert_true(origin_is_any(&list));
    assert_true(origin_is_allowed(&list, STR("https://b")));
    list.count = 1;
    assert_false(origin_is_any(&list));
    assert_true(origin_is_allowed(&list, STR("https://a")));
    assert_false(origin_is_allowed(&list, STR("https://b")));
    list.count = 0;
    assert_false(origin_is_allowed(&list, STR("https://a")));
}

static void test_a_url_begins_with_its_origin(void **state)
{
    (void)state;
    const char *const urls[][2] = {
        {"https://example.com/a?b#c", "https://example.com"},
        {"https://example.com", "https://example.com"},
        {"https://example.com:443/", "https://example.com"},
        {"http://example.com:8080?x", "http://example.com:8080"},
        {"http://[::1]:80#x", "http://[::1]"},
    };
    for (size_t i = 0; i < ARRAY_LEN(urls); i++)
        assert_true(str_eq(origin_of_url(str_from_c(urls[i][0])), str_from_c(urls[i][1])));
    assert_null(origin_of_url(STR("about:blank")).ptr);
    assert_null(origin_of_url(STR("")).ptr);
    assert_null(origin_of_url(STR("example.com/https://x")).ptr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_letter_case_and_default_ports_do_not_count),
        cmocka_unit_test(test_a_star_stands_for_anything),
        cmocka_unit_test(test_null_is_an_origin_like_another),
        cmocka_unit_test(test_a_list_may_be_empty_or_have_a_star_anywhere),
        cmocka_unit_test(test_a_url_begins_with_its_origin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
