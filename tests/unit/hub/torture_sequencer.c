#include "sequencer_rig.h"

#include "base/log.h"
#include "hub/tail.h"
#include "support/torture.h"

#define UPDATES 6U

static uint64_t number_of(const struct position *position)
{
    uint64_t number = 0;
    assert_int_equal(position_to_number(position, &number), HUB_OK);
    return number;
}

// A worker knows how far the store is, and what its tail holds has no gap: whoever misses something is not
// told otherwise.
static void check_tail(const struct tail *tail, uint64_t stored)
{
    assert_int_equal(number_of(tail_head(tail)), stored);
    uint64_t number = number_of(&tail->before);
    for (uint64_t offset = tail->first; offset < tail->next; offset++)
        assert_int_equal(number_of(&tail_at(tail, offset)->position), ++number);
}

static void check_tails(const struct sequencer_rig *rig)
{
    for (size_t i = 0; i < WORKERS; i++) {
        check_tail(&rig->shards[i].tail, rig->fake.head);
        assert_int_equal(rig->shards[i].tail.next, rig->shards[0].tail.next);
    }
}

static int publish_one(struct sequencer_rig *rig)
{
    struct update *update = make_update("id", 100);
    if (!update)
        return -ENOMEM;
    struct published published;
    publish(rig, &published, update);
    turn_all(rig);
    fake_store(&rig->fake);
    turn_all(rig);
    assert_true(published.settled);
    assert_int_equal(published.request.queued.result, PUBLISH_STORED);
    check_tails(rig);
    return HUB_OK;
}

static int updates_are_published(void *arg)
{
    struct sequencer_rig *rig = arg;
    int err = rig_start(rig, &fake_driver, 1U << 20, 1U << 20);
    if (err)
        return err;
    rig_open_transport(rig);
    err = rig->opened;
    for (size_t i = 0; i < UPDATES && !err; i++)
        err = publish_one(rig);
    rig_stop(rig);
    return err;
}

static void what_is_stored_is_never_left_out_in_silence(void **state)
{
    (void)state;
    struct sequencer_rig rig;
    rig_init(&rig);
    torture_run(updates_are_published, &rig);
    assert_true(torture_failures() > 2 * UPDATES);
    rig_done(&rig);
}

// From a slice of two updates.
static int tails_are_filled(void *arg)
{
    struct sequencer_rig *rig = arg;
    const struct history_slice *whole = rig->slice;
    int err = rig_start(rig, &fake_driver_with_history, 1U << 20, 1U << 20);
    if (err)
        return err;
    rig_open_transport(rig);
    struct replay_request *replay = rig->fake.replay;
    replay->slice = rig->slice;
    ref_get(&replay->slice->ref);
    replay->done(replay);
    turn_all(rig);
    err = rig->opened;
    rig->fake.head = number_of(&whole->entries[whole->count - 1].position);
    if (!err)
        check_tails(rig);
    rig_stop(rig);
    return err;
}

static void a_hub_opens_with_all_of_its_tail_or_not_at_all(void **state)
{
    (void)state;
    struct sequencer_rig rig;
    rig_init(&rig);
    rig.slice = make_slice(7, (const char *const[]){"a", "b"}, 2, true);
    torture_run(tails_are_filled, &rig);
    assert_true(torture_failures() > 8);
    ref_put(&rig.slice->ref);
    rig_done(&rig);
}

// Two feeds in a row cannot be handed on, and the workers do not come round in between.
static int two_cuts_overlap(void *arg)
{
    struct sequencer_rig *rig = arg;
    struct update *updates[3] = {make_update("a", 1), make_update("b", 1), make_update("c", 1)};
    for (size_t i = 0; i < 3; i++) {
        if (updates[i])
            fake_feed(&rig->fake, updates[i]);
    }
    turn_all(rig);
    turn_all(rig);
    check_tails(rig);
    return HUB_OK;
}

static void a_cut_during_a_cut_is_told_too(void **state)
{
    (void)state;
    struct sequencer_rig rig;
    rig_init(&rig);
    assert_int_equal(rig_start(&rig, &fake_driver, 1U << 20, 1U << 20), HUB_OK);
    rig_open_transport(&rig);
    torture_run(two_cuts_overlap, &rig);
    assert_true(torture_failures() > 6);
    rig_stop(&rig);
    rig_done(&rig);
}

int main(void)
{
    log_configure(LOG_LEVEL_ERROR, false);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_stored_is_never_left_out_in_silence),
        cmocka_unit_test(a_hub_opens_with_all_of_its_tail_or_not_at_all),
        cmocka_unit_test(a_cut_during_a_cut_is_told_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
