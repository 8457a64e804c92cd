#include "hub/key_schedule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define HOUR_MS UINT64_C(3600000)
#define DICE UINT64_C(12345678901)

static void run(struct key_schedule *schedule, uint64_t now_ms, bool good)
{
    key_schedule_begin(schedule, now_ms);
    key_schedule_end(schedule, now_ms, good, 0);
}

static void the_first_fetch_is_due_at_once(void **state)
{
    (void)state;
    struct key_schedule schedule;
    key_schedule_init(&schedule, HOUR_MS, 77);
    assert_int_equal(schedule.due_ms, 77);
    assert_true(key_schedule_may_ask(&schedule, 77));
}

static void a_good_set_is_refreshed_in_the_last_tenth_of_the_time(void **state)
{
    (void)state;
    struct key_schedule schedule;
    key_schedule_init(&schedule, HOUR_MS, 0);
    for (uint64_t dice = 0; dice < 1000; dice++) {
        key_schedule_begin(&schedule, 1000);
        key_schedule_end(&schedule, 2000, true, dice * DICE);
        assert_in_range(schedule.due_ms, 2000 + HOUR_MS * 9 / 10, 2000 + HOUR_MS);
    }
}

static void nothing_is_due_while_a_fetch_is_under_way(void **state)
{
    (void)state;
    struct key_schedule schedule;
    key_schedule_init(&schedule, HOUR_MS, 0);
    key_schedule_begin(&schedule, 0);
    assert_int_equal(schedule.due_ms, UINT64_MAX);
    assert_false(key_schedule_may_ask(&schedule, 100 * HOUR_MS));
}

static void without_refreshing_a_good_set_stays(void **state)
{
    (void)state;
    struct key_schedule schedule;
    key_schedule_init(&schedule, 0, 0);
    run(&schedule, 0, false);
    assert_int_equal(schedule.due_ms, KEY_RETRY_MIN_MS);
    run(&schedule, 0, true);
    assert_int_equal(schedule.due_ms, UINT64_MAX);
}

static void failures_are_tried_again_later_and_later_up_to_a_bound(void **state)
{
    (void)state;
    struct key_schedule schedule;
    key_schedule_init(&schedule, HOUR_MS, 0);
    uint64_t wait_ms = KEY_RETRY_MIN_MS;
    for (unsigned i = 0; i < 100; i++) {
        run(&schedule, 0, false);
        assert_int_equal(schedule.due_ms, wait_ms);
        wait_ms = wait_ms * 2 < KEY_RETRY_MAX_MS ? wait_ms * 2 : KEY_RETRY_MAX_MS;
    }
    run(&schedule, 0, true);
    run(&schedule, 0, false);
    assert_int_equal(schedule.due_ms, KEY_RETRY_MIN_MS);
}

static void a_failure_is_never_tried_later_than_the_timer_would(void **state)
{
    (void)state;
    struct key_schedule schedule;
    key_schedule_init(&schedule, 1500, 0);
    run(&schedule, 0, false);
    assert_int_equal(schedule.due_ms, 1500);
}

// Whoever makes up names of keys begins as many fetches as a single one would.
static void tokens_begin_one_fetch_in_each_gap(void **state)
{
    (void)state;
    struct key_schedule schedule;
    key_schedule_init(&schedule, HOUR_MS, 0);
    unsigned fetches = 0;
    for (uint64_t now_ms = 0; now_ms < 100 * KEY_ASK_GAP_MS; now_ms++) {
        if (!key_schedule_may_ask(&schedule, now_ms))
            continue;
        run(&schedule, now_ms, fetches % 2);
        fetches++;
    }
    assert_int_equal(fetches, 100);
}

static void the_gap_counts_from_a_fetch_of_the_timer_as_well(void **state)
{
    (void)state;
    struct key_schedule schedule;
    key_schedule_init(&schedule, HOUR_MS, 0);
    run(&schedule, 10000, true);
    assert_false(key_schedule_may_ask(&schedule, 10000 + KEY_ASK_GAP_MS - 1));
    assert_true(key_schedule_may_ask(&schedule, 10000 + KEY_ASK_GAP_MS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_fetch_is_due_at_once),
        cmocka_unit_test(a_good_set_is_refreshed_in_the_last_tenth_of_the_time),
        cmocka_unit_test(nothing_is_due_while_a_fetch_is_under_way),
        cmocka_unit_test(without_refreshing_a_good_set_stays),
        cmocka_unit_test(failures_are_tried_again_later_and_later_up_to_a_bound),
        cmocka_unit_test(a_failure_is_never_tried_later_than_the_timer_would),
        cmocka_unit_test(tokens_begin_one_fetch_in_each_gap),
        cmocka_unit_test(the_gap_counts_from_a_fetch_of_the_timer_as_well),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
