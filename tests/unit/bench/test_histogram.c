#include "bench/histogram.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static int set_up(void **state)
{
    *state = calloc(1, sizeof(struct histogram));
    return *state ? 0 : -1;
}

static int tear_down(void **state)
{
    free(*state);
    return 0;
}

static void an_empty_histogram_has_quantile_zero(void **state)
{
    assert_int_equal(histogram_quantile(*state, 0.5), 0);
}

static void small_values_are_exact(void **state)
{
    struct histogram *histogram = *state;
    for (uint64_t i = 1; i <= 100; i++)
        histogram_add(histogram, i);
    assert_int_equal(histogram_quantile(histogram, 0.5), 50);
    assert_int_equal(histogram_quantile(histogram, 0.99), 99);
    assert_int_equal(histogram_quantile(histogram, 1), 100);
    assert_int_equal(histogram->max, 100);
}

static void large_values_are_within_one_percent(void **state)
{
    struct histogram *histogram = *state;
    for (uint64_t i = 1; i <= 1000; i++)
        histogram_add(histogram, i * 1000003);
    for (uint64_t i = 1; i <= 1000; i++) {
        uint64_t value = i * 1000003;
        uint64_t quantile = histogram_quantile(histogram, (double)i / 1000);
        assert_true(quantile >= value);
        assert_true(quantile - value <= value / 100);
    }
}

static void the_largest_value_bounds_every_quantile(void **state)
{
    struct histogram *histogram = *state;
    histogram_add(histogram, 1000001);
    assert_int_equal(histogram_quantile(histogram, 0.5), 1000001);
    histogram_add(histogram, UINT64_MAX);
    assert_int_equal(histogram->max, UINT64_MAX);
}

static void merging_adds_the_counts(void **state)
{
    struct histogram *histogram = *state;
    struct histogram *other = calloc(1, sizeof(*other));
    assert_non_null(other);
    histogram_add(histogram, 1);
    histogram_add(other, 5);
    histogram_add(other, 5);
    histogram_merge(histogram, other);
    assert_int_equal(histogram->count, 3);
    assert_int_equal(histogram->max, 5);
    assert_int_equal(histogram_quantile(histogram, 0.5), 5);
    free(other);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_empty_histogram_has_quantile_zero),
        TEST(small_values_are_exact),
        TEST(large_values_are_within_one_percent),
        TEST(the_largest_value_bounds_every_quantile),
        TEST(merging_adds_the_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
