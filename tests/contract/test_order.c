// What holds for every driver: order, no loss, no repeat, and the law of callbacks.
#include "contract/suite.h"

#include "base/buf.h"
#include "base/err.h"

static void what_is_published_is_fed_once_and_in_order(void **state)
{
    struct probe *probe = *state;
    probe_publish(probe, 0, 1, 1);
    probe_publish(probe, 1, 500, 64);
    probe_publish(probe, 500, 520, 1);
    probe_expect_fed(probe, 0, 520);
}

static void the_very_update_that_was_published_is_fed(void **state)
{
    struct probe *probe = *state;
    struct sent *sent = sent_new();
    sent_add(sent, probe_update_numbered(1));
    sent_add(sent, probe_update_numbered(2));
    assert_int_equal(probe_send(probe, sent), 0);
    assert_int_equal(probe->fed_count, 0);
    probe_wait_sent(probe, sent);
    assert_int_equal(probe->fed_count, 2);
    assert_ptr_equal(probe->fed[0].update, sent->updates[0]);
    assert_ptr_equal(probe->fed[1].update, sent->updates[1]);
    sent_free(sent);
}

static void the_head_is_the_newest_position(void **state)
{
    struct probe *probe = *state;
    struct position head = probe_head(probe);
    assert_int_equal(head.len, 0);
    probe_publish(probe, 0, 10, 3);
    head = probe_head(probe);
    assert_int_equal(position_cmp(&head, &probe->fed[9].position), 0);
}

static void nothing_is_found_where_nothing_was_published(void **state)
{
    struct probe *probe = *state;
    struct find_request find;
    probe_find(probe, STR("urn:update:1"), &find);
    assert_int_equal(find.err, 0);
    assert_false(find.found);
    assert_true(find.empty);
}

static void a_group_of_the_largest_size_is_one_group(void **state)
{
    struct probe *probe = *state;
    probe_publish(probe, 0, 3000, 1024);
    probe_expect_fed(probe, 0, 3000);
}

static void a_pause_does_not_lose_what_is_in_flight(void **state)
{
    struct probe *probe = *state;
    struct sent *sent = sent_new();
    sent_add(sent, probe_update_numbered(0));
    assert_int_equal(probe_send(probe, sent), 0);
    probe->driver->ops->pause(probe->transport, true);
    probe_wait_sent(probe, sent);
    assert_int_equal(sent->results[0], PUBLISH_STORED);
    probe->driver->ops->pause(probe->transport, false);
    while (probe->fed_count < 1)
        probe_turn(probe);
    sent_free(sent);
    probe_publish(probe, 1, 20, 2);
    probe_expect_fed(probe, 0, 20);
}

static void close_waits_for_what_is_in_flight(void **state)
{
    struct probe *probe = *state;
    struct sent *sent = sent_new();
    for (size_t i = 0; i < 100; i++)
        sent_add(sent, probe_update_numbered(i));
    assert_int_equal(probe_send(probe, sent), 0);
    probe->driver->ops->close(probe->transport);
    while (!probe->closed)
        probe_turn(probe);
    probe->transport = NULL;
    assert_true(sent->done);
    probe_expect_fed(probe, 0, 100);
    sent_free(sent);
}

static void it_is_ready_and_live(void **state)
{
    struct probe *probe = *state;
    struct transport_health health;
    probe->driver->ops->health(probe->transport, &health);
    assert_true(health.ready);
    assert_true(health.live);
    assert_string_equal(health.reason, "");
}

static void its_metrics_are_whole_lines(void **state)
{
    struct probe *probe = *state;
    struct buf page;
    buf_init(&page, 65536);
    probe->driver->ops->metrics(probe->transport, &page);
    assert_int_equal(page.err, 0);
    assert_true(page.len == 0 || page.ptr[page.len - 1] == '\n');
    buf_done(&page);
}

static void a_url_with_an_unknown_parameter_is_refused(void **state)
{
    struct probe *probe = *state;
    probe_close(probe);
    assert_int_equal(probe_open(probe, "no_such_parameter=1"), HUB_E_INVALID);
    assert_non_null(strstr(probe->reason, "no_such_parameter"));
    assert_null(probe->transport);
}

static void it_opens_again_at_once(void **state)
{
    struct probe *probe = *state;
    for (int i = 0; i < 20; i++)
        probe_reopen(probe, NULL);
}

int main(int argc, char **argv)
{
    suite_begin(argc, argv, NULL);
    const struct CMUnitTest tests[] = {
        TEST(what_is_published_is_fed_once_and_in_order),
        TEST(the_very_update_that_was_published_is_fed),
        TEST(the_head_is_the_newest_position),
        TEST(nothing_is_found_where_nothing_was_published),
        TEST(a_group_of_the_largest_size_is_one_group),
        TEST(a_pause_does_not_lose_what_is_in_flight),
        TEST(close_waits_for_what_is_in_flight),
        TEST(it_is_ready_and_live),
        TEST(its_metrics_are_whole_lines),
        TEST(a_url_with_an_unknown_parameter_is_refused),
        TEST(it_opens_again_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
