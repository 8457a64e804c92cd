// A disk that is full, one that fails, and what is left of a file.
#include "contract/bolt/reader.h"
#include "contract/driver.h"
#include "contract/probe.h"
#include "support/disk.h"

#include "base/clock.h"
#include "base/err.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct position beginning;

static void heal(void)
{
    disk_set_room(DISK_ROOM_ANY);
    disk_fail_writes(0);
    disk_fail_syncs(0);
    disk_fail_durable_writes(0);
    disk_set_used(0);
    disk_set_map_max(0);
}

static int setup(void **state)
{
    struct probe *probe = malloc(sizeof(*probe));
    assert_non_null(probe);
    probe_init(probe, driver_find("bolt"));
    disk_watch(probe->folder);
    assert_int_equal(probe_open(probe, NULL), 0);
    *state = probe;
    return 0;
}

static int teardown(void **state)
{
    heal();
    probe_done(*state);
    free(*state);
    return 0;
}

// Publishes a group of these numbers; whether it was stored. All or none is.
static bool try_publish(struct probe *probe, size_t from, size_t to, const char *why)
{
    struct sent *sent = sent_new();
    for (size_t i = from; i < to; i++)
        sent_add(sent, probe_update_numbered(i));
    assert_int_equal(probe_send(probe, sent), 0);
    probe_wait_sent(probe, sent);
    bool stored = sent->results[0] == PUBLISH_STORED;
    for (size_t i = 0; i < to - from; i++)
        assert_int_equal(sent->results[i], stored ? PUBLISH_STORED : PUBLISH_REFUSED);
    if (!stored)
        assert_non_null(strstr(sent->group.reason, why));
    sent_free(sent);
    return stored;
}

static void expect_health(struct probe *probe, bool ready, bool live, const char *reason)
{
    struct transport_health health;
    probe->driver->ops->health(probe->transport, &health);
    assert_int_equal(health.ready, ready);
    assert_int_equal(health.live, live);
    assert_non_null(strstr(health.reason, reason));
    if (reason[0])
        assert_non_null(strstr(health.reason, probe->folder));
}

// Groups of ten until one is refused; how many updates were stored.
static size_t publish_until_full(struct probe *probe, size_t from)
{
    while (try_publish(probe, from, from + 10, "full"))
        from += 10;
    return from;
}

static void a_full_disk_refuses_and_loses_nothing(void **state)
{
    struct probe *probe = *state;
    probe_publish(probe, 0, 100, 10);
    disk_set_room(300000);
    size_t stored = publish_until_full(probe, 100);
    assert_true(stored > 200);
    expect_health(probe, false, true, "full");
    assert_false(try_publish(probe, stored, stored + 10, "full"));
    probe_expect(probe, &beginning, 0, stored);
    probe_expect_fed(probe, 0, stored);
    disk_set_room(DISK_ROOM_ANY);
    assert_true(try_publish(probe, stored, stored + 10, ""));
    expect_health(probe, true, true, "");
    probe_expect(probe, &beginning, 0, stored + 10);
    probe_reopen(probe, NULL);
    probe_expect(probe, &beginning, 0, stored + 10);
}

// At every byte of the last page: LMDB calls a write that was cut short an EIO.
static void a_disk_that_fills_up_anywhere_is_full_and_not_broken(void **state)
{
    struct probe *probe = *state;
    size_t stored = 0;
    for (int64_t room = 1; room < 60000; room += 4095) {
        disk_set_room(room);
        stored = publish_until_full(probe, stored);
        disk_set_room(DISK_ROOM_ANY);
        assert_true(try_publish(probe, stored, stored + 300, ""));
        stored += 300;
    }
    probe_expect(probe, &beginning, 0, stored);
}

static void readiness_comes_back_without_a_publish(void **state)
{
    struct probe *probe = *state;
    disk_fail_writes(ENOSPC);
    assert_false(try_publish(probe, 0, 1, "full"));
    expect_health(probe, false, true, "full");
    disk_fail_writes(0);
    struct transport_health health = {0};
    while (!health.ready)
        probe->driver->ops->health(probe->transport, &health);
    probe_publish(probe, 0, 1, 1);
    probe_expect(probe, &beginning, 0, 1);
}

// Where files are never written in place, the head itself may find no room.
static void a_full_disk_at_the_last_write_is_full_too(void **state)
{
    struct probe *probe = *state;
    static const int codes[] = {ENOSPC, EDQUOT, EFBIG};
    probe_publish(probe, 0, 10, 10);
    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        disk_fail_durable_writes(codes[i]);
        assert_false(try_publish(probe, 10 + i, 11 + i, "full"));
        expect_health(probe, false, true, "full");
        probe_expect(probe, &beginning, 0, 10 + i);
        disk_fail_durable_writes(0);
        assert_true(try_publish(probe, 10 + i, 11 + i, ""));
        expect_health(probe, true, true, "");
        probe_expect(probe, &beginning, 0, 11 + i);
    }
}

static void expect_latched(struct probe *probe)
{
    expect_health(probe, false, false, "restart");
    heal();
    assert_false(try_publish(probe, 20, 21, "restart"));
    expect_health(probe, false, false, "restart");
    probe_expect(probe, &beginning, 0, 20);
    struct find_request find;
    probe_find(probe, STR("urn:update:7"), &find);
    assert_true(find.found);
    probe_reopen(probe, NULL);
    expect_health(probe, true, true, "");
    probe_expect(probe, &beginning, 0, 20);
    probe_publish(probe, 20, 30, 1);
    probe_expect(probe, &beginning, 0, 30);
}

static void after_a_failed_sync_nothing_is_stored_until_a_restart(void **state)
{
    struct probe *probe = *state;
    probe_publish(probe, 0, 20, 10);
    disk_fail_syncs(EIO);
    assert_false(try_publish(probe, 20, 30, "restart"));
    expect_latched(probe);
}

static void after_a_failed_write_of_the_head_nothing_is_stored_until_a_restart(void **state)
{
    struct probe *probe = *state;
    probe_publish(probe, 0, 20, 10);
    disk_fail_durable_writes(EIO);
    assert_false(try_publish(probe, 20, 30, "restart"));
    expect_latched(probe);
}

static void a_nearly_full_disk_is_warned_about(void **state)
{
    struct probe *probe = *state;
    struct transport_health health;
    disk_set_used(89);
    probe_reopen(probe, NULL);
    probe->driver->ops->health(probe->transport, &health);
    assert_string_equal(health.warning, "");
    disk_set_used(90);
    probe_reopen(probe, NULL);
    probe->driver->ops->health(probe->transport, &health);
    assert_true(health.ready);
    assert_non_null(strstr(health.warning, "90 % full"));
    assert_non_null(strstr(health.warning, probe->folder));
}

static void less_address_space_is_enough_until_it_is_used_up(void **state)
{
    struct probe *probe = *state;
    disk_set_map_max(100 << 20);
    probe_reopen(probe, NULL);
    probe_publish(probe, 0, 100, 10);
    size_t count = 100;
    bool stored = true;
    while (stored) {
        struct sent *sent = sent_new();
        sent_add(sent, probe_update(STR("urn:large"), 4 << 20));
        assert_int_equal(probe_send(probe, sent), 0);
        probe_wait_sent(probe, sent);
        stored = sent->results[0] == PUBLISH_STORED;
        count += stored;
        if (!stored)
            assert_non_null(strstr(sent->group.reason, "address space"));
        sent_free(sent);
    }
    assert_in_range(count, 110, 116);
    expect_health(probe, false, true, "ulimit -v");
    struct find_request find;
    probe_find(probe, STR("urn:update:99"), &find);
    assert_true(find.found);
    heal();
    probe_reopen(probe, NULL);
    expect_health(probe, true, true, "");
    struct history_slice *slice = probe_replay(probe, &find.position);
    assert_int_equal(slice->count, 1);
    ref_put(&slice->ref);
    probe_publish(probe, 100, 110, 10);
}

static void an_open_on_a_full_disk_says_so(void **state)
{
    struct probe *probe = *state;
    probe_close(probe);
    char name[128];
    (void)snprintf(name, sizeof(name), "%s/history.db.lmdb", probe->folder);
    assert_int_equal(remove(name), 0);
    disk_fail_writes(ENOSPC);
    assert_int_equal(probe_open(probe, NULL), -ENOSPC);
    assert_non_null(strstr(probe->reason, "No space left"));
    probe_close(probe);
    heal();
    assert_int_equal(probe_open(probe, NULL), 0);
    probe_expect(probe, &beginning, 0, 0);
}

static void with_sync_every_group_is_synced_twice(void **state)
{
    struct probe *probe = *state;
    probe_publish(probe, 0, 1, 1);
    uint64_t before = disk_syncs();
    probe_publish(probe, 1, 21, 2);
    assert_int_equal(disk_syncs() - before, 2 * 10);
}

static void without_sync_there_are_two_syncs_a_second(void **state)
{
    struct probe *probe = *state;
    probe_reopen(probe, "sync=off");
    probe_publish(probe, 0, 1, 1);
    uint64_t before = disk_syncs();
    uint64_t started_ms = clock_mono_ms();
    size_t count = 1;
    while (clock_mono_ms() - started_ms < 1500) {
        probe_publish(probe, count, count + 10, 1);
        count += 10;
    }
    uint64_t seconds = (clock_mono_ms() - started_ms) / 1000;
    assert_in_range(disk_syncs() - before, 1, 2 * (seconds + 1));
    probe_expect(probe, &beginning, 0, count);
    probe_reopen(probe, NULL);
    probe_expect(probe, &beginning, 0, count);
}

static void without_sync_a_failed_one_is_noticed_too(void **state)
{
    struct probe *probe = *state;
    probe_reopen(probe, "sync=off");
    probe_publish(probe, 0, 20, 10);
    disk_fail_syncs(EIO);
    size_t count = 20;
    while (try_publish(probe, count, count + 1, "restart"))
        count++;
    expect_health(probe, false, false, "restart");
    heal();
    assert_false(try_publish(probe, count, count + 1, "restart"));
    probe_expect(probe, &beginning, 0, count);
}

// One hub syncs and the other does not: then both do.
static void a_hub_that_syncs_has_it_for_all_of_its_file(void **state)
{
    struct probe *first = *state;
    struct probe second;
    char url[128];
    probe_init(&second, first->driver);
    second.hub = 2;
    (void)snprintf(url, sizeof(url), "bolt://%s/history.db?sync=off", first->folder);
    assert_int_equal(probe_open_url(&second, url), 0);
    probe_publish(&second, 0, 10, 10);
    uint64_t before = disk_syncs();
    probe_publish(&second, 10, 20, 10);
    assert_int_equal(disk_syncs() - before, 2);
    probe_close(first);
    probe_publish(&second, 20, 30, 10);
    before = disk_syncs();
    probe_publish(&second, 30, 40, 10);
    assert_true(disk_syncs() - before < 3);
    assert_int_equal(probe_open(first, NULL), 0);
    probe_publish(first, 0, 10, 10);
    before = disk_syncs();
    probe_publish(&second, 40, 50, 10);
    assert_int_equal(disk_syncs() - before, 2);
    probe_expect(&second, &beginning, 0, 50);
    probe_expect(first, &beginning, 0, 10);
    probe_done(&second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_full_disk_refuses_and_loses_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(a_disk_that_fills_up_anywhere_is_full_and_not_broken, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(readiness_comes_back_without_a_publish, setup, teardown),
        cmocka_unit_test_setup_teardown(a_full_disk_at_the_last_write_is_full_too, setup, teardown),
        cmocka_unit_test_setup_teardown(after_a_failed_sync_nothing_is_stored_until_a_restart, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(after_a_failed_write_of_the_head_nothing_is_stored_until_a_restart,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_nearly_full_disk_is_warned_about, setup, teardown),
        cmocka_unit_test_setup_teardown(less_address_space_is_enough_until_it_is_used_up, setup, teardown),
        cmocka_unit_test_setup_teardown(an_open_on_a_full_disk_says_so, setup, teardown),
        cmocka_unit_test_setup_teardown(with_sync_every_group_is_synced_twice, setup, teardown),
        cmocka_unit_test_setup_teardown(without_sync_there_are_two_syncs_a_second, setup, teardown),
        cmocka_unit_test_setup_teardown(without_sync_a_failed_one_is_noticed_too, setup, teardown),
        cmocka_unit_test_setup_teardown(a_hub_that_syncs_has_it_for_all_of_its_file, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
