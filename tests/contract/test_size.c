// What holds for every driver whose history outlives the process and has a size: the oldest go, and whoever
// asks for what stood before them is told.
#include "contract/suite.h"

#include "base/err.h"

static const struct position beginning;

static void expect_gap(struct probe *probe, const struct position *after, bool gap)
{
    struct history_slice *slice = probe_replay(probe, after);
    assert_int_equal(slice->gap, gap);
    ref_put(&slice->ref);
}

static void what_fits_is_kept_whole(void **state)
{
    struct probe *probe = *state;
    probe_publish(probe, 0, 100, 10);
    probe_expect(probe, &beginning, 0, 100);
    expect_gap(probe, &beginning, false);
    assert_int_equal(probe->trimmed.len, 0);
}

static void the_oldest_go_first(void **state)
{
    struct probe *probe = *state;
    probe_publish(probe, 0, 101, 1);
    probe_expect(probe, &beginning, 1, 101);
    assert_int_equal(position_cmp(&probe->trimmed, &probe->fed[1].position), 0);
    probe_publish(probe, 101, 1000, 30);
    probe_expect(probe, &beginning, 900, 1000);
    assert_int_equal(position_cmp(&probe->trimmed, &probe->fed[900].position), 0);
    probe_expect_fed(probe, 0, 1000);
}

static void a_group_larger_than_the_size_leaves_its_end(void **state)
{
    struct probe *probe = *state;
    probe_publish(probe, 0, 1000, 1000);
    probe_expect_fed(probe, 0, 1000);
    probe_expect(probe, &beginning, 900, 1000);
}

static void a_reader_that_missed_updates_is_told(void **state)
{
    struct probe *probe = *state;
    probe_publish(probe, 0, 200, 20);
    expect_gap(probe, &beginning, true);
    expect_gap(probe, &probe->fed[0].position, true);
    expect_gap(probe, &probe->fed[98].position, true);
    expect_gap(probe, &probe->fed[99].position, false);
    expect_gap(probe, &probe->fed[150].position, false);
    expect_gap(probe, &probe->fed[199].position, false);
    struct history_slice *slice = probe_replay_newest(probe, SIZE_MAX);
    assert_int_equal(slice->count, 100);
    assert_false(slice->gap);
    assert_int_equal(position_cmp(&slice->after, &probe->fed[99].position), 0);
    ref_put(&slice->ref);
}

static void an_id_that_went_is_not_found(void **state)
{
    struct probe *probe = *state;
    probe_publish(probe, 0, 200, 20);
    struct find_request find;
    probe_find(probe, STR("urn:update:99"), &find);
    assert_false(find.found);
    assert_false(find.empty);
    assert_int_equal(find.oldest_time_ms, probe->fed[100].update->record.time_ms);
    probe_find(probe, STR("urn:update:100"), &find);
    assert_true(find.found);
}

static void of_equal_ids_the_later_stays_when_the_earlier_goes(void **state)
{
    struct probe *probe = *state;
    struct sent *sent = sent_new();
    sent_add(sent, probe_update(STR("twice"), 10));
    sent_add(sent, probe_update(STR("twice"), 10));
    assert_int_equal(probe_send(probe, sent), 0);
    probe_wait_sent(probe, sent);
    sent_free(sent);
    probe_publish(probe, 0, 99, 99);
    struct find_request find;
    probe_find(probe, STR("twice"), &find);
    assert_true(find.found);
    assert_int_equal(position_cmp(&find.position, &probe->fed[1].position), 0);
    probe_publish(probe, 99, 100, 1);
    probe_find(probe, STR("twice"), &find);
    assert_false(find.found);
}

static void a_smaller_size_takes_hold_without_a_publish(void **state)
{
    struct probe *probe = *state;
    probe_reopen(probe, NULL);
    probe_publish(probe, 0, 20000, 1000);
    probe_reopen(probe, "size=7");
    size_t count;
    do {
        struct history_slice *slice = probe_replay(probe, &beginning);
        count = slice->count;
        ref_put(&slice->ref);
    } while (count != 7);
    probe_expect(probe, &beginning, 19993, 20000);
    probe_publish(probe, 20000, 20001, 1);
    probe_expect(probe, &beginning, 19994, 20001);
}

static void publishing_goes_on_while_a_smaller_size_takes_hold(void **state)
{
    struct probe *probe = *state;
    probe_reopen(probe, NULL);
    probe_publish(probe, 0, 20000, 1000);
    probe_reopen(probe, "size=10");
    probe_publish(probe, 20000, 20200, 1);
    probe_expect_fed(probe, 20000, 20200);
    probe_expect(probe, &beginning, 20190, 20200);
}

static void closing_does_not_wait_for_the_size(void **state)
{
    struct probe *probe = *state;
    probe_reopen(probe, NULL);
    probe_publish(probe, 0, 10000, 1000);
    probe_reopen(probe, "size=1");
    probe_reopen(probe, "size=1");
    probe_publish(probe, 10000, 10300, 1);
    probe_expect(probe, &beginning, 10299, 10300);
}

int main(int argc, char **argv)
{
    suite_begin(argc, argv, "size=100");
    const struct CMUnitTest tests[] = {
        TEST(what_fits_is_kept_whole),
        TEST(the_oldest_go_first),
        TEST(a_group_larger_than_the_size_leaves_its_end),
        TEST(a_reader_that_missed_updates_is_told),
        TEST(an_id_that_went_is_not_found),
        TEST(of_equal_ids_the_later_stays_when_the_earlier_goes),
        TEST(a_smaller_size_takes_hold_without_a_publish),
        TEST(publishing_goes_on_while_a_smaller_size_takes_hold),
        TEST(closing_does_not_wait_for_the_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
