#include "base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void draws_below_a_bound_reach_every_value(void **state)
{
    (void)state;
    assert_int_equal(random_below(0), 0);
    assert_int_equal(random_below(1), 0);
    unsigned seen[10] = {0};
    for (unsigned i = 0; i < 10000; i++) {
        uint64_t draw = random_below(10);
        assert_true(draw < 10);
        seen[draw]++;
    }
    for (unsigned i = 0; i < 10; i++)
        assert_in_range(seen[i], 500, 1500);
}

static void bounds_may_be_as_large_as_numbers(void **state)
{
    (void)state;
    uint64_t upper_half = 0;
    for (unsigned i = 0; i < 200; i++) {
        assert_true(random_below(UINT64_MAX) < UINT64_MAX);
        assert_true(random_below((UINT64_C(1) << 63) + 1) <= UINT64_C(1) << 63);
        upper_half += random_below(UINT64_MAX) >> 63;
    }
    assert_in_range(upper_half, 20, 180);
}

static void any_length_is_filled_and_no_more(void **state)
{
    (void)state;
    unsigned char bytes[1000];
    for (size_t len = 0; len < 900; len += 37) {
        memset(bytes, 0, sizeof(bytes));
        random_bytes(bytes, len);
        for (size_t i = len; i < sizeof(bytes); i++)
            assert_int_equal(bytes[i], 0);
        size_t zeros = 0;
        for (size_t i = 0; i < len; i++)
            zeros += bytes[i] == 0;
        assert_true(zeros <= 4 + len / 20);
    }
}

static void draws_differ(void **state)
{
    (void)state;
    unsigned char a[16], b[16];
    for (unsigned i = 0; i < 100; i++) {
        random_bytes(a, sizeof(a));
        random_bytes(b, sizeof(b));
        assert_memory_not_equal(a, b, sizeof(a));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(draws_below_a_bound_reach_every_value),
        cmocka_unit_test(bounds_may_be_as_large_as_numbers),
        cmocka_unit_test(any_length_is_filled_and_no_more),
        cmocka_unit_test(draws_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
