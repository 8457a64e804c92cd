#include "base/quota.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void what_fits_is_taken(void **state)
{
    (void)state;
    atomic_size_t taken = 3;
    assert_true(quota_take(&taken, 7, 10));
    assert_int_equal(taken, 10);
}

static void what_does_not_fit_changes_nothing(void **state)
{
    (void)state;
    atomic_size_t taken = 3;
    assert_false(quota_take(&taken, 8, 10));
    assert_int_equal(taken, 3);
}

static void what_is_given_back_can_be_taken_again(void **state)
{
    (void)state;
    atomic_size_t taken = 10;
    assert_false(quota_take(&taken, 1, 10));
    quota_give(&taken, 1);
    assert_true(quota_take(&taken, 1, 10));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_fits_is_taken),
        cmocka_unit_test(what_does_not_fit_changes_nothing),
        cmocka_unit_test(what_is_given_back_can_be_taken_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
