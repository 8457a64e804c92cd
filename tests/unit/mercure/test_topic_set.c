#include "mercure/topic_set.h"

#include "support/patterns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void sorting_drops_what_is_there_twice(void **state)
{
    (void)state;
    struct str list[] = {STR("b"), STR("a"), STR("ab"), STR("b"), STR("a"), STR("")};
    assert_int_equal(topic_set_sort(list, ARRAY_LEN(list)), 4);
    assert_true(str_eq(list[0], STR("")));
    assert_true(str_eq(list[1], STR("a")));
    assert_true(str_eq(list[2], STR("ab")));
    assert_true(str_eq(list[3], STR("b")));
    assert_int_equal(topic_set_sort(NULL, 0), 0);
}

static void topics_are_compared_byte_for_byte(void **state)
{
    (void)state;
    const struct str list[] = {STR("/a"), STR("/b"), STR("/c")};
    const struct topic_set set = {.exact = list, .exact_count = ARRAY_LEN(list)};
    assert_true(topic_set_has(&set, STR("/a")));
    assert_true(topic_set_has(&set, STR("/b")));
    assert_true(topic_set_has(&set, STR("/c")));
    assert_false(topic_set_has(&set, STR("/")));
    assert_false(topic_set_has(&set, STR("/A")));
    assert_false(topic_set_has(&set, STR("/a/")));
    assert_false(topic_set_has(&set, STR("*")));
    assert_false(topic_set_has(&set, STR("")));
}

static void the_empty_set_has_nothing_and_the_full_one_everything(void **state)
{
    (void)state;
    const struct topic_set none = {0};
    const struct topic_set all = {.all = true};
    assert_false(topic_set_has(&none, STR("/a")));
    assert_true(topic_set_has(&all, STR("/a")));
    assert_false(topic_set_equal(&none, &all));
    assert_true(topic_set_hash(&none) != topic_set_hash(&all));
}

static void a_pattern_is_no_topic_of_its_text(void **state)
{
    (void)state;
    struct pattern *list[2];
    assert_int_equal(patterns_get(test_patterns(), PATTERN_URL, STR("/a"), &list[0]), HUB_OK);
    assert_int_equal(patterns_get(test_patterns(), PATTERN_URL, STR("/b/:id"), &list[1]), HUB_OK);
    const struct str texts[] = {STR("/a"), STR("/b/:id")};
    const struct topic_set exact = {.exact = texts, .exact_count = 2};
    const struct topic_set patterns = {.patterns = list, .pattern_count = 2};
    const struct topic_set both = {
        .exact = texts, .exact_count = 1, .patterns = list + 1, .pattern_count = 1};
    assert_true(topic_set_has(&patterns, STR("/b/1")));
    assert_false(topic_set_has(&exact, STR("/b/1")));
    assert_true(topic_set_has(&exact, STR("/b/:id")));
    assert_true(topic_set_has(&both, STR("/b/2")));
    assert_false(topic_set_equal(&exact, &patterns));
    assert_false(topic_set_equal(&exact, &both));
    assert_false(topic_set_equal(&patterns, &both));
    assert_true(topic_set_equal(&patterns, &patterns));
    assert_true(topic_set_hash(&exact) != topic_set_hash(&both));
    pattern_unref(list[0]);
    pattern_unref(list[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sorting_drops_what_is_there_twice),
        cmocka_unit_test(topics_are_compared_byte_for_byte),
        cmocka_unit_test(the_empty_set_has_nothing_and_the_full_one_everything),
        cmocka_unit_test(a_pattern_is_no_topic_of_its_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
