// What holds for every driver with a history: replay by position, ids, and both while publishing goes on.
#include "contract/suite.h"

#include "base/err.h"

static const struct position beginning;

static void publish_one(struct probe *probe, struct update *update)
{
    struct sent *sent = sent_new();
    sent_add(sent, update);
    assert_int_equal(probe_send(probe, sent), 0);
    probe_wait_sent(probe, sent);
    assert_int_equal(sent->results[0], PUBLISH_STORED);
    sent_free(sent);
}

// ---- Replay ----

static void an_empty_history_is_one_empty_slice(void **state)
{
    struct probe *probe = *state;
    struct history_slice *slice = probe_replay(probe, &beginning);
    assert_int_equal(slice->count, 0);
    assert_true(slice->end);
    assert_false(slice->gap);
    ref_put(&slice->ref);
    slice = probe_replay_newest(probe, 1 << 20);
    assert_int_equal(slice->count, 0);
    assert_true(slice->end);
    assert_int_equal(slice->after.len, 0);
    ref_put(&slice->ref);
}

static void everything_is_replayed_in_order_in_bounded_slices(void **state)
{
    struct probe *probe = *state;
    probe_publish(probe, 0, 10000, 1000);
    probe_expect(probe, &beginning, 0, 10000);
}

static void a_replay_has_the_positions_of_the_feed(void **state)
{
    struct probe *probe = *state;
    probe_publish(probe, 0, 300, 100);
    struct history_slice *slice = probe_replay(probe, &beginning);
    assert_int_equal(slice->count, 300);
    for (size_t i = 0; i < slice->count; i++)
        assert_int_equal(position_cmp(&slice->entries[i].position, &probe->fed[i].position), 0);
    ref_put(&slice->ref);
}

static void a_replay_begins_after_any_position(void **state)
{
    struct probe *probe = *state;
    probe_publish(probe, 0, 200, 50);
    for (size_t i = 0; i < 200; i += 7)
        probe_expect(probe, &probe->fed[i].position, i + 1, 200);
    probe_expect(probe, &probe->fed[199].position, 200, 200);
}

static void a_slice_outlives_the_transport(void **state)
{
    struct probe *probe = *state;
    probe_publish(probe, 0, 10, 10);
    struct history_slice *slice = probe_replay(probe, &beginning);
    probe_close(probe);
    for (size_t i = 0; i < 10; i++)
        probe_check_record(&slice->entries[i].record, i);
    ref_put(&slice->ref);
}

static void the_end_is_told_with_the_last_entry(void **state)
{
    struct probe *probe = *state;
    probe_publish(probe, 0, 5, 5);
    struct history_slice *slice = probe_replay(probe, &beginning);
    assert_int_equal(slice->count, 5);
    assert_true(slice->end);
    ref_put(&slice->ref);
}

static void an_update_larger_than_a_slice_has_a_slice_of_its_own(void **state)
{
    struct probe *probe = *state;
    publish_one(probe, probe_update_numbered(0));
    publish_one(probe, probe_update(STR("urn:huge"), 5 << 20));
    publish_one(probe, probe_update_numbered(2));
    struct history_slice *slice = probe_replay(probe, &beginning);
    assert_int_equal(slice->count, 1);
    assert_false(slice->end);
    ref_put(&slice->ref);
    slice = probe_replay(probe, &probe->fed[0].position);
    assert_int_equal(slice->count, 1);
    assert_int_equal(slice->entries[0].record.frame.len, 5 << 20);
    assert_memory_equal(slice->entries[0].record.frame.ptr, probe->fed[1].update->record.frame.ptr, 5 << 20);
    assert_false(slice->end);
    ref_put(&slice->ref);
    probe_expect(probe, &probe->fed[1].position, 2, 3);
}

static void the_newest_are_those_that_fit(void **state)
{
    struct probe *probe = *state;
    probe_publish(probe, 0, 5000, 1000);
    struct history_slice *slice = probe_replay_newest(probe, 100000);
    assert_true(slice->memory <= 100000);
    assert_true(slice->count > 100 && slice->end);
    assert_false(slice->gap);
    size_t first = 5000 - slice->count;
    for (size_t i = 0; i < slice->count; i++)
        probe_check_record(&slice->entries[i].record, first + i);
    assert_int_equal(position_cmp(&slice->after, &probe->fed[first - 1].position), 0);
    ref_put(&slice->ref);
}

static void the_newest_may_take_several_slices(void **state)
{
    struct probe *probe = *state;
    probe_publish(probe, 0, 5000, 1000);
    struct history_slice *slice = probe_replay_newest(probe, 600000);
    assert_false(slice->end);
    size_t next = 0;
    while (next < 5000 && position_cmp(&probe->fed[next].position, &slice->after) <= 0)
        next++;
    probe_expect(probe, &slice->after, next, 5000);
    ref_put(&slice->ref);
    slice = probe_replay_newest(probe, SIZE_MAX);
    assert_int_equal(slice->after.len, 0);
    ref_put(&slice->ref);
}

static void the_newest_of_no_bytes_are_none(void **state)
{
    struct probe *probe = *state;
    probe_publish(probe, 0, 5, 5);
    struct history_slice *slice = probe_replay_newest(probe, 0);
    assert_int_equal(slice->count, 0);
    assert_true(slice->end);
    assert_int_equal(position_cmp(&slice->after, &probe->fed[4].position), 0);
    ref_put(&slice->ref);
}

// ---- Ids ----

static size_t index_of(const struct probe *probe, const struct position *position)
{
    for (size_t i = 0; i < probe->fed_count; i++) {
        if (position_cmp(&probe->fed[i].position, position) == 0)
            return i;
    }
    return SIZE_MAX;
}

static void expect_found(struct probe *probe, struct str id, size_t index)
{
    struct find_request find;
    probe_find(probe, id, &find);
    assert_int_equal(find.err, 0);
    assert_false(find.empty);
    assert_true(find.found);
    assert_int_equal(index_of(probe, &find.position), index);
}

static void expect_missing(struct probe *probe, struct str id)
{
    struct find_request find;
    probe_find(probe, id, &find);
    assert_int_equal(find.err, 0);
    assert_false(find.empty);
    assert_false(find.found);
}

static void every_id_is_found(void **state)
{
    struct probe *probe = *state;
    probe_publish(probe, 0, 500, 100);
    for (size_t i = 0; i < 500; i += 9) {
        struct str id = probe->fed[i].update->record.id;
        expect_found(probe, id, i);
    }
    expect_missing(probe, STR("urn:update:500"));
    expect_missing(probe, STR("urn:update:"));
    expect_missing(probe, STR(""));
}

static void of_equal_ids_the_earliest_is_found(void **state)
{
    struct probe *probe = *state;
    for (int i = 0; i < 300; i++)
        publish_one(probe, probe_update(i % 3 ? STR("again") : STR("and-again"), 10));
    expect_found(probe, STR("and-again"), 0);
    expect_found(probe, STR("again"), 1);
    struct history_slice *slice = probe_replay(probe, &beginning);
    assert_int_equal(slice->count, 300);
    ref_put(&slice->ref);
}

static void equal_ids_may_be_in_one_group(void **state)
{
    struct probe *probe = *state;
    struct sent *sent = sent_new();
    for (int i = 0; i < 10; i++)
        sent_add(sent, probe_update(STR("same"), 10));
    assert_int_equal(probe_send(probe, sent), 0);
    probe_wait_sent(probe, sent);
    sent_free(sent);
    assert_int_equal(probe->fed_count, 10);
    expect_found(probe, STR("same"), 0);
}

static void ids_of_any_length_and_bytes_are_kept_apart(void **state)
{
    struct probe *probe = *state;
    static const size_t lengths[] = {1, 2, 223, 224, 225, 255, 256, 257, 258, 511, 512, 1023, 1024};
    char text[1024];
    memset(text, 'x', sizeof(text));
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++)
        publish_one(probe, probe_update(str_make(text, lengths[i]), 10));
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++)
        expect_found(probe, str_make(text, lengths[i]), i);
    expect_missing(probe, str_make(text, 3));
    expect_missing(probe, str_make(text, 254));
    expect_missing(probe, str_make(text, 300));
    expect_missing(probe, str_make(text, 1022));
    text[1023] = 'y';
    expect_missing(probe, str_make(text, 1024));
    publish_one(probe, probe_update(str_make(text, 1024), 10));
    expect_found(probe, str_make(text, 1024), ARRAY_LEN(lengths));
    static const char bytes[] = "\0\xff\0\0\0\0\0\0\0\1";
    publish_one(probe, probe_update(str_make(bytes, 10), 10));
    publish_one(probe, probe_update(str_make(bytes, 2), 10));
    expect_found(probe, str_make(bytes, 10), ARRAY_LEN(lengths) + 1);
    expect_found(probe, str_make(bytes, 2), ARRAY_LEN(lengths) + 2);
    expect_missing(probe, str_make(bytes, 1));
}

static void the_time_of_the_oldest_is_told(void **state)
{
    struct probe *probe = *state;
    struct update *first = probe_update(STR("first"), 10);
    uint64_t time_ms = first->record.time_ms;
    publish_one(probe, first);
    publish_one(probe, probe_update(STR("z"), 10));
    struct find_request find;
    probe_find(probe, STR("z"), &find);
    assert_int_equal(find.oldest_time_ms, time_ms);
    probe_find(probe, STR("unknown"), &find);
    assert_int_equal(find.oldest_time_ms, time_ms);
}

// ---- All at once ----

#define READERS 8U

struct reader {
    struct replay_request request;
    struct probe *probe;
    size_t next; // number of the update that must come next
    bool busy;
    bool at_end;
};

static void read_on(struct replay_request *request)
{
    struct reader *reader = CONTAINER_OF(request, struct reader, request);
    struct history_slice *slice = request->slice;
    assert_int_equal(request->err, 0);
    assert_false(slice->gap);
    for (size_t i = 0; i < slice->count; i++) {
        probe_check_record(&slice->entries[i].record, reader->next++);
        request->after = slice->entries[i].position;
    }
    reader->at_end = slice->end;
    reader->busy = false;
    ref_put(&slice->ref);
}

static void ask(struct reader *reader)
{
    reader->busy = true;
    reader->request.from = REPLAY_AFTER;
    reader->request.done = read_on;
    assert_int_equal(reader->probe->driver->ops->replay(reader->probe->transport, &reader->request), 0);
}

static void replays_go_on_while_updates_are_published(void **state)
{
    struct probe *probe = *state;
    static const size_t total = 6000;
    probe_publish(probe, 0, 2000, 500);
    struct reader readers[READERS] = {0};
    for (size_t i = 0; i < READERS; i++)
        readers[i].probe = probe;
    for (size_t number = 2000; number < total; number += 20) {
        struct sent *sent = sent_new();
        for (size_t i = 0; i < 20; i++)
            sent_add(sent, probe_update_numbered(number + i));
        assert_int_equal(probe_send(probe, sent), 0);
        for (size_t i = 0; i < READERS; i++) {
            if (!readers[i].busy && (number / 20 + i) % 3 == 0)
                ask(&readers[i]);
        }
        probe_wait_sent(probe, sent);
        assert_int_equal(sent->results[19], PUBLISH_STORED);
        sent_free(sent);
    }
    for (size_t i = 0; i < READERS; i++) {
        while (readers[i].busy || readers[i].next < total) {
            if (!readers[i].busy)
                ask(&readers[i]);
            probe_turn(probe);
        }
        assert_int_equal(readers[i].next, total);
    }
    probe_expect_fed(probe, 0, total);
}

static void a_replay_of_a_long_history_arrives_whole(void **state)
{
    struct probe *probe = *state;
    probe_publish(probe, 0, 100000, 1024);
    probe_expect(probe, &beginning, 0, 100000);
}

struct closing {
    struct find_request find;
    struct head_request head;
    struct replay_request replay;
    unsigned answers;
    bool closed_first;
    struct probe *probe;
};

static void count_answer(struct closing *closing)
{
    closing->answers++;
    closing->closed_first = closing->closed_first || closing->probe->closed;
}

static void count_find(struct find_request *request)
{
    count_answer(CONTAINER_OF(request, struct closing, find));
}

static void count_head(struct head_request *request)
{
    count_answer(CONTAINER_OF(request, struct closing, head));
}

static void count_replay(struct replay_request *request)
{
    if (request->slice)
        ref_put(&request->slice->ref);
    count_answer(CONTAINER_OF(request, struct closing, replay));
}

static void close_waits_for_every_answer(void **state)
{
    struct probe *probe = *state;
    probe_publish(probe, 0, 1000, 500);
    struct closing closing = {.find = {.id = STR("urn:update:3"), .done = count_find},
                              .head = {.done = count_head},
                              .replay = {.done = count_replay},
                              .probe = probe};
    assert_int_equal(probe->driver->ops->find(probe->transport, &closing.find), 0);
    assert_int_equal(probe->driver->ops->replay(probe->transport, &closing.replay), 0);
    assert_int_equal(probe->driver->ops->head(probe->transport, &closing.head), 0);
    probe_close(probe);
    assert_int_equal(closing.answers, 3);
    assert_false(closing.closed_first);
    assert_true(closing.find.found);
}

int main(int argc, char **argv)
{
    suite_begin(argc, argv, NULL);
    const struct CMUnitTest tests[] = {
        TEST(an_empty_history_is_one_empty_slice),
        TEST(everything_is_replayed_in_order_in_bounded_slices),
        TEST(a_replay_has_the_positions_of_the_feed),
        TEST(a_replay_begins_after_any_position),
        TEST(a_slice_outlives_the_transport),
        TEST(the_end_is_told_with_the_last_entry),
        TEST(an_update_larger_than_a_slice_has_a_slice_of_its_own),
        TEST(the_newest_are_those_that_fit),
        TEST(the_newest_may_take_several_slices),
        TEST(the_newest_of_no_bytes_are_none),
        TEST(every_id_is_found),
        TEST(of_equal_ids_the_earliest_is_found),
        TEST(equal_ids_may_be_in_one_group),
        TEST(ids_of_any_length_and_bytes_are_kept_apart),
        TEST(the_time_of_the_oldest_is_told),
        TEST(replays_go_on_while_updates_are_published),
        TEST(a_replay_of_a_long_history_arrives_whole),
        TEST(close_waits_for_every_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
