#include "http/entity_tag.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void a_tag_is_found_in_a_list(void **state)
{
    (void)state;
    struct str tag = STR("\"urn:b\"");
    assert_true(entity_tag_is_named(STR("\"urn:b\""), tag));
    assert_true(entity_tag_is_named(STR("\"urn:a\", \"urn:b\""), tag));
    assert_true(entity_tag_is_named(STR("\"urn:a\",\"urn:b\",\"c\""), tag));
    assert_true(entity_tag_is_named(STR(" , ,\"urn:b\" "), tag));
    assert_false(entity_tag_is_named(STR("\"urn:a\", \"urn:bb\""), tag));
    assert_false(entity_tag_is_named(STR(""), tag));
    assert_false(entity_tag_is_named(STR("\"urn:b"), tag));
}

static void the_comparison_is_the_weak_one(void **state)
{
    (void)state;
    assert_true(entity_tag_is_named(STR("W/\"a\""), STR("\"a\"")));
    assert_true(entity_tag_is_named(STR("\"x\", W/\"a\""), STR("\"a\"")));
    assert_false(entity_tag_is_named(STR("w/\"a\""), STR("\"a\"")));
}

static void a_star_names_every_tag(void **state)
{
    (void)state;
    assert_true(entity_tag_is_named(STR("*"), STR("\"a\"")));
    assert_false(entity_tag_is_named(STR("\"*\""), STR("\"a\"")));
}

static void a_comma_in_a_tag_does_not_end_it(void **state)
{
    (void)state;
    assert_true(entity_tag_is_named(STR("\"a,b\", \"c\""), STR("\"a,b\"")));
    assert_true(entity_tag_is_named(STR("\"a,b\", \"c\""), STR("\"c\"")));
    assert_false(entity_tag_is_named(STR("\"a,b\", \"c\""), STR("b\"")));
}

static void what_has_no_quotes_is_compared_as_it_is(void **state)
{
    (void)state;
    assert_true(entity_tag_is_named(STR("urn:a"), STR("urn:a")));
    assert_true(entity_tag_is_named(STR("x, urn:a"), STR("urn:a")));
    assert_false(entity_tag_is_named(STR("urn:a"), STR("\"urn:a\"")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tag_is_found_in_a_list),
        cmocka_unit_test(the_comparison_is_the_weak_one),
        cmocka_unit_test(a_star_names_every_tag),
        cmocka_unit_test(a_comma_in_a_tag_does_not_end_it),
        cmocka_unit_test(what_has_no_quotes_is_compared_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
