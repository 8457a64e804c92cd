// What holds for every driver: order, no loss, no repeat, and the law of callbacks.
#include "contract/driver.h"
#include "contract/probe.h"

#include "base/buf.h"
#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct driver *driver;

static int setup(void **state)
{
    struct probe *probe = malloc(sizeof(*probe));
    assert_non_null(probe);
    probe_init(probe, driver);
    assert_int_equal(probe_open(probe, NULL), 0);
    *state = probe;
    return 0;
}

static int teardown(void **state)
{
    probe_done(*state);
    free(*state);
    return 0;
}

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
    struct sent *sent = calloc(1, sizeof(*sent));
    sent_add(sent, probe_update_numbered(1));
    sent_add(sent, probe_update_numbered(2));
    assert_int_equal(probe_send(probe, sent), 0);
    assert_int_equal(probe->fed_count, 0);
    probe_wait_sent(probe, sent);
    assert_int_equal(probe->fed_count, 2);
    assert_ptr_equal(probe->fed[0].update, sent->updates[0]);
    assert_ptr_equal(probe->fed[1].update, sent->updates[1]);
    sent_clear(sent);
    free(sent);
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
    struct sent *sent = calloc(1, sizeof(*sent));
    sent_add(sent, probe_update_numbered(0));
    assert_int_equal(probe_send(probe, sent), 0);
    driver->ops->pause(probe->transport, true);
    probe_wait_sent(probe, sent);
    assert_int_equal(sent->results[0], PUBLISH_STORED);
    driver->ops->pause(probe->transport, false);
    while (probe->fed_count < 1)
        probe_turn(probe);
    sent_clear(sent);
    free(sent);
    probe_publish(probe, 1, 20, 2);
    probe_expect_fed(probe, 0, 20);
}

static void close_waits_for_what_is_in_flight(void **state)
{
    struct probe *probe = *state;
    struct sent *sent = calloc(1, sizeof(*sent));
    for (size_t i = 0; i < 100; i++)
        sent_add(sent, probe_update_numbered(i));
    assert_int_equal(probe_send(probe, sent), 0);
    driver->ops->close(probe->transport);
    while (!probe->closed)
        probe_turn(probe);
    probe->transport = NULL;
    assert_true(sent->done);
    probe_expect_fed(probe, 0, 100);
    sent_clear(sent);
    free(sent);
}

static void it_is_ready_and_live(void **state)
{
    struct probe *probe = *state;
    struct transport_health health;
    driver->ops->health(probe->transport, &health);
    assert_true(health.ready);
    assert_true(health.live);
    assert_string_equal(health.reason, "");
}

static void its_metrics_are_whole_lines(void **state)
{
    struct probe *probe = *state;
    struct buf page;
    buf_init(&page, 65536);
    driver->ops->metrics(probe->transport, &page);
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
    driver = driver_find(argc > 1 ? argv[1] : NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_published_is_fed_once_and_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(the_very_update_that_was_published_is_fed, setup, teardown),
        cmocka_unit_test_setup_teardown(the_head_is_the_newest_position, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_is_found_where_nothing_was_published, setup, teardown),
        cmocka_unit_test_setup_teardown(a_group_of_the_largest_size_is_one_group, setup, teardown),
        cmocka_unit_test_setup_teardown(a_pause_does_not_lose_what_is_in_flight, setup, teardown),
        cmocka_unit_test_setup_teardown(close_waits_for_what_is_in_flight, setup, teardown),
        cmocka_unit_test_setup_teardown(it_is_ready_and_live, setup, teardown),
        cmocka_unit_test_setup_teardown(its_metrics_are_whole_lines, setup, teardown),
        cmocka_unit_test_setup_teardown(a_url_with_an_unknown_parameter_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(it_opens_again_at_once, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
