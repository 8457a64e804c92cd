// What holds for subscription events in every history with a size: they do not count in it, can be read
// alone, and go when they are too old, wherever they stand.
#include "contract/suite.h"

#include "base/err.h"

#include <stdio.h>

#define YOUNG 1000U
#define OLD (PROBE_EVENT_TTL_MS + 60000U)

static const struct position beginning;

static struct str event_id(char *to, size_t number)
{
    (void)snprintf(to, 32, "urn:event:%zu", number);
    return str_from_c(to);
}

// Events number `from` to `to` as one group.
static void publish_events(struct probe *probe, size_t from, size_t to, uint64_t age_ms)
{
    struct sent *sent = sent_new();
    char id[32];
    for (size_t i = from; i < to; i++)
        sent_add(sent, probe_event(event_id(id, i), age_ms));
    assert_int_equal(probe_send(probe, sent), 0);
    probe_wait_sent(probe, sent);
    for (size_t i = 0; i < sent->group.count; i++)
        assert_int_equal(sent->results[i], PUBLISH_STORED);
    sent_free(sent);
}

static void expect_events(struct probe *probe, const struct position *after, size_t from, size_t to)
{
    struct history_slice *slice = probe_replay_events(probe, after);
    assert_true(slice->end);
    assert_int_equal(slice->count, to - from);
    char id[32];
    for (size_t i = 0; i < slice->count; i++)
        assert_true(str_eq(slice->entries[i].record.id, event_id(id, from + i)));
    ref_put(&slice->ref);
}

static bool is_found(struct probe *probe, struct str id)
{
    struct find_request find;
    probe_find(probe, id, &find);
    return find.found;
}

static void an_event_is_fed_and_replayed_in_its_place(void **state)
{
    struct probe *probe = *state;
    probe_publish(probe, 0, 1, 1);
    publish_events(probe, 0, 1, YOUNG);
    probe_publish(probe, 1, 2, 1);
    assert_int_equal(probe->fed_count, 3);
    assert_true(str_eq(probe->fed[1].update->record.id, STR("urn:event:0")));
    struct history_slice *slice = probe_replay(probe, &beginning);
    assert_int_equal(slice->count, 3);
    struct record_subscription subscription;
    assert_true(record_subscription(&slice->entries[1].record, &subscription));
    assert_true(str_eq(subscription.match, STR("https://example.com/first")));
    ref_put(&slice->ref);
    assert_true(is_found(probe, STR("urn:event:0")));
}

static void events_are_read_alone_in_slices(void **state)
{
    struct probe *probe = *state;
    for (size_t i = 0; i < 30; i++) {
        probe_publish(probe, i, i + 1, 1);
        publish_events(probe, i, i + 1, YOUNG);
    }
    expect_events(probe, &beginning, 0, 30);
    expect_events(probe, &probe->fed[19].position, 10, 30);
    expect_events(probe, &probe->fed[59].position, 30, 30);
    for (size_t i = 30; i < 4000; i += 1000)
        publish_events(probe, i, i + 1000 < 4000 ? i + 1000 : 4000, YOUNG);
    struct position at = beginning;
    size_t count = 0;
    for (bool end = false; !end;) {
        struct history_slice *slice = probe_replay_events(probe, &at);
        count += slice->count;
        end = slice->end;
        at = slice->count ? slice->entries[slice->count - 1].position : at;
        ref_put(&slice->ref);
    }
    assert_int_equal(count, 4000);
}

static void events_do_not_count_in_the_size(void **state)
{
    struct probe *probe = *state;
    probe_publish(probe, 0, 50, 50);
    publish_events(probe, 0, 500, YOUNG);
    probe_publish(probe, 50, 100, 10);
    assert_int_equal(probe->trimmed.len, 0);
    assert_true(is_found(probe, STR("urn:update:0")));
    probe_publish(probe, 100, 101, 1);
    assert_false(is_found(probe, STR("urn:update:0")));
    assert_true(is_found(probe, STR("urn:update:1")));
    expect_events(probe, &beginning, 0, 500);
}

static void events_go_with_the_updates_around_them(void **state)
{
    struct probe *probe = *state;
    publish_events(probe, 0, 10, YOUNG);
    probe_publish(probe, 0, 10, 10);
    publish_events(probe, 10, 20, YOUNG);
    probe_publish(probe, 10, 120, 10);
    expect_events(probe, &beginning, 20, 20);
    assert_false(is_found(probe, STR("urn:event:15")));
    probe_expect(probe, &beginning, 20, 120);
}

static void events_that_are_too_old_go_and_the_updates_stay(void **state)
{
    struct probe *probe = *state;
    publish_events(probe, 0, 10, OLD);
    probe_publish(probe, 0, 10, 1);
    publish_events(probe, 10, 20, OLD);
    probe_publish(probe, 10, 20, 1);
    assert_int_equal(probe->fed_count, 40);
    probe_expect(probe, &beginning, 0, 20);
    expect_events(probe, &beginning, 0, 0);
    assert_false(is_found(probe, STR("urn:event:5")));
    assert_true(is_found(probe, STR("urn:update:5")));
}

static void whoever_stands_at_one_that_went_has_missed_nothing(void **state)
{
    struct probe *probe = *state;
    publish_events(probe, 0, 10, OLD);
    probe_publish(probe, 0, 10, 1);
    publish_events(probe, 10, 20, OLD);
    struct history_slice *slice = probe_replay(probe, &probe->fed[3].position);
    assert_false(slice->gap);
    assert_int_equal(slice->count, 10);
    ref_put(&slice->ref);
    slice = probe_replay(probe, &probe->fed[25].position);
    assert_false(slice->gap);
    assert_int_equal(slice->count, 0);
    ref_put(&slice->ref);
}

static void the_size_holds_across_the_holes_that_they_leave(void **state)
{
    struct probe *probe = *state;
    for (size_t i = 0; i < 40; i++) {
        publish_events(probe, 10 * i, 10 * i + 5, i % 2 ? OLD : YOUNG);
        probe_publish(probe, 10 * i, 10 * i + 10, 10);
    }
    struct history_slice *slice = probe_replay(probe, &beginning);
    size_t updates = 0;
    for (size_t i = 0; i < slice->count; i++)
        updates += !(slice->entries[i].record.flags & RECORD_SUBSCRIPTION);
    assert_int_equal(updates, 100);
    assert_true(slice->gap);
    ref_put(&slice->ref);
    assert_false(is_found(probe, STR("urn:update:299")));
    assert_true(is_found(probe, STR("urn:update:300")));
}

static void what_is_kept_is_counted_as_before_after_a_restart(void **state)
{
    struct probe *probe = *state;
    publish_events(probe, 0, 30, OLD);
    probe_publish(probe, 0, 60, 60);
    publish_events(probe, 30, 60, YOUNG);
    probe_reopen(probe, "size=100");
    probe_publish(probe, 60, 100, 10);
    probe_reopen(probe, "size=100");
    assert_int_equal(probe->trimmed.len, 0);
    assert_true(is_found(probe, STR("urn:update:0")));
    probe_publish(probe, 100, 103, 1);
    assert_false(is_found(probe, STR("urn:update:2")));
    assert_true(is_found(probe, STR("urn:update:3")));
    expect_events(probe, &beginning, 30, 60);
}

static void numbers_of_events_that_went_are_not_given_again(void **state)
{
    struct probe *probe = *state;
    publish_events(probe, 0, 5, OLD);
    struct position last = probe->fed[4].position;
    probe_reopen(probe, NULL);
    struct position head = probe_head(probe);
    assert_int_equal(head.len, 0); // nothing is there that a subscriber could wait for
    probe_publish(probe, 0, 1, 1);
    assert_true(position_cmp(&last, &probe->fed[0].position) < 0);
    probe_expect(probe, &beginning, 0, 1);
    struct history_slice *slice = probe_replay_newest(probe, SIZE_MAX);
    assert_int_equal(slice->count, 1);
    ref_put(&slice->ref);
}

int main(int argc, char **argv)
{
    suite_begin(argc, argv, "size=100");
    const struct CMUnitTest tests[] = {
        TEST(an_event_is_fed_and_replayed_in_its_place),
        TEST(events_are_read_alone_in_slices),
        TEST(events_do_not_count_in_the_size),
        TEST(events_go_with_the_updates_around_them),
        TEST(events_that_are_too_old_go_and_the_updates_stay),
        TEST(whoever_stands_at_one_that_went_has_missed_nothing),
        TEST(the_size_holds_across_the_holes_that_they_leave),
        TEST(what_is_kept_is_counted_as_before_after_a_restart),
        TEST(numbers_of_events_that_went_are_not_given_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
