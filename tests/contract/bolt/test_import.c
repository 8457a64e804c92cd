// The history of a Go hub, from files that the real bbolt has written (tests/data/bbolt).
#include "contract/driver.h"
#include "contract/probe.h"

#include "base/buf.h"
#include "base/err.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const struct position beginning;

static int setup(void **state)
{
    struct probe *probe = malloc(sizeof(*probe));
    assert_non_null(probe);
    probe_init(probe, driver_find("bolt"));
    *state = probe;
    return 0;
}

static int teardown(void **state)
{
    probe_done(*state);
    free(*state);
    return 0;
}

// ---- Files ----

static size_t load(const char *path, char **ret_bytes)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    struct stat status;
    assert_int_equal(fstat(fileno(file), &status), 0);
    *ret_bytes = malloc((size_t)status.st_size + 1);
    assert_non_null(*ret_bytes);
    assert_int_equal(fread(*ret_bytes, 1, (size_t)status.st_size, file), status.st_size);
    (void)fclose(file);
    return (size_t)status.st_size;
}

static size_t load_data(const char *name, char **ret_bytes)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof(path), "%s/bbolt/%s.bbolt", TESTDATA, name);
    return load(path, ret_bytes);
}

static void name_go_file(const struct probe *probe, char path[PATH_MAX])
{
    (void)snprintf(path, PATH_MAX, "%s/history.db", probe->folder);
}

static void save(const struct probe *probe, const char *bytes, size_t len)
{
    char path[PATH_MAX];
    name_go_file(probe, path);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

// Puts a file of the test data where the history is to be.
static void place(const struct probe *probe, const char *name)
{
    char *bytes;
    size_t len = load_data(name, &bytes);
    save(probe, bytes, len);
    free(bytes);
}

static void expect_untouched(const struct probe *probe, const char *name)
{
    char path[PATH_MAX];
    char *bytes, *expected;
    name_go_file(probe, path);
    size_t len = load(path, &bytes);
    assert_int_equal(load_data(name, &expected), len);
    assert_memory_equal(bytes, expected, len);
    free(bytes);
    free(expected);
}

// Nothing of a store is there, not even a draft; but for the lock of the folder's hub.
static void expect_no_store(const struct probe *probe)
{
    char path[PATH_MAX];
    static const char *const suffixes[] = {".lmdb", ".lmdb-new", ".lmdb-lock"};
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s/history.db%s", probe->folder, suffixes[i]);
        assert_int_not_equal(access(path, F_OK), 0);
    }
}

// ---- What was imported ----

static struct history_slice *open_with(struct probe *probe, const char *name, const char *query)
{
    place(probe, name);
    if (probe_open(probe, query) != HUB_OK)
        fail_msg("%s", probe->reason);
    return probe_replay(probe, &beginning);
}

static void expect_id(const struct history_slice *slice, size_t i, const char *id)
{
    assert_true(i < slice->count);
    struct str found = slice->entries[i].record.id;
    if (!str_eq(found, str_from_c(id)))
        fail_msg("%zu is \"%.*s\" instead of \"%s\"", i, STR_ARG(found), id);
}

static void expect_note(const struct probe *probe, const char *text)
{
    assert_non_null(probe->notes);
    if (!strstr(probe->notes, text))
        fail_msg("not \"%s\" in:\n%s", text, probe->notes);
}

static void a_history_is_imported_in_its_order(void **state)
{
    struct probe *probe = *state;
    struct history_slice *slice = open_with(probe, "many", NULL);
    assert_int_equal(slice->count, 120);
    assert_true(slice->end);
    assert_false(slice->gap);
    for (size_t i = 0; i < slice->count; i++) {
        char id[32];
        (void)snprintf(id, sizeof(id), "urn:update:%zu", i);
        expect_id(slice, i, id);
    }
    ref_put(&slice->ref);
    expect_note(probe, "is imported: 120 updates\n");
    expect_note(probe, "120 updates of ");
    expect_untouched(probe, "many");
    struct find_request find = {0};
    probe_find(probe, STR("urn:update:77"), &find);
    assert_true(find.found);
    // What is published comes behind it.
    probe_publish(probe, 500, 501, 1);
    slice = probe_replay(probe, &find.position);
    assert_int_equal(slice->count, 120 - 78 + 1);
    expect_id(slice, 0, "urn:update:78");
    expect_id(slice, slice->count - 1, "urn:update:500");
    ref_put(&slice->ref);
}

static void it_is_imported_once(void **state)
{
    struct probe *probe = *state;
    struct history_slice *slice = open_with(probe, "one", NULL);
    assert_int_equal(slice->count, 1);
    ref_put(&slice->ref);
    free(probe->notes);
    probe->notes = NULL;
    place(probe, "many");
    probe_reopen(probe, NULL);
    assert_null(probe->notes);
    slice = probe_replay(probe, &beginning);
    assert_int_equal(slice->count, 1);
    ref_put(&slice->ref);
}

static void what_a_go_hub_has_deleted_is_not_there(void **state)
{
    struct probe *probe = *state;
    struct history_slice *slice = open_with(probe, "deleted", NULL);
    assert_int_equal(slice->count, 40);
    expect_id(slice, 0, "urn:update:60");
    expect_id(slice, 1, "urn:update:61");
    expect_id(slice, 2, "urn:update:63");
    ref_put(&slice->ref);
}

static void the_size_is_applied(void **state)
{
    struct probe *probe = *state;
    struct history_slice *slice = open_with(probe, "many", "size=5");
    assert_int_equal(slice->count, 5);
    expect_id(slice, 0, "urn:update:115");
    ref_put(&slice->ref);
    expect_note(probe, "the newest 5 of 120 updates");
}

static void a_history_without_updates_is_imported(void **state)
{
    struct probe *probe = *state;
    struct history_slice *slice = open_with(probe, "nothing", NULL);
    assert_int_equal(slice->count, 0);
    ref_put(&slice->ref);
    expect_note(probe, "0 updates");
    probe_publish(probe, 0, 3, 1);
    probe_expect(probe, &beginning, 0, 3);
}

static void large_updates_are_whole(void **state)
{
    struct probe *probe = *state;
    struct history_slice *slice = open_with(probe, "large", NULL);
    assert_int_equal(slice->count, 2);
    struct str frame = slice->entries[1].record.frame;
    assert_int_equal(frame.len, strlen("id: urn:update:1\ndata: ") + 70001 + 2);
    ref_put(&slice->ref);
}

static void fields_are_kept_in_both_orders(void **state)
{
    struct probe *probe = *state;
    struct history_slice *slice = open_with(probe, "orders", NULL);
    assert_int_equal(slice->count, 3);
    const struct record *record = &slice->entries[0].record;
    assert_true(str_eq(record->frame, STR("event: kind\nretry: 7\nid: old-order\ndata: old\n\n")));
    assert_int_equal(record->flags, RECORD_PRIVATE);
    assert_int_equal(record->topic_count, 2);
    record = &slice->entries[1].record;
    assert_true(str_eq(record->frame, STR("event: kind\nretry: 8\nid: new-order\ndata: new\n\n")));
    assert_int_equal(record->flags, 0);
    expect_id(slice, 2, "lower");
    ref_put(&slice->ref);
}

static void every_kind_of_id_is_found(void **state)
{
    struct probe *probe = *state;
    struct history_slice *slice = open_with(probe, "ids", NULL);
    assert_int_equal(slice->count, 10);
    for (size_t i = 0; i < slice->count; i++) {
        struct find_request find = {0};
        probe_find(probe, slice->entries[i].record.id, &find);
        assert_true(find.found);
        // The earlier one of two with the same id.
        assert_int_equal(position_cmp(&find.position, &slice->entries[i == 2 ? 0 : i].position), 0);
    }
    ref_put(&slice->ref);
}

static void times_come_from_ids_that_carry_one_and_never_go_back(void **state)
{
    struct probe *probe = *state;
    struct history_slice *slice = open_with(probe, "ids", NULL);
    // What comes before the first id with a time has that one; what comes behind it has the last.
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(slice->entries[i].record.time_ms, 1700000000000);
    assert_int_equal(slice->entries[8].record.time_ms, 1700000002032);
    assert_int_equal(slice->entries[9].record.time_ms, 1700000002032);
    ref_put(&slice->ref);
}

static void without_a_time_in_any_id_it_is_that_of_the_file(void **state)
{
    struct probe *probe = *state;
    char path[PATH_MAX];
    place(probe, "one");
    name_go_file(probe, path);
    struct timespec times[2] = {{.tv_sec = 1600000000}, {.tv_sec = 1600000000}};
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    assert_int_equal(probe_open(probe, NULL), HUB_OK);
    struct history_slice *slice = probe_replay(probe, &beginning);
    assert_int_equal(slice->entries[0].record.time_ms, 1600000000000);
    ref_put(&slice->ref);
}

static void what_must_not_be_sent_is_left_out_and_counted(void **state)
{
    struct probe *probe = *state;
    struct history_slice *slice = open_with(probe, "refused", NULL);
    assert_int_equal(slice->count, 4);
    expect_id(slice, 0, "first");
    expect_id(slice, 1, "tab\tid");
    expect_id(slice, 2, "everybody");
    expect_id(slice, 3, "last");
    ref_put(&slice->ref);
    expect_note(probe, "warning: 3 of the updates of ");
    expect_note(probe, "the first of them number 2: a topic is in the reserved namespace");
    expect_note(probe, "number 5: there is no topic");
    expect_note(probe, "number 6: a topic has control or format characters");
    expect_note(probe, "number 7: the id is empty, or has control characters");
    expect_note(probe, "number 9: the type is \"mercure\"");
    expect_note(probe, "warning: 3 of the updates of");
    expect_note(probe, "number 13: the value is not the JSON of an update");
    expect_note(probe, "number 16: they are for targets");
    expect_note(probe, "warning: 2 of the updates of");
    expect_note(probe, "the key is not a number and an id");
    expect_note(probe, "4 updates of ");
}

// ---- Refusals ----

static void another_bucket_is_named_and_found(void **state)
{
    struct probe *probe = *state;
    place(probe, "bucket");
    assert_int_equal(probe_open(probe, NULL), HUB_E_NOT_FOUND);
    assert_non_null(strstr(probe->reason, "has no bucket \"updates\", but \"other\""));
    expect_no_store(probe);
    probe_close(probe);
    assert_int_equal(probe_open(probe, "bucket_name=other"), HUB_OK);
    struct history_slice *slice = probe_replay(probe, &beginning);
    assert_int_equal(slice->count, 3);
    ref_put(&slice->ref);
}

static void a_go_hub_that_still_runs_is_noticed(void **state)
{
    struct probe *probe = *state;
    char path[PATH_MAX];
    place(probe, "many");
    name_go_file(probe, path);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
    assert_int_equal(probe_open(probe, NULL), HUB_E_BUSY);
    assert_non_null(strstr(probe->reason, "still has it open: stop that hub"));
    expect_no_store(probe);
    (void)close(fd);
    probe_close(probe);
    assert_int_equal(probe_open(probe, NULL), HUB_OK);
}

static void remove_store(const struct probe *probe)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof(path), "%s/history.db.lmdb", probe->folder);
    (void)unlink(path);
    (void)snprintf(path, sizeof(path), "%s/history.db.lmdb-lock", probe->folder);
    (void)unlink(path);
}

// Wherever a file is cut or damaged: all of it is imported, or nothing, and the reason names file and place.
static void expect_all_or_nothing(struct probe *probe, size_t *refused)
{
    int err = probe_open(probe, NULL);
    if (err) {
        assert_non_null(strstr(probe->reason, "/history.db "));
        expect_no_store(probe);
        ++*refused;
    } else {
        struct history_slice *slice = probe_replay(probe, &beginning);
        assert_true(slice->count == 120 || slice->count == 0);
        ref_put(&slice->ref);
    }
    probe_close(probe);
    remove_store(probe);
}

static void a_file_that_is_cut_short_is_imported_whole_or_not_at_all(void **state)
{
    struct probe *probe = *state;
    char *bytes;
    size_t refused = 0;
    size_t len = load_data("many", &bytes);
    for (size_t cut = 2048; cut < len; cut += 1024) {
        save(probe, bytes, cut);
        expect_all_or_nothing(probe, &refused);
    }
    assert_true(refused > 10);
    free(bytes);
}

static void a_damaged_file_is_refused_with_the_place(void **state)
{
    struct probe *probe = *state;
    char *bytes;
    size_t len = load_data("many", &bytes);
    memset(bytes + 2048, 0xFF, len - 2048);
    save(probe, bytes, len);
    free(bytes);
    assert_int_equal(probe_open(probe, NULL), HUB_E_CORRUPT);
    assert_non_null(strstr(probe->reason, "/history.db is damaged: page "));
    expect_no_store(probe);
}

static void a_file_that_may_not_be_read_is_not_passed_over(void **state)
{
    struct probe *probe = *state;
    char path[PATH_MAX];
    name_go_file(probe, path);
    assert_int_equal(symlink(path, path), 0); // a loop, which root cannot open either
    assert_int_not_equal(probe_open(probe, NULL), HUB_OK);
    assert_non_null(strstr(probe->reason, "may be the history of a Go hub"));
    expect_no_store(probe);
}

static void an_import_that_is_given_up_leaves_nothing_and_begins_anew(void **state)
{
    struct probe *probe = *state;
    char url[PATH_MAX + 8], path[PATH_MAX];
    place(probe, "many");
    name_go_file(probe, path);
    (void)snprintf(url, sizeof(url), "bolt://%s", path);
    // Closed while it is being opened: it has ended by then or is given up, but never half done.
    for (size_t i = 0; i < 20; i++) {
        struct transport_config config = {
            .loop = &probe->loop, .hub = 1, .url = str_from_c(url), .events = probe_events(), .arg = probe};
        struct buf reason;
        buf_init(&reason, 512);
        probe->opened = probe->closed = false;
        assert_int_equal(probe->driver->ops->open(&probe->transport, &config, &reason), HUB_OK);
        buf_done(&reason);
        probe_close(probe);
        assert_true(probe->opened);
        assert_true(probe->open_err == HUB_OK || probe->open_err == HUB_E_CLOSED);
        if (probe->open_err)
            expect_no_store(probe);
        remove_store(probe);
    }
    assert_int_equal(probe_open(probe, NULL), HUB_OK);
    struct history_slice *slice = probe_replay(probe, &beginning);
    assert_int_equal(slice->count, 120);
    ref_put(&slice->ref);
}

static void notes_tell_what_will_happen(void **state)
{
    struct probe *probe = *state;
    char url[PATH_MAX + 8], path[PATH_MAX];
    struct buf notes, reason;
    buf_init(&notes, 4096);
    buf_init(&reason, 4096);
    name_go_file(probe, path);
    (void)snprintf(url, sizeof(url), "bolt://%s", path);
    assert_int_equal(probe->driver->ops->check(str_from_c(url), &notes, &reason), HUB_OK);
    assert_int_equal(notes.len, 0);
    place(probe, "one");
    assert_int_equal(probe->driver->ops->check(str_from_c(url), &notes, &reason), HUB_OK);
    assert_non_null(strstr(buf_c(&notes), "the first start imports it into "));
    expect_no_store(probe);
    assert_int_equal(probe_open(probe, NULL), HUB_OK);
    buf_clear(&notes);
    assert_int_equal(probe->driver->ops->check(str_from_c(url), &notes, &reason), HUB_OK);
    assert_non_null(strstr(buf_c(&notes), "is not used: the history is in "));
    buf_done(&notes);
    buf_done(&reason);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_history_is_imported_in_its_order),
        TEST(it_is_imported_once),
        TEST(what_a_go_hub_has_deleted_is_not_there),
        TEST(the_size_is_applied),
        TEST(a_history_without_updates_is_imported),
        TEST(large_updates_are_whole),
        TEST(fields_are_kept_in_both_orders),
        TEST(every_kind_of_id_is_found),
        TEST(times_come_from_ids_that_carry_one_and_never_go_back),
        TEST(without_a_time_in_any_id_it_is_that_of_the_file),
        TEST(what_must_not_be_sent_is_left_out_and_counted),
        TEST(another_bucket_is_named_and_found),
        TEST(a_go_hub_that_still_runs_is_noticed),
        TEST(a_file_that_is_cut_short_is_imported_whole_or_not_at_all),
        TEST(a_damaged_file_is_refused_with_the_place),
        TEST(a_file_that_may_not_be_read_is_not_passed_over),
        TEST(an_import_that_is_given_up_leaves_nothing_and_begins_anew),
        TEST(notes_tell_what_will_happen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
