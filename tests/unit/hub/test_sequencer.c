#include "sequencer_rig.h"

#include "base/log.h"
#include "hub/publish_queue.h"
#include "hub/tail.h"

#define NO_BOUND ((size_t)1 << 40)

static void start(struct sequencer_rig *rig, size_t worker_lag_max)
{
    rig_init(rig);
    assert_int_equal(rig_start(rig, &fake_driver, 1U << 20, worker_lag_max), HUB_OK);
    rig_open_transport(rig);
    assert_int_equal(rig->opened, HUB_OK);
    settled_so_far = 0;
}

static void stop(struct sequencer_rig *rig)
{
    rig_stop(rig);
    rig_done(rig);
}

static void publish_new(struct sequencer_rig *rig, struct published *published, const char *id,
                        size_t frame_size)
{
    struct update *update = make_update(id, frame_size);
    assert_non_null(update);
    publish(rig, published, update);
}

// The ids in a worker's tail, with a space behind each.
static const char *ids_in_tail(const struct shard *shard)
{
    static char text[256];
    text[0] = 0;
    for (uint64_t offset = shard->tail.first; offset < shard->tail.next; offset++) {
        struct str id = tail_at(&shard->tail, offset)->update->record.id;
        (void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%.*s ", STR_ARG(id));
    }
    return text;
}

static void assert_tails(const struct sequencer_rig *rig, const char *ids)
{
    for (size_t i = 0; i < WORKERS; i++)
        assert_string_equal(ids_in_tail(&rig->shards[i]), ids);
}

// ---- Groups ----

static void publishes_of_one_turn_are_one_group_in_their_order(void **state)
{
    (void)state;
    struct sequencer_rig rig;
    struct published published[3];
    start(&rig, NO_BOUND);
    publish_new(&rig, &published[0], "a", 1);
    publish_new(&rig, &published[1], "b", 1);
    publish_new(&rig, &published[2], "c", 1);
    turn_all(&rig);
    assert_int_equal(rig.fake.groups, 1);
    assert_int_equal(rig.fake.group->count, 3);
    const struct record *first = &rig.fake.group->updates[0]->record;
    for (size_t i = 0; i < 3; i++) {
        const struct record *record = &rig.fake.group->updates[i]->record;
        assert_true(record->node == first->node && record->boot == first->boot);
        assert_int_equal(record->sequence, i + 1);
    }
    assert_false(published[0].settled);
    fake_store(&rig.fake);
    turn_all(&rig);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(published[i].rank, i + 1);
        assert_int_equal(published[i].request.queued.result, PUBLISH_STORED);
    }
    assert_tails(&rig, "a b c ");
    stop(&rig);
}

static void one_group_is_in_flight_and_the_next_takes_what_has_come_meanwhile(void **state)
{
    (void)state;
    struct sequencer_rig rig;
    struct published published[3];
    start(&rig, NO_BOUND);
    for (size_t i = 0; i < 3; i++) {
        publish_new(&rig, &published[i], "x", 1);
        turn_all(&rig);
    }
    assert_int_equal(rig.fake.groups, 1);
    fake_store(&rig.fake);
    assert_int_equal(rig.fake.groups, 2);
    assert_int_equal(rig.fake.group->count, 2);
    fake_store(&rig.fake);
    turn_all(&rig);
    // An id may come twice; each is an update of its own.
    assert_tails(&rig, "x x x ");
    stop(&rig);
}

static void a_group_holds_so_many_updates_at_most(void **state)
{
    (void)state;
    struct sequencer_rig rig;
    static struct published published[GROUP_MAX + 1];
    start(&rig, NO_BOUND);
    for (size_t i = 0; i < GROUP_MAX + 1; i++)
        publish_new(&rig, &published[i], "x", 1);
    turn_all(&rig);
    assert_int_equal(rig.fake.group->count, GROUP_MAX);
    fake_store(&rig.fake);
    assert_int_equal(rig.fake.group->count, 1);
    fake_store(&rig.fake);
    turn_all(&rig);
    assert_int_equal(settled_so_far, GROUP_MAX + 1);
    stop(&rig);
}

static void a_group_ends_with_the_update_that_passes_its_bytes(void **state)
{
    (void)state;
    struct sequencer_rig rig;
    struct published published[4];
    start(&rig, NO_BOUND);
    for (size_t i = 0; i < 4; i++)
        publish_new(&rig, &published[i], "x", GROUP_BYTES_MAX / 2);
    turn_all(&rig);
    assert_int_equal(rig.fake.group->count, 2);
    fake_store(&rig.fake);
    assert_int_equal(rig.fake.group->count, 2);
    fake_store(&rig.fake);
    turn_all(&rig);
    stop(&rig);
}

// ---- Results ----

static void each_publish_is_told_what_became_of_it(void **state)
{
    (void)state;
    struct sequencer_rig rig;
    struct published published[3];
    start(&rig, NO_BOUND);
    publish_new(&rig, &published[0], "a", 1);
    turn_all(&rig);
    fake_answer(&rig.fake, PUBLISH_REFUSED, "the disk is full");
    publish_new(&rig, &published[1], "b", 1);
    turn_all(&rig);
    fake_answer(&rig.fake, PUBLISH_UNKNOWN, NULL);
    rig.fake.publish_err = -ENOMEM;
    publish_new(&rig, &published[2], "c", 1);
    turn_all(&rig);
    assert_int_equal(published[0].request.queued.result, PUBLISH_REFUSED);
    assert_string_equal(published[0].request.queued.reason, "the disk is full");
    assert_int_equal(published[1].request.queued.result, PUBLISH_UNKNOWN);
    assert_int_equal(published[2].request.queued.result, PUBLISH_REFUSED);
    assert_string_equal(published[2].request.queued.reason, err_text(-ENOMEM));
    assert_int_equal(counter_read(&sequencer_metrics(rig.sequencer)->refused), 2);
    assert_int_equal(counter_read(&sequencer_metrics(rig.sequencer)->stored), 0);
    assert_tails(&rig, "");
    rig.fake.publish_err = HUB_OK;
    stop(&rig);
}

static void an_update_whose_answer_was_lost_may_still_come(void **state)
{
    (void)state;
    struct sequencer_rig rig;
    struct published published;
    start(&rig, NO_BOUND);
    publish_new(&rig, &published, "a", 1);
    turn_all(&rig);
    struct update *update = rig.fake.group->updates[0];
    ref_get(&update->ref);
    fake_answer(&rig.fake, PUBLISH_UNKNOWN, NULL);
    turn_all(&rig);
    fake_feed(&rig.fake, update);
    turn_all(&rig);
    assert_tails(&rig, "a ");
    stop(&rig);
}

static void nothing_is_taken_before_the_transport_is_open_or_once_the_hub_stops(void **state)
{
    (void)state;
    struct sequencer_rig rig;
    struct published published[4];
    rig_init(&rig);
    assert_int_equal(rig_start(&rig, &fake_driver, 1U << 20, NO_BOUND), HUB_OK);
    publish_new(&rig, &published[0], "early", 1);
    turn_all(&rig);
    assert_int_equal(published[0].request.queued.result, PUBLISH_REFUSED);
    assert_string_equal(published[0].request.queued.reason, "the transport is being opened");
    rig_open_transport(&rig);
    publish_new(&rig, &published[1], "in flight", 1);
    turn_all(&rig);
    publish_new(&rig, &published[2], "waits", 1);
    turn_all(&rig);
    sequencer_close(rig.sequencer);
    publish_new(&rig, &published[3], "late", 1);
    turn_all(&rig);
    for (size_t i = 2; i < 4; i++) {
        assert_int_equal(published[i].request.queued.result, PUBLISH_REFUSED);
        assert_string_equal(published[i].request.queued.reason, "the hub stops");
    }
    // What is in flight is awaited, and then the transport is closed.
    assert_false(rig.fake.closed);
    assert_false(published[1].settled);
    fake_store(&rig.fake);
    turn_all(&rig);
    assert_int_equal(published[1].request.queued.result, PUBLISH_STORED);
    assert_true(rig.fake.closed);
    assert_tails(&rig, "in flight ");
    rig_finish(&rig);
    rig_done(&rig);
}

// ---- The feed ----

static void what_has_come_by_is_left_out(void **state)
{
    (void)state;
    struct sequencer_rig rig;
    start(&rig, NO_BOUND);
    fake_feed(&rig.fake, make_update("a", 1));
    fake_feed(&rig.fake, make_update("b", 1));
    rig.fake.head = 0;
    fake_feed(&rig.fake, make_update("a", 1));
    fake_feed(&rig.fake, make_update("b", 1));
    fake_feed(&rig.fake, make_update("c", 1));
    turn_all(&rig);
    assert_tails(&rig, "a b c ");
    stop(&rig);
}

static void the_feed_and_publishing_pause_until_the_slowest_worker_is_near_again(void **state)
{
    (void)state;
    struct sequencer_rig rig;
    struct published published;
    start(&rig, 2000);
    fake_feed(&rig.fake, make_update("a", 1500));
    turn(&rig.worker_loops[0]);
    turn(&rig.hub_loop);
    assert_false(rig.fake.paused);
    fake_feed(&rig.fake, make_update("b", 1500));
    assert_true(rig.fake.paused);
    assert_true(sequencer_is_held(rig.sequencer));
    publish_new(&rig, &published, "c", 1);
    // One of two is not enough.
    turn(&rig.worker_loops[0]);
    turn(&rig.hub_loop);
    turn(&rig.hub_loop);
    assert_true(rig.fake.paused);
    assert_null(rig.fake.group);
    turn_all(&rig);
    assert_false(rig.fake.paused);
    assert_non_null(rig.fake.group);
    fake_store(&rig.fake);
    turn_all(&rig);
    assert_tails(&rig, "a b c ");
    stop(&rig);
}

static void tails_let_go_of_the_oldest_when_they_are_full_or_the_store_has_dropped_them(void **state)
{
    (void)state;
    struct sequencer_rig rig;
    rig_init(&rig);
    assert_int_equal(rig_start(&rig, &fake_driver, 40000, NO_BOUND), HUB_OK);
    rig_open_transport(&rig);
    static const char *const ids[] = {"a", "b", "c", "d"};
    for (size_t i = 0; i < 4; i++)
        fake_feed(&rig.fake, make_update(ids[i], 12000));
    turn_all(&rig);
    for (size_t i = 0; i < WORKERS; i++)
        tail_trim(&rig.shards[i].tail, rig.shards[i].trim_to);
    assert_tails(&rig, "b c d ");
    struct position oldest = position_from_number(4);
    rig.fake.config.events->trimmed(rig.fake.config.arg, &oldest);
    fake_feed(&rig.fake, make_update("e", 1));
    turn_all(&rig);
    for (size_t i = 0; i < WORKERS; i++)
        tail_trim(&rig.shards[i].tail, rig.shards[i].trim_to);
    assert_tails(&rig, "d e ");
    stop(&rig);
}

static void a_store_that_has_gone_back_begins_anew(void **state)
{
    (void)state;
    struct sequencer_rig rig;
    start(&rig, NO_BOUND);
    fake_feed(&rig.fake, make_update("a", 1));
    fake_feed(&rig.fake, make_update("b", 1));
    turn_all(&rig);
    rig.fake.head = 0;
    rig.fake.config.events->epoch(rig.fake.config.arg, 2);
    fake_feed(&rig.fake, make_update("other", 1));
    turn_all(&rig);
    assert_tails(&rig, "other ");
    stop(&rig);
}

// ---- Opening ----

static void answer_replay(struct fake *fake, struct history_slice *slice, int err)
{
    struct replay_request *replay = fake->replay;
    fake->replay = NULL;
    replay->slice = slice;
    replay->err = err;
    replay->done(replay);
}

static void tails_are_filled_from_the_history_before_the_hub_is_open(void **state)
{
    (void)state;
    struct sequencer_rig rig;
    rig_init(&rig);
    assert_int_equal(rig_start(&rig, &fake_driver_with_history, 1U << 20, NO_BOUND), HUB_OK);
    rig_open_transport(&rig);
    assert_true(rig.fake.paused);
    assert_int_equal(rig.fake.replay->from, REPLAY_NEWEST);
    answer_replay(&rig.fake, make_slice(7, (const char *const[]){"a", "b"}, 2, false), HUB_OK);
    assert_int_equal(rig.opened, 1);
    assert_int_equal(rig.fake.replay->from, REPLAY_AFTER);
    struct position ninth = position_from_number(9);
    assert_int_equal(position_cmp(&rig.fake.replay->after, &ninth), 0);
    answer_replay(&rig.fake, make_slice(9, (const char *const[]){"c"}, 1, true), HUB_OK);
    assert_int_equal(rig.opened, HUB_OK);
    assert_false(rig.fake.paused);
    // What was stored meanwhile is fed from where the transport was opened: some of it is there already.
    rig.fake.head = 9;
    fake_feed(&rig.fake, make_update("c", 1));
    fake_feed(&rig.fake, make_update("d", 1));
    turn_all(&rig);
    assert_tails(&rig, "a b c d ");
    struct position before = position_from_number(7);
    assert_int_equal(position_cmp(&rig.shards[0].tail.before, &before), 0);
    stop(&rig);
}

static void a_history_that_cannot_be_read_fails_the_opening(void **state)
{
    (void)state;
    struct sequencer_rig rig;
    rig_init(&rig);
    assert_int_equal(rig_start(&rig, &fake_driver_with_history, 1U << 20, NO_BOUND), HUB_OK);
    rig_open_transport(&rig);
    answer_replay(&rig.fake, NULL, HUB_E_CORRUPT);
    assert_int_equal(rig.opened, HUB_E_CORRUPT);
    stop(&rig);
}

static void a_stop_ends_the_filling_of_the_tails(void **state)
{
    (void)state;
    struct sequencer_rig rig;
    rig_init(&rig);
    assert_int_equal(rig_start(&rig, &fake_driver_with_history, 1U << 20, NO_BOUND), HUB_OK);
    rig_open_transport(&rig);
    sequencer_close(rig.sequencer);
    answer_replay(&rig.fake, make_slice(0, (const char *const[]){"a"}, 1, false), HUB_OK);
    assert_int_equal(rig.opened, HUB_E_CLOSED);
    assert_null(rig.fake.replay);
    rig_finish(&rig);
    rig_done(&rig);
}

// ---- Looking ids up ----

struct lookup {
    struct locate_request request;
    bool done;
};

static void note_located(struct message *message)
{
    CONTAINER_OF(message, struct lookup, request.message)->done = true;
}

static void look_up(struct sequencer_rig *rig, struct lookup *lookup)
{
    *lookup = (struct lookup){.request = {
                                  .message.handle = sequencer_handle_locate,
                                  .sequencer = rig->sequencer,
                                  .shard = &rig->shards[0],
                                  .located = note_located,
                              }};
    sequencer_post(rig->sequencer, &lookup->request.message);
    turn_all(rig);
}

static void answer_find(struct sequencer_rig *rig, bool is_found)
{
    struct find_request *find = rig->fake.find;
    assert_non_null(find);
    rig->fake.find = NULL;
    find->found = is_found;
    find->done(find);
    turn_all(rig);
}

static void answer_head(struct sequencer_rig *rig, uint64_t number)
{
    struct head_request *head = rig->fake.head_asked;
    assert_non_null(head);
    rig->fake.head_asked = NULL;
    head->head = position_from_number(number);
    head->done(head);
    turn_all(rig);
}

static void an_id_that_is_found_is_told_at_once(void **state)
{
    (void)state;
    struct sequencer_rig rig;
    struct lookup lookup;
    start(&rig, NO_BOUND);
    look_up(&rig, &lookup);
    answer_find(&rig, true);
    assert_true(lookup.done && lookup.request.find.found);
    assert_null(rig.fake.head_asked);
    stop(&rig);
}

static void an_id_that_is_missing_is_looked_up_again_when_the_feed_has_come_as_far(void **state)
{
    (void)state;
    struct sequencer_rig rig;
    struct lookup lookup;
    start(&rig, NO_BOUND);
    fake_feed(&rig.fake, make_update("1", 1));
    look_up(&rig, &lookup);
    answer_find(&rig, false);
    answer_head(&rig, 3);
    fake_feed(&rig.fake, make_update("2", 1));
    turn_all(&rig);
    assert_null(rig.fake.find);
    assert_false(lookup.done);
    fake_feed(&rig.fake, make_update("3", 1));
    turn_all(&rig);
    answer_find(&rig, true);
    assert_true(lookup.done && lookup.request.find.found);
    stop(&rig);
}

static void an_id_that_is_missing_where_the_feed_is_up_to_date_is_looked_up_twice_in_all(void **state)
{
    (void)state;
    struct sequencer_rig rig;
    struct lookup lookup;
    start(&rig, NO_BOUND);
    fake_feed(&rig.fake, make_update("1", 1));
    look_up(&rig, &lookup);
    answer_find(&rig, false);
    answer_head(&rig, 1);
    answer_find(&rig, false);
    assert_true(lookup.done);
    assert_false(lookup.request.find.found);
    assert_int_equal(lookup.request.find.err, HUB_OK);
    stop(&rig);
}

static void look_ups_that_wait_for_the_feed_go_on_when_the_store_has_gone_back(void **state)
{
    (void)state;
    struct sequencer_rig rig;
    struct lookup waiting;
    struct lookup asking;
    start(&rig, NO_BOUND);
    look_up(&rig, &waiting);
    answer_find(&rig, false);
    answer_head(&rig, 5); // which never comes by now
    look_up(&rig, &asking);
    answer_find(&rig, false);
    rig.fake.head = 0;
    rig.fake.config.events->epoch(rig.fake.config.arg, 2);
    turn_all(&rig);
    answer_find(&rig, false);
    assert_true(waiting.done);
    // The head that it had asked for before is not waited for either.
    answer_head(&rig, 5);
    answer_find(&rig, true);
    assert_true(asking.done && asking.request.find.found);
    stop(&rig);
}

static void look_ups_that_wait_for_the_feed_end_when_the_hub_stops(void **state)
{
    (void)state;
    struct sequencer_rig rig;
    struct lookup lookups[2];
    start(&rig, NO_BOUND);
    look_up(&rig, &lookups[0]);
    answer_find(&rig, false);
    answer_head(&rig, 5);
    sequencer_close(rig.sequencer);
    look_up(&rig, &lookups[1]);
    for (size_t i = 0; i < 2; i++) {
        assert_true(lookups[i].done);
        assert_int_equal(lookups[i].request.find.err, HUB_E_CLOSED);
    }
    rig_finish(&rig);
    rig_done(&rig);
}

int main(void)
{
    log_configure(LOG_LEVEL_ERROR, false);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(publishes_of_one_turn_are_one_group_in_their_order),
        cmocka_unit_test(one_group_is_in_flight_and_the_next_takes_what_has_come_meanwhile),
        cmocka_unit_test(a_group_holds_so_many_updates_at_most),
        cmocka_unit_test(a_group_ends_with_the_update_that_passes_its_bytes),
        cmocka_unit_test(each_publish_is_told_what_became_of_it),
        cmocka_unit_test(an_update_whose_answer_was_lost_may_still_come),
        cmocka_unit_test(nothing_is_taken_before_the_transport_is_open_or_once_the_hub_stops),
        cmocka_unit_test(what_has_come_by_is_left_out),
        cmocka_unit_test(the_feed_and_publishing_pause_until_the_slowest_worker_is_near_again),
        cmocka_unit_test(tails_let_go_of_the_oldest_when_they_are_full_or_the_store_has_dropped_them),
        cmocka_unit_test(a_store_that_has_gone_back_begins_anew),
        cmocka_unit_test(tails_are_filled_from_the_history_before_the_hub_is_open),
        cmocka_unit_test(a_history_that_cannot_be_read_fails_the_opening),
        cmocka_unit_test(a_stop_ends_the_filling_of_the_tails),
        cmocka_unit_test(an_id_that_is_found_is_told_at_once),
        cmocka_unit_test(an_id_that_is_missing_is_looked_up_again_when_the_feed_has_come_as_far),
        cmocka_unit_test(an_id_that_is_missing_where_the_feed_is_up_to_date_is_looked_up_twice_in_all),
        cmocka_unit_test(look_ups_that_wait_for_the_feed_go_on_when_the_store_has_gone_back),
        cmocka_unit_test(look_ups_that_wait_for_the_feed_end_when_the_hub_stops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
