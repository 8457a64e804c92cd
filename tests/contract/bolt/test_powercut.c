// The power fails at any moment: what was acknowledged is there, whole and in order.
//
// A workload is recorded once: every write, sync and name, and after each group how many updates have been
// acknowledged. Then the power is cut before every record of the journal, in several ways each, and the store
// that is left is opened.
#include "contract/bolt/reader.h"
#include "contract/driver.h"
#include "contract/probe.h"
#include "support/disk.h"
#include "support/powercut.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define SIZE 60U
#define GROUPS 40U

struct run {
    struct probe probe;
    char journal[96];
    size_t total;
    struct powercut *powercut;
    size_t images;
};

static void publish_marked(struct run *run, size_t count)
{
    probe_publish(&run->probe, run->total, run->total + count, count);
    run->total += count;
    disk_mark(run->total);
}

// Time in which the store makes a checkpoint.
static void let_pass(uint64_t ms)
{
    uint64_t end_ms = clock_mono_ms() + ms;
    while (clock_mono_ms() < end_ms)
        (void)usleep(1000);
}

// Groups of all sizes, so that pages split, run over, and are used again after the oldest updates have gone;
// and a restart in the middle.
static void record_workload(struct run *run, const char *sync, uint64_t pause_ms)
{
    char query[32];
    (void)snprintf(query, sizeof(query), "size=%u&sync=%s", SIZE, sync);
    disk_watch(run->probe.folder);
    disk_record_to(run->journal);
    assert_int_equal(probe_open(&run->probe, query), 0);
    for (size_t i = 0; i < GROUPS; i++) {
        publish_marked(run, 1 + (i * 7) % 23);
        if (i % 10 == 5)
            let_pass(pause_ms);
        if (i % 15 == 14)
            probe_reopen(&run->probe, query);
    }
    probe_close(&run->probe);
    disk_record_to(NULL);
    disk_watch("");
}

static int set_up(void **state, const char *sync, uint64_t pause_ms)
{
    struct run *run = calloc(1, sizeof(*run));
    assert_non_null(run);
    probe_init(&run->probe, driver_find("bolt"));
    (void)snprintf(run->journal, sizeof(run->journal), "%s.journal", run->probe.folder);
    record_workload(run, sync, pause_ms);
    run->powercut = powercut_load(run->journal);
    *state = run;
    return 0;
}

static int set_up_synced(void **state)
{
    return set_up(state, "always", 0);
}

static int set_up_unsynced(void **state)
{
    return set_up(state, "off", 1100);
}

static int teardown(void **state)
{
    struct run *run = *state;
    (void)remove(run->journal);
    powercut_free(run->powercut);
    probe_done(&run->probe);
    free(run);
    return 0;
}

static void remove_image(const char *folder)
{
    static const char *const suffixes[] = {".lmdb", ".lmdb-new", ".lmdb-hub", ".lmdb-lock"};
    char name[256];
    for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
        (void)snprintf(name, sizeof(name), "%s/history.db%s", folder, suffixes[i]);
        (void)remove(name);
    }
    assert_int_equal(remove(folder), 0);
}

static const char *wrong(const struct run *run, const struct found *found, uint64_t marked)
{
    size_t end = found->first + found->count;
    if (found->err)
        return found->reason;
    if (!found->is_whole)
        return "an update is damaged or missing";
    if (end < marked)
        return "an acknowledged update is missing";
    if (end > run->total || (found->first > 0 && found->count < SIZE))
        return "there is more, or less, than there can be";
    return NULL;
}

static void read_image(const struct run *run, struct found *found, size_t at, enum powercut_mode mode,
                       unsigned seed)
{
    char folder[96], path[128];
    (void)snprintf(folder, sizeof(folder), "%s/image", run->probe.folder);
    (void)snprintf(path, sizeof(path), "%s/history.db", folder);
    assert_int_equal(mkdir(folder, 0700), 0);
    powercut_make(run->powercut, at, mode, seed, folder);
    reader_forget_boot(path);
    reader_read(found, path);
    remove_image(folder);
}

// `safe` updates must be there.
static void cut(struct run *run, size_t at, enum powercut_mode mode, unsigned seed, uint64_t safe)
{
    struct found found;
    read_image(run, &found, at, mode, seed);
    const char *what = wrong(run, &found, safe);
    if (what)
        print_error("cut %zu of %zu, mode %d, seed %u: %s (found %zu from %zu, must have %zu)\n", at,
                    powercut_count(run->powercut), (int)mode, seed, what, found.count, found.first,
                    (size_t)safe);
    assert_null(what);
    run->images++;
}

static void what_was_acknowledged_survives_a_power_cut_at_any_moment(void **state)
{
    struct run *run = *state;
    for (size_t at = 0; at <= powercut_count(run->powercut); at++) {
        uint64_t marked = powercut_marked(run->powercut, at);
        cut(run, at, POWERCUT_NOTHING, 0, marked);
        cut(run, at, POWERCUT_ALL, 0, marked);
        for (unsigned seed = 1; seed <= 2; seed++) {
            cut(run, at, POWERCUT_WRITES, seed * 1000 + (unsigned)at, marked);
            cut(run, at, POWERCUT_SECTORS, seed * 1000 + (unsigned)at, marked);
        }
    }
    assert_true(run->images > 6 * 4 * (size_t)GROUPS);
}

// The test above would say the same of any store if the images held what was not synced.
static void a_store_that_does_not_sync_each_group_loses_some(void **state)
{
    struct run *run = *state;
    size_t lost = 0;
    for (size_t at = 0; at <= powercut_count(run->powercut); at++) {
        struct found found;
        read_image(run, &found, at, POWERCUT_NOTHING, 0);
        lost += wrong(run, &found, powercut_marked(run->powercut, at)) != NULL;
    }
    assert_true(lost > powercut_count(run->powercut) / 4);
}

static void without_sync_what_came_before_the_last_checkpoint_survives(void **state)
{
    struct run *run = *state;
    for (size_t at = 0; at <= powercut_count(run->powercut); at++) {
        uint64_t safe = powercut_marked_at_sync(run->powercut, at, "history.db.lmdb-hub");
        cut(run, at, POWERCUT_NOTHING, 0, safe);
        cut(run, at, POWERCUT_ALL, 0, safe);
        cut(run, at, POWERCUT_WRITES, (unsigned)at, safe);
        cut(run, at, POWERCUT_SECTORS, (unsigned)at, safe);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_acknowledged_survives_a_power_cut_at_any_moment,
                                        set_up_synced, teardown),
        cmocka_unit_test_setup_teardown(a_store_that_does_not_sync_each_group_loses_some, set_up_unsynced,
                                        teardown),
        cmocka_unit_test_setup_teardown(without_sync_what_came_before_the_last_checkpoint_survives,
                                        set_up_unsynced, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
