#include "hub/history.h"

#include "reader.h"

#define READERS 8

// Replays that begin behind the second, third, ... update, each with a position of its own.
static void start_replays(struct rig *rig, struct reader *readers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        replay(rig, &readers[i], "*", i + 1);
        flush(&readers[i]);
    }
}

static void leave_all(struct reader *readers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        leave(&readers[i]);
}

// History without a tail.
static struct rig *rig_with_history(size_t count)
{
    struct rig *rig = rig_new();
    publish_series(rig, "a", count);
    trim(rig, count + 1);
    return rig;
}

static bool end_turn(struct rig *rig)
{
    return history_end_turn(&rig->shard);
}

// ---- Sharing ----

static void test_equally_late_subscribers_share_one_read_and_one_slice(void **state)
{
    (void)state;
    struct rig *rig = rig_with_history(10);
    struct reader a;
    struct reader b;
    struct reader later;
    replay(rig, &a, "a", 1);
    replay(rig, &b, "*", 1);
    flush(&a);
    flush(&b);
    assert_int_equal(rig->sequencer.request_count, 1);
    answer(rig, 100);
    (void)flush_some(&a, SIZE_MAX);
    (void)flush_some(&b, SIZE_MAX);
    assert_string_equal(received(&a), "2 3 4 5 6 7 8 9 10 ");
    assert_string_equal(received(&b), "2 3 4 5 6 7 8 9 10 ");
    assert_ptr_equal(a.owners[0], b.owners[0]);
    // So does one that comes soon after, and begins in the middle.
    replay(rig, &later, "a", 6);
    flush(&later);
    assert_string_equal(received(&later), "7 8 9 10 ");
    assert_int_equal(rig->reads + rig->sequencer.request_count, 1);
    leave(&a);
    leave(&b);
    leave(&later);
    rig_free(rig);
}

static void test_a_long_replay_alone_has_its_next_slice_read_while_it_looks_at_this_one(void **state)
{
    (void)state;
    struct rig *rig = rig_with_history(10);
    struct reader reader;
    replay(rig, &reader, "*", 1);
    flush(&reader);
    answer(rig, 3);
    (void)flush_some(&reader, SIZE_MAX);
    assert_string_equal(received(&reader), "2 3 4 ");
    assert_int_equal(requested(rig), 4);
    run(rig, &reader, 3);
    assert_string_equal(received(&reader), "5 6 7 8 9 10 ");
    assert_int_equal(rig->reads, 3);
    leave(&reader);
    rig_free(rig);
}

// ---- Bounds and turns ----

static void test_so_many_slices_are_read_at_once_and_others_wait_their_turn(void **state)
{
    (void)state;
    struct rig *rig = rig_with_history(20);
    struct reader readers[READERS];
    start_replays(rig, readers, READERS);
    assert_false(end_turn(rig));
    assert_int_equal(rig->sequencer.request_count, HISTORY_REQUESTS_MAX);
    // The first slice has what all of them want: those without a request of their own need none.
    answer(rig, 100);
    flush(&readers[0]);
    assert_true(end_turn(rig));
    assert_int_equal(rig->sequencer.request_count, HISTORY_REQUESTS_MAX - 1);
    for (size_t i = HISTORY_REQUESTS_MAX; i < READERS; i++) {
        flush(&readers[i]);
        assert_true(is_live(&readers[i]));
    }
    for (size_t i = 0; i < READERS; i++)
        run(rig, &readers[i], 100);
    for (size_t i = 0; i < READERS; i++)
        assert_true(is_live(&readers[i]));
    leave_all(readers, READERS);
    rig_free(rig);
}

static void test_long_replays_read_round_robin(void **state)
{
    (void)state;
    struct rig *rig = rig_with_history(200);
    struct reader readers[READERS];
    for (size_t i = 0; i < READERS; i++) {
        replay(rig, &readers[i], "*", 20 * i + 1);
        flush(&readers[i]);
    }
    // Each slice is used by one reader, which then wants the next.
    for (size_t round = 0; round < 3; round++) {
        for (size_t i = 0; i < READERS; i++) {
            assert_int_equal(requested(rig), 20 * i + 1 + 2 * round);
            answer(rig, 2);
            flush(&readers[i]);
            (void)end_turn(rig);
        }
    }
    leave_all(readers, READERS);
    rig_free(rig);
}

static void test_who_comes_late_is_not_overtaken_by_those_that_read_already(void **state)
{
    (void)state;
    struct rig *rig = rig_with_history(200);
    struct reader readers[READERS];
    struct reader late;
    for (size_t i = 0; i < READERS; i++) {
        replay(rig, &readers[i], "*", 20 * i + 1);
        flush(&readers[i]);
    }
    replay(rig, &late, "*", 190);
    flush(&late);
    unsigned reads = 0;
    while (requested(rig) != 190) {
        size_t reader = (requested(rig) - 1) / 20;
        answer(rig, 2);
        flush(&readers[reader]);
        (void)end_turn(rig);
        reads++;
    }
    assert_int_equal(reads, READERS);
    answer(rig, 100);
    flush(&late);
    assert_string_equal(received(&late), "191 192 193 194 195 196 197 198 199 200 ");
    leave(&late);
    leave_all(readers, READERS);
    rig_free(rig);
}

static void test_nothing_more_is_read_until_those_whose_slice_has_come_have_looked_at_it(void **state)
{
    (void)state;
    struct rig *rig = rig_with_history(200);
    struct reader readers[READERS];
    for (size_t i = 0; i < READERS; i++) {
        replay(rig, &readers[i], "*", 20 * i + 1);
        flush(&readers[i]);
    }
    for (size_t i = 0; i < HISTORY_REQUESTS_MAX; i++)
        answer(rig, 2);
    (void)end_turn(rig);
    assert_int_equal(rig->sequencer.request_count, 0);
    for (size_t i = 0; i < HISTORY_REQUESTS_MAX; i++)
        (void)flush_some(&readers[i], SIZE_MAX);
    (void)end_turn(rig);
    assert_int_equal(rig->sequencer.request_count, HISTORY_REQUESTS_MAX);
    leave_all(readers, READERS);
    rig_free(rig);
}

static void test_who_does_not_take_bytes_while_its_slice_comes_holds_nobody_up(void **state)
{
    (void)state;
    struct rig *rig = rig_with_history(200);
    struct reader stalled;
    struct reader other;
    replay(rig, &stalled, "*", 1);
    (void)flush_some(&stalled, SIZE_MAX);
    stalled.subscriber->comment_due = true;
    assert_int_equal(flush_some(&stalled, 1), 1); // a heartbeat has filled its socket
    answer(rig, 2);
    replay(rig, &other, "*", 100);
    run(rig, &other, 100);
    assert_true(is_live(&other));
    (void)flush_some(&stalled, SIZE_MAX);
    run(rig, &stalled, 100);
    assert_true(is_live(&stalled));
    leave(&stalled);
    leave(&other);
    rig_free(rig);
}

// ---- What is kept, and for how long ----

static void pass_time(struct rig *rig, uint64_t ms)
{
    rig->loop.uv.time += ms;
    struct timer *timer = &rig->shard.history._unused;
    if (timer_is_set(timer)) {
        timer_cancel(timer);
        timer->fire(timer);
    }
}

static void test_slices_are_dropped_some_seconds_after_their_last_use(void **state)
{
    (void)state;
    struct rig *rig = rig_with_history(10);
    const struct history *history = &rig->shard.history;
    struct reader reader;
    assert_false(timer_is_set(&history->_unused));
    replay(rig, &reader, "*", 1);
    run(rig, &reader, 100);
    leave(&reader);
    assert_int_equal(history->_kept_count, 1);
    pass_time(rig, HISTORY_KEPT_MS - 1000);
    replay(rig, &reader, "*", 1); // a use
    run(rig, &reader, 100);
    leave(&reader);
    pass_time(rig, HISTORY_KEPT_MS - 1000);
    assert_int_equal(history->_kept_count, 1);
    assert_true(timer_is_set(&history->_unused));
    pass_time(rig, 1000);
    assert_int_equal(history->_kept_count, 0);
    assert_false(timer_is_set(&history->_unused));
    rig_free(rig);
}

static void test_the_slices_used_last_are_kept(void **state)
{
    (void)state;
    struct rig *rig = rig_with_history(200);
    struct reader reader;
    for (uint64_t i = 0; i < HISTORY_KEPT_MAX + 4; i++) {
        replay(rig, &reader, "none", 10 * i + 1);
        (void)flush_some(&reader, SIZE_MAX);
        answer(rig, 2);
        leave(&reader);
    }
    assert_int_equal(rig->shard.history._kept_count, HISTORY_KEPT_MAX);
    unsigned reads = rig->reads;
    replay(rig, &reader, "*", 10 * (HISTORY_KEPT_MAX + 3) + 1);
    (void)flush_some(&reader, SIZE_MAX);
    assert_string_equal(received(&reader), "192 193 ");
    assert_int_equal(rig->reads, reads);
    leave(&reader);
    rig_free(rig);
}

static void test_what_the_store_no_longer_keeps_is_forgotten(void **state)
{
    (void)state;
    struct rig *rig = rig_with_history(10);
    struct reader reader;
    replay(rig, &reader, "*", 1);
    run(rig, &reader, 100);
    leave(&reader);
    struct batch *batch = new_batch(rig, 0);
    batch->oldest = position_of(5);
    post(batch);
    assert_int_equal(rig->shard.history._kept_count, 0);
    rig_free(rig);
}

// ---- Nothing there, errors, a new epoch ----

static void test_an_empty_history_leads_to_what_came_after_the_question(void **state)
{
    (void)state;
    struct rig *rig = rig_with_history(4);
    struct reader reader;
    rig->oldest = 5; // the store has dropped all of it
    replay(rig, &reader, "*", 0);
    (void)flush_some(&reader, SIZE_MAX);
    // More comes, and leaves the tail again, before the answer is here.
    struct slice_request *request = read_slice(rig, 100);
    publish_series(rig, "a", 4);
    trim(rig, 8);
    history_handle_slice(&request->message);
    run(rig, &reader, 100);
    assert_string_equal(received(&reader), "5 6 7 8 ");
    assert_true(is_live(&reader));
    leave(&reader);
    // It is no news for who comes later.
    publish_series(rig, "a", 4);
    trim(rig, 12);
    replay(rig, &reader, "*", 0);
    run(rig, &reader, 100);
    assert_string_equal(received(&reader), "5 6 7 8 9 10 11 12 ");
    leave(&reader);
    rig_free(rig);
}

static void test_a_slice_that_cannot_be_read_cuts_those_that_wait_for_it_alone(void **state)
{
    (void)state;
    struct rig *rig = rig_with_history(10);
    struct reader readers[3];
    replay(rig, &readers[0], "*", 1);
    replay(rig, &readers[1], "a", 1);
    replay(rig, &readers[2], "*", 5);
    for (size_t i = 0; i < 3; i++)
        flush(&readers[i]);
    answer_error(rig);
    assert_true(readers[0].stream.cut && readers[1].stream.cut);
    run(rig, &readers[2], 100);
    assert_string_equal(received(&readers[2]), "6 7 8 9 10 ");
    leave_all(readers, 3);
    rig_free(rig);
}

static void test_after_a_new_beginning_slices_from_before_are_not_used(void **state)
{
    (void)state;
    struct rig *rig = rig_with_history(10);
    struct reader before;
    struct reader after;
    replay(rig, &before, "*", 2);
    flush(&before);
    begin_anew(rig);
    assert_true(before.stream.cut);
    store(rig, "a");
    store(rig, "a");
    store(rig, "a");
    feed(rig);
    trim(rig, rig->fed + 1);
    // At the same position, which means another update now.
    replay(rig, &after, "*", 2);
    flush(&after);
    assert_int_equal(rig->sequencer.request_count, 2);
    answer(rig, 100);
    assert_false(after.stream.woken);
    assert_int_equal(rig->shard.history._kept_count, 0);
    answer(rig, 100);
    assert_true(after.stream.woken);
    run(rig, &after, 100);
    assert_string_equal(received(&after), "3 ");
    leave(&before);
    leave(&after);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equally_late_subscribers_share_one_read_and_one_slice),
        cmocka_unit_test(test_a_long_replay_alone_has_its_next_slice_read_while_it_looks_at_this_one),
        cmocka_unit_test(test_so_many_slices_are_read_at_once_and_others_wait_their_turn),
        cmocka_unit_test(test_long_replays_read_round_robin),
        cmocka_unit_test(test_who_comes_late_is_not_overtaken_by_those_that_read_already),
        cmocka_unit_test(test_nothing_more_is_read_until_those_whose_slice_has_come_have_looked_at_it),
        cmocka_unit_test(test_who_does_not_take_bytes_while_its_slice_comes_holds_nobody_up),
        cmocka_unit_test(test_slices_are_dropped_some_seconds_after_their_last_use),
        cmocka_unit_test(test_the_slices_used_last_are_kept),
        cmocka_unit_test(test_what_the_store_no_longer_keeps_is_forgotten),
        cmocka_unit_test(test_an_empty_history_leads_to_what_came_after_the_question),
        cmocka_unit_test(test_a_slice_that_cannot_be_read_cuts_those_that_wait_for_it_alone),
        cmocka_unit_test(test_after_a_new_beginning_slices_from_before_are_not_used),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
