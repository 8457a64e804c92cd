// The files of a store: who has them, what they must not be, and what is made of damaged ones.
#include "contract/bolt/reader.h"
#include "contract/driver.h"
#include "contract/probe.h"

#include "base/err.h"
#include "base/random.h"

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

// What LMDB keeps in the head of a meta page: the page's own head and its struct.
#define META_SIZE 152U
#define PAGE_SIZE 4096U

static const struct position beginning;

static int setup(void **state)
{
    struct probe *probe = malloc(sizeof(*probe));
    assert_non_null(probe);
    probe_init(probe, driver_find("bolt"));
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

static const char *name_of(const struct probe *probe, char name[PATH_MAX], const char *suffix)
{
    (void)snprintf(name, PATH_MAX, "%s/history.db%s", probe->folder, suffix);
    return name;
}

static size_t load(const struct probe *probe, const char *suffix, char **ret_bytes)
{
    char name[PATH_MAX];
    FILE *file = fopen(name_of(probe, name, suffix), "rb");
    assert_non_null(file);
    struct stat status;
    assert_int_equal(fstat(fileno(file), &status), 0);
    *ret_bytes = malloc((size_t)status.st_size + 1);
    assert_non_null(*ret_bytes);
    assert_int_equal(fread(*ret_bytes, 1, (size_t)status.st_size, file), status.st_size);
    (void)fclose(file);
    return (size_t)status.st_size;
}

static void save(const struct probe *probe, const char *suffix, const char *bytes, size_t len)
{
    char name[PATH_MAX];
    FILE *file = fopen(name_of(probe, name, suffix), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

// Runs it in a child, which may crash; its exit code, or minus the signal.
static int in_child(int (*run)(void *arg), void *arg)
{
    (void)fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(run(arg));
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

// ---- One at a time ----

static void a_second_process_is_kept_away(void **state)
{
    struct probe *probe = *state;
    char name[PATH_MAX], process[64];
    probe_publish(probe, 0, 10, 10);
    int pipe_ends[2];
    assert_int_equal(pipe(pipe_ends), 0);
    (void)fflush(NULL);
    // A process of its own, not a fork of this one, whose threads the child would not have.
    char url[PATH_MAX];
    (void)snprintf(process, sizeof(process), "process %ld", (long)getpid());
    (void)snprintf(url, sizeof(url), "%s", name_of(probe, name, ""));
    pid_t pid = fork();
    if (pid == 0) {
        (void)dup2(pipe_ends[1], 1);
        (void)execl(READER, READER, url, (char *)NULL);
        _exit(127);
    }
    (void)close(pipe_ends[1]);
    char said[600];
    ssize_t len = read(pipe_ends[0], said, sizeof(said) - 1);
    (void)close(pipe_ends[0]);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(len > 0);
    said[len] = '\0';
    assert_int_equal(WEXITSTATUS(status), 1);
    assert_non_null(strstr(said, process));
    assert_non_null(strstr(said, probe->folder));
    probe_publish(probe, 10, 20, 10);
    probe_expect(probe, &beginning, 0, 20);
}

static void the_same_file_under_another_path_is_told_apart(void **state)
{
    struct probe *probe = *state;
    char name[PATH_MAX], other[PATH_MAX + 16];
    (void)snprintf(other, sizeof(other), "%s/other.db.lmdb-hub", probe->folder);
    assert_int_equal(link(name_of(probe, name, ".lmdb-hub"), other), 0);
    (void)snprintf(other, sizeof(other), "%s/other.db", probe->folder);
    struct found found;
    reader_read(&found, other);
    assert_int_equal(found.err, HUB_E_BUSY);
    assert_non_null(strstr(found.reason, "open in this process already"));
}

static void a_killed_process_leaves_nothing_locked(void **state)
{
    struct probe *probe = *state;
    char name[PATH_MAX];
    probe_publish(probe, 0, 10, 10);
    probe_close(probe);
    pid_t pid = fork();
    if (pid == 0) {
        (void)execl(READER, READER, name_of(probe, name, ""), "stay", (char *)NULL);
        _exit(127);
    }
    struct found found = {0};
    while (found.err != HUB_E_BUSY)
        reader_read(&found, name_of(probe, name, ""));
    assert_int_equal(kill(pid, SIGKILL), 0);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(probe_open(probe, NULL), 0);
    probe_publish(probe, 10, 20, 1);
    probe_expect(probe, &beginning, 0, 20);
}

static void two_hubs_share_one_file(void **state)
{
    struct probe *first = *state;
    struct probe second;
    probe_init(&second, first->driver);
    second.hub = 2;
    char url[PATH_MAX + 16], name[PATH_MAX];
    (void)snprintf(url, sizeof(url), "bolt://%s", name_of(first, name, ""));
    assert_int_equal(probe_open_url(&second, url), 0);
    for (size_t i = 0; i < 200; i += 10) {
        probe_publish(first, i, i + 10, 10);
        probe_publish(&second, 1000 + i, 1000 + i + 10, 3);
    }
    probe_expect_fed(first, 0, 200);
    probe_expect_fed(&second, 1000, 1200);
    probe_expect(first, &beginning, 0, 200);
    probe_expect(&second, &beginning, 1000, 1200);
    probe_close(first);
    probe_publish(&second, 1200, 1210, 1);
    second.hub = 1;
    assert_int_equal(probe_open(first, NULL), 0);
    probe_expect(first, &beginning, 0, 200);
    probe_done(&second);
}

static void a_hub_has_its_log_only_once(void **state)
{
    struct probe *first = *state;
    struct probe second;
    probe_init(&second, first->driver);
    char url[PATH_MAX + 16], name[PATH_MAX];
    (void)snprintf(url, sizeof(url), "bolt://%s", name_of(first, name, ""));
    assert_int_equal(probe_open_url(&second, url), HUB_E_BUSY);
    assert_non_null(strstr(second.reason, "already in use for this hub"));
    probe_done(&second);
    probe_publish(first, 0, 10, 1);
}

// ---- What is created ----

static void folders_and_files_are_for_this_user_alone(void **state)
{
    struct probe *probe = *state;
    char url[PATH_MAX], name[PATH_MAX];
    (void)snprintf(url, sizeof(url), "bolt://%s/deep/er/history.db", probe->folder);
    struct probe other;
    probe_init(&other, probe->driver);
    assert_int_equal(probe_open_url(&other, url), 0);
    probe_publish(&other, 0, 1, 1);
    static const struct {
        const char *name;
        mode_t mode;
    } expected[] = {{"deep", 0700},
                    {"deep/er", 0700},
                    {"deep/er/history.db.lmdb", 0600},
                    {"deep/er/history.db.lmdb-hub", 0600},
                    {"deep/er/history.db.lmdb-lock", 0600}};
    for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
        struct stat status;
        (void)snprintf(name, sizeof(name), "%s/%s", probe->folder, expected[i].name);
        assert_int_equal(stat(name, &status), 0);
        assert_int_equal(status.st_mode & 0777, expected[i].mode);
    }
    (void)snprintf(name, sizeof(name), "%s/deep/er/history.db", probe->folder);
    assert_int_not_equal(access(name, F_OK), 0);
    probe_done(&other);
}

static void a_folder_that_cannot_be_created_is_told(void **state)
{
    struct probe *probe = *state;
    char url[PATH_MAX];
    save(probe, "", "no folder", 9);
    probe_close(probe);
    (void)snprintf(url, sizeof(url), "bolt://%s/history.db/x/y.db", probe->folder);
    assert_int_equal(probe_open_url(probe, url), -ENOTDIR);
    assert_non_null(strstr(probe->reason, "/history.db/x cannot be created"));
}

static void a_draft_that_was_left_behind_is_no_hindrance(void **state)
{
    struct probe *probe = *state;
    char name[PATH_MAX];
    probe_close(probe);
    assert_int_equal(remove(name_of(probe, name, ".lmdb")), 0);
    save(probe, ".lmdb-new", "half a store", 12);
    assert_int_equal(probe_open(probe, NULL), 0);
    assert_int_not_equal(access(name_of(probe, name, ".lmdb-new"), F_OK), 0);
}

// ---- Other files ----

static void any_other_file_at_the_path_is_left_alone(void **state)
{
    struct probe *probe = *state;
    char name[PATH_MAX];
    probe_close(probe);
    assert_int_equal(remove(name_of(probe, name, ".lmdb")), 0);
    save(probe, "", "hello", 5);
    assert_int_equal(probe_open(probe, NULL), 0);
    char *bytes;
    assert_int_equal(load(probe, "", &bytes), 5);
    assert_memory_equal(bytes, "hello", 5);
    free(bytes);
}

static void what_is_no_store_is_refused_and_left_alone(void **state)
{
    struct probe *probe = *state;
    static const size_t sizes[] = {0, 1, 100, 4095, 4096, 8192, 100000};
    char *garbage = calloc(1, 100000);
    assert_non_null(garbage);
    for (size_t fill = 0; fill < 2; fill++) {
        for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
            probe_close(probe);
            save(probe, ".lmdb", garbage, sizes[i]);
            assert_int_equal(probe_open(probe, NULL), HUB_E_CORRUPT);
            assert_non_null(strstr(probe->reason, "is damaged"));
            char *bytes;
            assert_int_equal(load(probe, ".lmdb", &bytes), sizes[i]);
            free(bytes);
        }
        random_bytes(garbage, 100000);
    }
    free(garbage);
}

// ---- Damage ----

// A store with pages of every kind, some of them free, and its bytes.
static size_t make_store(struct probe *probe, char **ret_bytes)
{
    probe_reopen(probe, "size=200");
    probe_publish(probe, 0, 600, 100);
    probe_publish(probe, 600, 610, 1);
    probe_close(probe);
    return load(probe, ".lmdb", ret_bytes);
}

static bool is_intact(const struct found *found)
{
    return found->is_whole && found->first == 410 && found->count == 200;
}

static void a_store_that_was_cut_short_is_refused(void **state)
{
    struct probe *probe = *state;
    char *bytes, name[PATH_MAX];
    size_t len = make_store(probe, &bytes);
    for (size_t pages = 0; pages < len / PAGE_SIZE; pages++) {
        save(probe, ".lmdb", bytes, pages * PAGE_SIZE + (pages % 3) * 100);
        struct found found;
        reader_read(&found, name_of(probe, name, ""));
        if (found.err != HUB_E_CORRUPT)
            assert_true(is_intact(&found)); // only free pages were missing
        else
            assert_non_null(strstr(found.reason, "is damaged"));
    }
    free(bytes);
    save(probe, ".lmdb", "", 0);
}

struct flips {
    const struct probe *probe;
    char *bytes;
    size_t len;
    size_t at;
};

// Each bit of a byte, one after the other. 0 when each store was refused or read whole.
static int flip_bits(void *arg)
{
    const struct flips *flips = arg;
    char name[PATH_MAX];
    for (int bit = 0; bit < 8; bit++) {
        flips->bytes[flips->at] ^= (char)(1 << bit);
        save(flips->probe, ".lmdb", flips->bytes, flips->len);
        flips->bytes[flips->at] ^= (char)(1 << bit);
        struct found found;
        reader_read(&found, name_of(flips->probe, name, ""));
        if (!found.err && !is_intact(&found))
            return 1 + bit;
    }
    return 0;
}

static void a_flipped_bit_in_the_head_is_noticed_or_harmless(void **state)
{
    struct probe *probe = *state;
    struct flips flips = {.probe = probe};
    char *mark;
    flips.len = make_store(probe, &flips.bytes);
    size_t mark_len = load(probe, ".lmdb-hub", &mark);
    for (size_t page = 0; page < 2; page++) {
        for (size_t i = 0; i < META_SIZE; i++) {
            flips.at = page * PAGE_SIZE + i;
            save(probe, ".lmdb-hub", mark, mark_len);
            int code = in_child(flip_bits, &flips);
            if (code)
                print_error("byte %zu of page %zu: %d\n", i, page, code);
            assert_int_equal(code, 0);
        }
    }
    free(flips.bytes);
    free(mark);
}

// ---- Going back ----

static void a_store_that_was_put_back_has_a_new_epoch(void **state)
{
    struct probe *probe = *state;
    char *copy;
    probe_publish(probe, 0, 10, 1);
    uint64_t epoch = probe->epoch;
    probe_close(probe);
    size_t len = load(probe, ".lmdb", &copy);
    assert_int_equal(probe_open(probe, NULL), 0);
    assert_int_equal(probe->epoch, epoch);
    probe_publish(probe, 10, 20, 1);
    probe_close(probe);
    save(probe, ".lmdb", copy, len);
    free(copy);
    assert_int_equal(probe_open(probe, NULL), 0);
    assert_int_not_equal(probe->epoch, epoch);
    epoch = probe->epoch;
    probe_expect(probe, &beginning, 0, 10);
    probe_publish(probe, 10, 12, 1);
    probe_reopen(probe, NULL);
    assert_int_equal(probe->epoch, epoch);
    probe_expect(probe, &beginning, 0, 12);
}

static void a_lost_or_strange_side_file_is_no_hindrance(void **state)
{
    struct probe *probe = *state;
    char name[PATH_MAX];
    probe_publish(probe, 0, 10, 1);
    uint64_t epoch = probe->epoch;
    probe_close(probe);
    assert_int_equal(remove(name_of(probe, name, ".lmdb-hub")), 0);
    assert_int_equal(probe_open(probe, NULL), 0);
    assert_int_equal(probe->epoch, epoch);
    probe_close(probe);
    save(probe, ".lmdb-hub", "process no epoch\n\n\0\xff", 20);
    assert_int_equal(probe_open(probe, NULL), 0);
    assert_int_equal(probe->epoch, epoch);
    probe_close(probe);
    save(probe, ".lmdb-lock", "what is this?", 13);
    assert_int_equal(probe_open(probe, NULL), 0);
    probe_expect(probe, &beginning, 0, 10);
}

// What mdb_copy does, without and with -c.
static void copy_store(const struct probe *probe, unsigned flags)
{
    char from[PATH_MAX], to[PATH_MAX];
    MDB_env *env;
    (void)name_of(probe, from, ".lmdb");
    (void)name_of(probe, to, ".copy");
    assert_int_equal(mdb_env_create(&env), 0);
    // The store's own map is larger than what a sanitizer may leave of the address space.
    assert_int_equal(mdb_env_set_mapsize(env, (size_t)1 << 30), 0);
    assert_int_equal(mdb_env_open(env, from, MDB_NOSUBDIR | MDB_RDONLY, 0600), 0);
    assert_int_equal(mdb_env_copy2(env, to, flags), 0);
    mdb_env_close(env);
    assert_int_equal(rename(to, from), 0);
}

static void a_copy_of_lmdbs_own_opens(void **state)
{
    struct probe *probe = *state;
    probe_reopen(probe, "size=100");
    probe_publish(probe, 0, 1000, 30);
    probe_close(probe);
    copy_store(probe, 0);
    assert_int_equal(probe_open(probe, "size=100"), 0);
    probe_expect(probe, &beginning, 900, 1000);
    probe_publish(probe, 1000, 1100, 7);
    probe_close(probe);
    copy_store(probe, MDB_CP_COMPACT);
    assert_int_equal(probe_open(probe, "size=100"), 0);
    probe_expect(probe, &beginning, 1000, 1100);
    for (size_t i = 1100; i < 1200; i += 10) {
        probe_publish(probe, i, i + 10, 3);
        probe_reopen(probe, "size=100");
    }
    probe_expect(probe, &beginning, 1100, 1200);
}

// ---- The checkpoint of sync=off ----

struct copies {
    char *store;
    size_t store_len;
    char *side;
    size_t side_len;
};

// What stands in the files while a store without sync is open with 20 updates.
static struct copies copy_unsynced(struct probe *probe)
{
    struct copies copies;
    probe_reopen(probe, "sync=off");
    probe_publish(probe, 0, 20, 2);
    copies.store_len = load(probe, ".lmdb", &copies.store);
    copies.side_len = load(probe, ".lmdb-hub", &copies.side);
    probe_close(probe);
    return copies;
}

static void free_copies(struct copies *copies)
{
    free(copies->store);
    free(copies->side);
}

static void without_sync_a_killed_process_loses_nothing(void **state)
{
    struct probe *probe = *state;
    struct copies copies = copy_unsynced(probe);
    save(probe, ".lmdb", copies.store, copies.store_len);
    save(probe, ".lmdb-hub", copies.side, copies.side_len);
    assert_int_equal(probe_open(probe, NULL), 0);
    probe_expect(probe, &beginning, 0, 20);
    probe_publish(probe, 20, 30, 1);
    probe_close(probe);
    // What was stored since is not given up for an old checkpoint.
    char name[PATH_MAX];
    reader_forget_boot(name_of(probe, name, ""));
    assert_int_equal(probe_open(probe, NULL), 0);
    probe_expect(probe, &beginning, 0, 30);
    free_copies(&copies);
}

static void without_sync_a_power_cut_goes_back_to_the_checkpoint(void **state)
{
    struct probe *probe = *state;
    uint64_t epoch = probe->epoch;
    char name[PATH_MAX];
    struct copies copies = copy_unsynced(probe);
    save(probe, ".lmdb", copies.store, copies.store_len);
    save(probe, ".lmdb-hub", copies.side, copies.side_len);
    reader_forget_boot(name_of(probe, name, ""));
    struct found found;
    reader_read(&found, name_of(probe, name, ""));
    assert_int_equal(found.err, 0);
    assert_true(found.is_whole && found.count < 20);
    assert_true(found.epoch != epoch);
    assert_int_equal(probe_open(probe, NULL), 0);
    probe_publish(probe, found.count, 30, 1);
    probe_expect(probe, &beginning, 0, 30);
    free_copies(&copies);
}

static void a_checkpoint_is_not_put_into_another_file(void **state)
{
    struct probe *probe = *state;
    char *before, *after, name[PATH_MAX];
    probe_close(probe);
    size_t before_len = load(probe, ".lmdb", &before);
    assert_int_equal(probe_open(probe, NULL), 0);
    struct copies copies = copy_unsynced(probe);
    assert_int_equal(remove(name_of(probe, name, ".lmdb")), 0);
    assert_int_equal(probe_open(probe, "size=10"), 0);
    probe_publish(probe, 0, 100, 1);
    probe_close(probe);
    size_t after_len = load(probe, ".lmdb", &after);
    struct found found;
    save(probe, ".lmdb", before, before_len);
    save(probe, ".lmdb-hub", copies.side, copies.side_len);
    reader_forget_boot(name_of(probe, name, ""));
    reader_read(&found, name_of(probe, name, ""));
    assert_int_equal(found.err, 0);
    assert_int_equal(found.count, 0);
    save(probe, ".lmdb", after, after_len);
    save(probe, ".lmdb-hub", copies.side, copies.side_len);
    reader_forget_boot(name_of(probe, name, ""));
    reader_read(&found, name_of(probe, name, ""));
    assert_int_equal(found.err, 0);
    assert_true(found.is_whole && found.first == 90 && found.count == 10);
    free(before);
    free(after);
    free_copies(&copies);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_second_process_is_kept_away, setup, teardown),
        cmocka_unit_test_setup_teardown(the_same_file_under_another_path_is_told_apart, setup, teardown),
        cmocka_unit_test_setup_teardown(a_killed_process_leaves_nothing_locked, setup, teardown),
        cmocka_unit_test_setup_teardown(two_hubs_share_one_file, setup, teardown),
        cmocka_unit_test_setup_teardown(a_hub_has_its_log_only_once, setup, teardown),
        cmocka_unit_test_setup_teardown(folders_and_files_are_for_this_user_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(a_folder_that_cannot_be_created_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(a_draft_that_was_left_behind_is_no_hindrance, setup, teardown),
        cmocka_unit_test_setup_teardown(any_other_file_at_the_path_is_left_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_no_store_is_refused_and_left_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(a_store_that_was_cut_short_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_flipped_bit_in_the_head_is_noticed_or_harmless, setup, teardown),
        cmocka_unit_test_setup_teardown(a_store_that_was_put_back_has_a_new_epoch, setup, teardown),
        cmocka_unit_test_setup_teardown(a_lost_or_strange_side_file_is_no_hindrance, setup, teardown),
        cmocka_unit_test_setup_teardown(a_copy_of_lmdbs_own_opens, setup, teardown),
        cmocka_unit_test_setup_teardown(without_sync_a_killed_process_loses_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(without_sync_a_power_cut_goes_back_to_the_checkpoint, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_checkpoint_is_not_put_into_another_file, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
