#include "base/wheel.h"

#include "base/attr.h"
#include "base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define ENTRIES 300

// A timer, and what a list that is searched from end to end would say about it.
struct model {
    struct wheel_entry entry;
    bool set;
    uint64_t deadline_ms;
    uint64_t due_ms; // the deadline, or when it was set if that is later
    unsigned fired;
};

static struct wheel wheel;
static struct model models[ENTRIES];
static uint64_t now_ms;
static uint64_t advanced_ms; // of the latest wheel_advance

static void fire(struct wheel_entry *entry, uint64_t at_ms)
{
    struct model *model = CONTAINER_OF(entry, struct model, entry);
    assert_true(at_ms == now_ms);
    assert_true(model->set);
    assert_true(model->deadline_ms <= now_ms);
    assert_false(wheel_is_set(entry));
    model->set = false;
    model->fired++;
}

static void start(uint64_t at_ms)
{
    now_ms = advanced_ms = at_ms;
    memset(models, 0, sizeof(models));
    wheel_init(&wheel, now_ms);
    for (size_t i = 0; i < ENTRIES; i++)
        wheel_entry_init(&models[i].entry);
}

static void set(struct model *model, uint64_t deadline_ms)
{
    wheel_set(&wheel, &model->entry, deadline_ms);
    model->set = true;
    model->deadline_ms = deadline_ms;
    model->due_ms = deadline_ms > now_ms ? deadline_ms : now_ms;
}

static void advance_to(uint64_t at_ms)
{
    now_ms = advanced_ms = at_ms;
    wheel_advance(&wheel, now_ms, fire);
}

static uint64_t earliest_ms(void)
{
    uint64_t earliest = UINT64_MAX;
    for (size_t i = 0; i < ENTRIES; i++) {
        if (models[i].set && models[i].due_ms < earliest)
            earliest = models[i].due_ms;
    }
    return earliest;
}

// Nothing that is overdue by a tick is left, and whoever sleeps until wheel_next_ms misses nothing.
static void check(void)
{
    uint64_t earliest = earliest_ms();
    if (earliest == UINT64_MAX) {
        assert_true(wheel_next_ms(&wheel) == UINT64_MAX);
        return;
    }
    assert_true(earliest + WHEEL_TICK_MS > advanced_ms);
    uint64_t latest = (earliest > advanced_ms ? earliest : advanced_ms) + 2 * WHEEL_TICK_MS;
    assert_true(wheel_next_ms(&wheel) <= latest);
    for (size_t i = 0; i < ENTRIES; i++)
        assert_true(wheel_is_set(&models[i].entry) == models[i].set);
}

static uint64_t random_delay(void)
{
    static const uint64_t spans[] = {20, 2000, 100000, 5000000, 500000000, UINT64_C(1) << 40};
    return random_below(spans[random_below(ARRAY_LEN(spans))]);
}

static void random_step(void)
{
    struct model *model = &models[random_below(ENTRIES)];
    switch (random_below(4)) {
    case 0:
        wheel_cancel(&model->entry);
        model->set = false;
        break;
    case 1:
        advance_to(now_ms + random_delay() / 64);
        break;
    case 2:
        advance_to(wheel_next_ms(&wheel) == UINT64_MAX || wheel_next_ms(&wheel) < now_ms
                       ? now_ms
                       : wheel_next_ms(&wheel));
        break;
    default:
        set(model, random_below(10) ? now_ms + random_delay() : now_ms - random_below(1000));
    }
}

static void random_operations_agree_with_a_list(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 10; round++) {
        start(100000 + random_below(UINT64_C(1) << 42));
        for (unsigned step = 0; step < 10000; step++) {
            random_step();
            check();
        }
    }
}

static void nothing_fires_early_and_all_fires_within_a_tick(void **state)
{
    (void)state;
    start(5);
    for (size_t i = 0; i < ENTRIES; i++)
        set(&models[i], 5 + i * 7);
    for (uint64_t at_ms = 5; at_ms < 5 + ENTRIES * 7 + 2 * WHEEL_TICK_MS; at_ms++) {
        advance_to(at_ms);
        for (size_t i = 0; i < ENTRIES; i++) {
            if (models[i].set)
                assert_true(at_ms < models[i].deadline_ms + WHEEL_TICK_MS);
        }
    }
    for (size_t i = 0; i < ENTRIES; i++)
        assert_int_equal(models[i].fired, 1);
}

static void a_past_deadline_fires_at_the_next_advance(void **state)
{
    (void)state;
    start(1000000);
    set(&models[0], 0);
    set(&models[1], 999999);
    advance_to(1000000 + WHEEL_TICK_MS);
    assert_int_equal(models[0].fired, 1);
    assert_int_equal(models[1].fired, 1);
    assert_true(wheel_next_ms(&wheel) == UINT64_MAX);
}

static void the_clock_may_stand_still_or_jump(void **state)
{
    (void)state;
    start(1000);
    set(&models[0], 1000 + 100 * WHEEL_TICK_MS);
    set(&models[1], UINT64_C(1) << 45);
    for (int i = 0; i < 10; i++)
        advance_to(1000);
    assert_int_equal(models[0].fired, 0);
    advance_to(UINT64_C(1) << 44);
    assert_int_equal(models[0].fired, 1);
    assert_int_equal(models[1].fired, 0);
    advance_to((UINT64_C(1) << 45) + WHEEL_TICK_MS);
    assert_int_equal(models[1].fired, 1);
}

static struct model *rearmed;

static void set_again(struct wheel_entry *entry, uint64_t at_ms)
{
    fire(entry, at_ms);
    set(rearmed, now_ms);
}

static void what_is_set_while_firing_waits_for_the_next_advance(void **state)
{
    (void)state;
    start(1000);
    rearmed = &models[0];
    set(&models[0], 1000);
    for (unsigned i = 1; i <= 5; i++) {
        now_ms += 2 * WHEEL_TICK_MS;
        wheel_advance(&wheel, now_ms, set_again);
        assert_int_equal(models[0].fired, i);
        assert_true(wheel_is_set(&models[0].entry));
    }
}

static void cancel_others(struct wheel_entry *entry, uint64_t at_ms)
{
    fire(entry, at_ms);
    for (size_t i = 0; i < 10; i++) {
        wheel_cancel(&models[i].entry);
        models[i].set = false;
    }
}

static void firing_may_cancel_what_is_due_as_well(void **state)
{
    (void)state;
    start(1000);
    for (size_t i = 0; i < 10; i++)
        set(&models[i], 1000 + i);
    now_ms = 1000 + 10 * WHEEL_TICK_MS;
    wheel_advance(&wheel, now_ms, cancel_others);
    unsigned fired = 0;
    for (size_t i = 0; i < 10; i++)
        fired += models[i].fired;
    assert_int_equal(fired, 1);
    assert_true(wheel_next_ms(&wheel) == UINT64_MAX);
}

static void cancelling_what_is_not_set_is_harmless(void **state)
{
    (void)state;
    start(0);
    wheel_cancel(&models[0].entry);
    set(&models[0], 100);
    wheel_cancel(&models[0].entry);
    wheel_cancel(&models[0].entry);
    assert_false(wheel_is_set(&models[0].entry));
    models[0].set = false;
    advance_to(1000);
    assert_int_equal(models[0].fired, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_operations_agree_with_a_list),
        cmocka_unit_test(nothing_fires_early_and_all_fires_within_a_tick),
        cmocka_unit_test(a_past_deadline_fires_at_the_next_advance),
        cmocka_unit_test(the_clock_may_stand_still_or_jump),
        cmocka_unit_test(what_is_set_while_firing_waits_for_the_next_advance),
        cmocka_unit_test(firing_may_cancel_what_is_due_as_well),
        cmocka_unit_test(cancelling_what_is_not_set_is_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
