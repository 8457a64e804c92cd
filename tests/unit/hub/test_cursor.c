#include "hub/cursor.h"

#include "reader.h"

// ---- Live ----

static void test_a_live_subscriber_gets_what_matches_and_nothing_is_noted_for_the_others(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct reader a;
    struct reader b;
    subscribe(rig, &a, "a");
    subscribe(rig, &b, "b");
    publish(rig, "a");
    assert_true(a.stream.woken);
    assert_false(a.stream.later);
    assert_false(b.stream.woken);
    assert_int_equal(b.subscriber->pending_count, 0);
    flush(&a);
    assert_string_equal(received(&a), "1 ");
    assert_true(is_live(&a));
    leave(&a);
    leave(&b);
    rig_free(rig);
}

static void test_an_update_that_several_matchers_hit_comes_once(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct reader reader;
    subscribe(rig, &reader, "a,b,*");
    publish(rig, "a,b");
    publish(rig, "b,a,b");
    flush(&reader);
    assert_string_equal(received(&reader), "1 2 ");
    leave(&reader);
    rig_free(rig);
}

static void test_what_is_sent_is_the_one_copy_of_the_update(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct reader a;
    struct reader b;
    subscribe(rig, &a, "a");
    subscribe(rig, &b, "*");
    publish(rig, "a");
    flush(&a);
    flush(&b);
    assert_ptr_equal(a.owners[0], &rig->updates[1]->ref);
    assert_ptr_equal(b.owners[0], &rig->updates[1]->ref);
    leave(&a);
    leave(&b);
    rig_free(rig);
}

static void test_a_live_subscriber_has_room_for_64_updates_of_one_turn(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct reader reader;
    subscribe(rig, &reader, "a");
    publish_series(rig, "a", PENDING_MAX);
    assert_true(is_live(&reader));
    assert_int_equal(flush_some(&reader, SIZE_MAX), PENDING_MAX);
    assert_true(is_live(&reader));
    assert_null(reader.subscriber->pending_block);
    leave(&reader);
    rig_free(rig);
}

static void test_one_update_more_makes_it_fall_behind_and_it_gets_all_of_them(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct reader reader;
    subscribe(rig, &reader, "a");
    publish_series(rig, "a", PENDING_MAX + 1);
    assert_false(is_live(&reader));
    assert_int_equal(flush_some(&reader, SIZE_MAX), PENDING_MAX + 1);
    assert_true(is_live(&reader));
    assert_memory_equal(received(&reader), "1 2 3 ", 6);
    publish(rig, "a");
    flush(&reader);
    assert_string_equal(received(&reader), "66 ");
    leave(&reader);
    rig_free(rig);
}

static void test_who_finds_the_pool_empty_falls_behind(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct reader first;
    struct reader second;
    rig->shard.pool.left = 1;
    subscribe(rig, &first, "a");
    subscribe(rig, &second, "a");
    publish_series(rig, "a", PENDING_INLINE + 1);
    assert_true(is_live(&first));
    assert_false(is_live(&second));
    flush(&first);
    flush(&second);
    assert_string_equal(received(&first), "1 2 3 ");
    assert_string_equal(received(&second), "1 2 3 ");
    // The block has come back.
    publish_series(rig, "a", PENDING_INLINE + 1);
    assert_int_equal(is_live(&first) + is_live(&second), 1);
    flush(&first);
    flush(&second);
    leave(&first);
    leave(&second);
    rig_free(rig);
}

static void test_what_one_flush_has_no_room_for_is_not_left_pending(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct reader reader;
    struct http_slice slices[2];
    subscribe(rig, &reader, "a");
    publish_series(rig, "a", 5);
    reader.stream.woken = false;
    assert_int_equal(cursor_next(reader.subscriber, slices, 2, RIG_BUDGET), 2);
    cursor_taken(reader.subscriber, 2, false);
    assert_true(reader.stream.later);
    assert_int_equal(reader.subscriber->pending_count, 0);
    flush(&reader);
    assert_string_equal(received(&reader), "3 4 5 ");
    assert_true(is_live(&reader));
    leave(&reader);
    rig_free(rig);
}

// ---- The tail stays while it is pointed at ----

static void test_the_tail_keeps_what_a_live_subscriber_is_still_to_be_sent(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct reader slow;
    subscribe(rig, &slow, "a");
    publish_series(rig, "b,a", 3);
    publish_series(rig, "b", 3);
    trim(rig, 6);
    assert_int_equal(tail_begin(rig), 1);
    flush(&slow);
    assert_string_equal(received(&slow), "1 2 3 ");
    shard_end_turn(&rig->shard);
    assert_int_equal(tail_begin(rig), 6);
    leave(&slow);
    rig_free(rig);
}

static void test_the_tail_is_trimmed_though_some_subscriber_always_waits_for_its_flush(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct reader readers[2];
    subscribe(rig, &readers[0], "a");
    subscribe(rig, &readers[1], "a");
    publish(rig, "a");
    // In each turn one of the two is flushed, and the next update comes before the other.
    for (uint64_t number = 2; number <= 100; number++) {
        flush(&readers[number % 2]);
        publish(rig, "a");
        trim(rig, number + 1);
        assert_true(readers[0].stream.woken || readers[1].stream.woken);
        assert_in_range(tail_begin(rig), number - 1, number);
    }
    leave(&readers[0]);
    leave(&readers[1]);
    rig_free(rig);
}

static void test_who_leaves_or_is_cut_holds_the_tail_no_more(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct reader gone;
    struct reader cut;
    subscribe(rig, &gone, "a");
    subscribe(rig, &cut, "a");
    publish(rig, "a");
    leave(&gone);
    trim(rig, 2);
    assert_int_equal(tail_begin(rig), 1);
    subscriber_cut(cut.subscriber);
    trim(rig, 2);
    assert_int_equal(tail_begin(rig), 2);
    leave(&cut);
    rig_free(rig);
}

// ---- The full socket ----

static void test_a_full_socket_makes_it_fall_behind_and_it_goes_on_where_it_stopped(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct reader reader;
    subscribe(rig, &reader, "a");
    publish_series(rig, "a", 3);
    assert_int_equal(flush_some(&reader, 1), 1);
    assert_false(is_live(&reader));
    assert_false(reader.stream.woken);
    publish(rig, "a");
    assert_false(reader.stream.woken); // matching passes it over
    assert_int_equal(flush_some(&reader, 2), 2);
    assert_string_equal(received(&reader), "1 2 3 ");
    (void)flush_some(&reader, SIZE_MAX);
    assert_string_equal(received(&reader), "4 ");
    assert_true(is_live(&reader));
    leave(&reader);
    rig_free(rig);
}

static void test_a_socket_that_is_full_after_the_last_update_delays_only_what_comes_next(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct reader reader;
    subscribe(rig, &reader, "a");
    publish(rig, "a");
    assert_int_equal(flush_some(&reader, 1), 1);
    assert_false(is_live(&reader));
    publish(rig, "b");
    (void)flush_some(&reader, SIZE_MAX);
    assert_true(is_live(&reader));
    publish(rig, "a");
    flush(&reader);
    assert_string_equal(received(&reader), "1 3 ");
    leave(&reader);
    rig_free(rig);
}

static void test_a_socket_that_takes_nothing_loses_nothing(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct reader reader;
    subscribe(rig, &reader, "*");
    publish_series(rig, "a", 2);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(flush_some(&reader, 0), 0);
    (void)flush_some(&reader, SIZE_MAX);
    assert_string_equal(received(&reader), "1 2 ");
    assert_true(is_live(&reader));
    leave(&reader);
    rig_free(rig);
}

// ---- Behind: in the tail, in history, ahead ----

static void test_a_replay_within_the_tail_needs_no_history(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct reader exact;
    struct reader star;
    publish(rig, "a");
    publish(rig, "b");
    publish(rig, "b,a");
    publish(rig, "a");
    replay(rig, &exact, "a", 1);
    replay(rig, &star, "*", 2);
    flush(&exact);
    flush(&star);
    assert_string_equal(received(&exact), "3 4 ");
    assert_string_equal(received(&star), "3 4 ");
    assert_true(is_live(&exact) && is_live(&star));
    assert_int_equal(rig->sequencer.request_count, 0);
    leave(&exact);
    leave(&star);
    rig_free(rig);
}

static void test_a_replay_goes_from_history_over_the_tail_to_live_without_a_gap_or_a_repeat(void **state)
{
    (void)state;
    for (size_t slice = 1; slice <= 12; slice++) {
        for (uint64_t begin = 1; begin <= 11; begin++) {
            struct rig *rig = rig_new();
            struct reader reader;
            publish_series(rig, "a", 10);
            trim(rig, begin);
            replay(rig, &reader, "a", 2);
            run(rig, &reader, slice);
            assert_true(is_live(&reader));
            publish(rig, "a");
            flush(&reader);
            assert_string_equal(received(&reader), "3 4 5 6 7 8 9 10 11 ");
            leave(&reader);
            rig_free(rig);
        }
    }
}

static void test_a_replay_overtaken_by_the_feed_at_any_point_gets_everything_once(void **state)
{
    (void)state;
    for (unsigned at = 0; at < 12; at++) {
        struct rig *rig = rig_new();
        struct reader reader;
        publish_series(rig, "a", 8);
        trim(rig, 5);
        replay(rig, &reader, "*", 0);
        for (unsigned step = 0; step < 12; step++) {
            if (step == at) { // more comes, and the tail moves on below it
                publish_series(rig, "a", 4);
                trim(rig, 11);
            }
            if (reader.stream.woken)
                (void)flush_some(&reader, SIZE_MAX);
            else if (rig->sequencer.request_count)
                answer(rig, 2);
        }
        run(rig, &reader, 2);
        assert_true(is_live(&reader));
        assert_string_equal(received(&reader), "1 2 3 4 5 6 7 8 9 10 11 12 ");
        leave(&reader);
        rig_free(rig);
    }
}

static void test_what_history_has_before_the_feed_comes_once(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct reader reader;
    publish_series(rig, "a", 4);
    trim(rig, 5);
    store(rig, "a"); // stored, and not fed yet
    replay(rig, &reader, "a", 1);
    run(rig, &reader, 100);
    assert_string_equal(received(&reader), "2 3 4 ");
    assert_true(is_live(&reader));
    feed(rig);
    flush(&reader);
    assert_string_equal(received(&reader), "5 ");
    leave(&reader);
    rig_free(rig);
}

static void test_who_falls_out_of_the_tail_goes_on_in_history(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct reader reader;
    subscribe(rig, &reader, "a");
    publish_series(rig, "a", 4);
    assert_int_equal(flush_some(&reader, 2), 2);
    publish_series(rig, "a", 4);
    trim(rig, 7);
    assert_int_equal(tail_begin(rig), 7);
    (void)flush_some(&reader, SIZE_MAX); // the socket takes bytes again
    run(rig, &reader, 3);
    assert_string_equal(received(&reader), "1 2 3 4 5 6 7 8 ");
    assert_true(is_live(&reader));
    leave(&reader);
    rig_free(rig);
}

static void test_who_is_ahead_gets_nothing_until_the_head_has_passed_its_position(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct reader reader;
    publish_series(rig, "a", 2);
    store(rig, "a");
    store(rig, "a");
    replay(rig, &reader, "a", 4); // the client has seen the fourth by another worker
    flush(&reader);
    assert_false(is_live(&reader));
    uint64_t newest = rig->newest;
    rig->newest = 3;
    feed(rig);
    flush(&reader);
    assert_false(is_live(&reader));
    rig->newest = newest;
    feed(rig);
    flush(&reader);
    assert_true(is_live(&reader));
    publish(rig, "a");
    flush(&reader);
    assert_string_equal(received(&reader), "5 ");
    assert_int_equal(rig->reads + rig->sequencer.request_count, 0);
    leave(&reader);
    rig_free(rig);
}

static void test_who_leaves_while_it_waits_is_forgotten(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct reader ahead;
    struct reader late;
    publish_series(rig, "a", 4);
    trim(rig, 4);
    store(rig, "a");
    replay(rig, &ahead, "a", 5);
    replay(rig, &late, "a", 1);
    flush(&ahead);
    flush(&late);
    leave(&ahead);
    leave(&late);
    feed(rig);
    answer(rig, 100);
    rig_free(rig);
}

// ---- What is no longer kept ----

static void test_a_gap_in_history_cuts_the_stream(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct reader reader;
    publish_series(rig, "a", 6);
    trim(rig, 6);
    rig->oldest = 4;
    replay(rig, &reader, "a", 2);
    run(rig, &reader, 100);
    assert_true(reader.stream.cut);
    assert_string_equal(received(&reader), "");
    assert_int_equal(counter_read(&rig->shard.metrics.lost_history), 1);
    leave(&reader);
    rig_free(rig);
}

static void test_a_replay_of_all_that_is_kept_has_no_gap(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct reader reader;
    publish_series(rig, "a", 6);
    trim(rig, 6);
    rig->oldest = 4;
    replay(rig, &reader, "a", 0);
    run(rig, &reader, 100);
    assert_string_equal(received(&reader), "4 5 6 ");
    assert_true(is_live(&reader));
    leave(&reader);
    rig_free(rig);
}

static void test_without_a_history_the_tail_is_all_there_is(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct reader all;
    struct reader late;
    rig->sequencer.has_history = false;
    publish_series(rig, "a", 6);
    trim(rig, 5);
    replay(rig, &all, "a", 0);
    replay(rig, &late, "a", 2);
    flush(&all);
    flush(&late);
    assert_string_equal(received(&all), "5 6 ");
    assert_true(is_live(&all));
    assert_true(late.stream.cut);
    leave(&all);
    leave(&late);
    rig_free(rig);
}

// ---- What a flush may cost ----

// So many topics or matchers, each with the prefix.
static char *many(char prefix, unsigned count)
{
    size_t size = count * 8;
    char *text = calloc(1, size + 1);
    assert_non_null(text);
    for (unsigned i = 0, len = 0; i < count; i++)
        len += (unsigned)snprintf(text + len, size - len, "%s%c%u", i ? "," : "", prefix, i);
    return text;
}

static void test_a_flush_looks_at_fewer_updates_where_each_takes_more_comparisons(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    char *topics = many('t', 900);
    char *matchers = many('m', 100);
    struct reader heavy;
    struct reader light;
    publish_series(rig, topics, 10);
    publish(rig, "light");
    trim(rig, 12);
    replay(rig, &heavy, matchers, 0);
    replay(rig, &light, "light", 0);
    (void)flush_some(&heavy, SIZE_MAX);
    (void)flush_some(&light, SIZE_MAX);
    answer(rig, 100);
    (void)flush_some(&light, SIZE_MAX);
    assert_string_equal(received(&light), "11 ");
    unsigned flushes = 0;
    while (heavy.stream.woken) {
        assert_true(heavy.stream.later);
        (void)flush_some(&heavy, SIZE_MAX);
        flushes++;
    }
    assert_true(is_live(&heavy));
    assert_in_range(flushes, 5, 11);
    leave(&heavy);
    leave(&light);
    free(topics);
    free(matchers);
    rig_free(rig);
}

static void test_a_cursor_whose_every_look_is_over_the_bound_still_moves_on(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    char *matchers = many('m', 1000);
    char *topics = many('t', 900);
    struct reader in_tail;
    struct reader in_history;
    publish_series(rig, topics, 3);
    publish_series(rig, "m1", 20);
    replay(rig, &in_tail, matchers, 3);
    flush(&in_tail);
    assert_true(is_live(&in_tail));
    assert_memory_equal(received(&in_tail), "4 5 6 ", 6);
    trim(rig, 24);
    replay(rig, &in_history, matchers, 0);
    run(rig, &in_history, 100);
    assert_true(is_live(&in_history));
    assert_memory_equal(received(&in_history), "4 5 6 ", 6);
    leave(&in_tail);
    leave(&in_history);
    free(topics);
    free(matchers);
    rig_free(rig);
}

static void test_private_updates_are_replayed_to_whom_they_are_granted_alone(void **state)
{
    (void)state;
    for (uint64_t begin = 1; begin <= 5; begin += 4) { // from the tail, and from history
        struct rig *rig = rig_new();
        struct reader anonymous;
        struct reader granted;
        struct authorization *authorization = authorization_for("a");
        publish_private(rig, "a");
        publish_private(rig, "b");
        publish_private(rig, "b,a");
        publish(rig, "b");
        trim(rig, begin);
        replay(rig, &anonymous, "a,b", 0);
        run(rig, &anonymous, 100);
        subscribe_after(rig, &granted, "a,b", 0, false, authorization);
        run(rig, &granted, 100);
        assert_string_equal(received(&anonymous), "4 ");
        assert_string_equal(received(&granted), "1 3 4 ");
        ref_put(&authorization->ref);
        leave(&anonymous);
        leave(&granted);
        rig_free(rig);
    }
}

// ---- The end ----

static void test_a_stream_that_ends_gives_what_is_pending_and_no_more(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct reader live;
    struct reader late;
    subscribe(rig, &live, "a");
    publish_series(rig, "a", 2);
    replay(rig, &late, "a", 0);
    shard_end_streams(&rig->shard);
    publish(rig, "a");
    flush(&live);
    flush(&late);
    assert_true(live.stream.ended && late.stream.ended);
    assert_string_equal(received(&live), "1 2 ");
    assert_string_equal(received(&late), "");
    leave(&live);
    leave(&late);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_live_subscriber_gets_what_matches_and_nothing_is_noted_for_the_others),
        cmocka_unit_test(test_an_update_that_several_matchers_hit_comes_once),
        cmocka_unit_test(test_what_is_sent_is_the_one_copy_of_the_update),
        cmocka_unit_test(test_a_live_subscriber_has_room_for_64_updates_of_one_turn),
        cmocka_unit_test(test_one_update_more_makes_it_fall_behind_and_it_gets_all_of_them),
        cmocka_unit_test(test_who_finds_the_pool_empty_falls_behind),
        cmocka_unit_test(test_what_one_flush_has_no_room_for_is_not_left_pending),
        cmocka_unit_test(test_the_tail_keeps_what_a_live_subscriber_is_still_to_be_sent),
        cmocka_unit_test(test_the_tail_is_trimmed_though_some_subscriber_always_waits_for_its_flush),
        cmocka_unit_test(test_who_leaves_or_is_cut_holds_the_tail_no_more),
        cmocka_unit_test(test_a_full_socket_makes_it_fall_behind_and_it_goes_on_where_it_stopped),
        cmocka_unit_test(test_a_socket_that_is_full_after_the_last_update_delays_only_what_comes_next),
        cmocka_unit_test(test_a_socket_that_takes_nothing_loses_nothing),
        cmocka_unit_test(test_a_replay_within_the_tail_needs_no_history),
        cmocka_unit_test(test_a_replay_goes_from_history_over_the_tail_to_live_without_a_gap_or_a_repeat),
        cmocka_unit_test(test_a_replay_overtaken_by_the_feed_at_any_point_gets_everything_once),
        cmocka_unit_test(test_what_history_has_before_the_feed_comes_once),
        cmocka_unit_test(test_who_falls_out_of_the_tail_goes_on_in_history),
        cmocka_unit_test(test_who_is_ahead_gets_nothing_until_the_head_has_passed_its_position),
        cmocka_unit_test(test_who_leaves_while_it_waits_is_forgotten),
        cmocka_unit_test(test_a_gap_in_history_cuts_the_stream),
        cmocka_unit_test(test_a_replay_of_all_that_is_kept_has_no_gap),
        cmocka_unit_test(test_without_a_history_the_tail_is_all_there_is),
        cmocka_unit_test(test_a_flush_looks_at_fewer_updates_where_each_takes_more_comparisons),
        cmocka_unit_test(test_a_cursor_whose_every_look_is_over_the_bound_still_moves_on),
        cmocka_unit_test(test_private_updates_are_replayed_to_whom_they_are_granted_alone),
        cmocka_unit_test(test_a_stream_that_ends_gives_what_is_pending_and_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
