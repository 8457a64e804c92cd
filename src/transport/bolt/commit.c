// The writer: everything that waits goes into one transaction.
#include "base/assert.h"
#include "base/clock.h"
#include "base/err.h"
#include "mercure/update.h"
#include "transport/bolt/event_rows.h"
#include "transport/bolt/store_priv.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

// How many records over the size, or too old, one transaction drops beyond as many as it stores.
#define DROP_MORE 256U
#define DROP_ALONE 2048U
#define RETRY_MS 1000U
#define DISK_CHECK_MS 1000U

void commit_handle(struct message *message)
{
    struct store_commit *commit = CONTAINER_OF(message, struct store_commit, message);
    list_append(&commit->store->commits, &commit->_node);
}

static struct store_commit *commit_of(struct list *node)
{
    return CONTAINER_OF(node, struct store_commit, _node);
}

// ---- One transaction ----

static bool is_over(const struct store_log *log)
{
    return log->size && row_bounds_updates(&log->staged) > log->size;
}

static int drop_oldest(struct row_writer *writer, struct store_log *log, uint64_t most)
{
    for (; most && is_over(log); most--) {
        uint64_t updates = row_bounds_updates(&log->staged);
        int err = row_writer_drop(writer, log->hub, &log->staged);
        if (err)
            return err;
        log->dropped += updates - row_bounds_updates(&log->staged);
    }
    return HUB_OK;
}

static int drop_old_events(struct row_writer *writer, struct store_commit *commit, uint64_t most)
{
    struct store_log *log = commit->log;
    uint64_t now_ms = clock_real_ms();
    uint64_t before_ms = log->event_ms && log->event_ms < now_ms ? now_ms - log->event_ms : 0;
    if (log->staged.others == 0)
        return HUB_OK;
    int err = row_writer_expire(writer, log->hub, before_ms, &most, &commit->event_ms);
    commit->over = commit->event_ms && commit->event_ms < before_ms;
    return err;
}

static int store_bounds(struct row_writer *writer, const struct store_log *log)
{
    const struct row_bounds *was = &log->bounds;
    const struct row_bounds *is = &log->staged;
    bool changed = was->others != is->others || (is->others && was->oldest != is->oldest);
    return changed ? event_rows_store_bounds(writer, log->hub, is) : HUB_OK;
}

static int stage(struct row_writer *writer, struct store_commit *commit)
{
    struct store_log *log = commit->log;
    uint64_t most = commit->count ? commit->count + DROP_MORE : DROP_ALONE;
    commit->first = log->staged.newest + 1;
    commit->over = false;
    commit->event_ms = 0;
    int err = HUB_OK;
    for (size_t i = 0; i < commit->count && !err; i++)
        err = row_writer_append(writer, log->hub, &log->staged, &commit->updates[i]->record);
    if (!err)
        err = drop_oldest(writer, log, most);
    if (!err)
        err = drop_old_events(writer, commit, most);
    if (!err)
        err = store_bounds(writer, log);
    commit->oldest = log->staged.oldest;
    commit->kept = row_bounds_updates(&log->staged);
    commit->over = commit->over || is_over(log);
    return err;
}

static void begin_staging(struct store_log *log)
{
    log->staged = log->bounds;
    log->dropped = 0;
}

static int stage_all(struct row_writer *writer, const struct store *store)
{
    LIST_FOREACH (node, &store->commits)
        begin_staging(commit_of(node)->log);
    LIST_FOREACH (node, &store->commits) {
        int err = stage(writer, commit_of(node));
        if (err)
            return err;
    }
    return HUB_OK;
}

// Whether any hub of the file wants its updates on the disk before they are acknowledged: then all have it.
static bool wants_sync(const struct store *store)
{
    LIST_FOREACH (node, &store->logs) {
        if (CONTAINER_OF(node, struct store_log, node)->sync)
            return true;
    }
    return false;
}

static int prepare_sync(struct store *store)
{
    bool sync = wants_sync(store);
    (void)mdb_env_set_flags(store->env.mdb, MDB_NOSYNC, !sync);
    if (sync)
        return checkpoint_end(&store->checkpoint, &store->env, store->lock.fd);
    if (!timer_is_set(&store->checkpoint_due))
        timer_set(&store->loop, &store->checkpoint_due, loop_now_ms(&store->loop) + CHECKPOINT_EVERY_MS);
    if (store->checkpoint.pin)
        return HUB_OK;
    return checkpoint_take(&store->checkpoint, &store->env, store->lock.fd);
}

static int store_all(struct store *store)
{
    struct row_writer writer;
    int err = prepare_sync(store);
    if (!err)
        err = row_writer_begin(&writer, &store->env);
    if (err)
        return err;
    err = stage_all(&writer, store);
    if (err) {
        row_writer_abort(&writer);
        return err;
    }
    uint64_t transaction;
    err = row_writer_commit(&writer, &transaction);
    if (!err)
        lock_mark(&store->lock, store->env.epoch, transaction);
    return err;
}

// ---- What went wrong ----

static enum store_fault fault_of(int err)
{
    switch (err) {
    case -ENOMEM:
    case HUB_E_TOO_BIG:
        return STORE_FAULT_NONE; // the next ones may be stored
    case -ENOSPC:
    case -EDQUOT:
    case -EFBIG:
        return STORE_FAULT_FULL;
    case HUB_E_FULL:
        return STORE_FAULT_ADDRESSES;
    case HUB_E_CORRUPT:
    case HUB_E_NOT_FOUND:
        return STORE_FAULT_DAMAGED;
    default:
        return STORE_FAULT_FAILED;
    }
}

// LMDB says EIO when the disk took only a part of what it wrote, which is how most full disks show. Only the
// kernel knows whether something was lost on its way to the disk: it tells each descriptor once.
static bool lost_nothing(const struct store *store)
{
    return fdatasync(store->env.fd) == 0;
}

// After a failed write of the head LMDB takes no more transactions, readers' included.
static bool gave_up(const struct store *store)
{
    MDB_txn *txn;
    int code = mdb_txn_begin(store->env.mdb, NULL, MDB_RDONLY, &txn);
    if (code == 0)
        mdb_txn_abort(txn);
    return code == MDB_PANIC;
}

static enum store_fault judge(struct store *store, int err)
{
    bool lost_head = gave_up(store);
    enum store_fault fault = fault_of(err);
    if (err == -EIO && !lost_head && lost_nothing(store))
        fault = STORE_FAULT_FULL;
    if (lost_head && opening_again(store) != HUB_OK)
        fault = STORE_FAULT_DAMAGED;
    return fault;
}

static const char *reason_of(enum store_fault fault)
{
    switch (fault) {
    case STORE_FAULT_NONE:
        return "there was no memory to store it";
    case STORE_FAULT_FULL:
        return "the disk of the history is full";
    case STORE_FAULT_ADDRESSES:
        return "the history has used up the address space that the process may have";
    case STORE_FAULT_FAILED:
        return "the history could not be written to its disk; nothing more is stored until a restart";
    case STORE_FAULT_DAMAGED:
        return "the file of the history is damaged";
    }
    return "";
}

static void set_fault(struct store *store, enum store_fault fault)
{
    atomic_store(&store->fault, fault);
    if (fault == STORE_FAULT_FULL || fault == STORE_FAULT_ADDRESSES)
        timer_set(&store->loop, &store->retry, loop_now_ms(&store->loop) + RETRY_MS);
    else
        timer_cancel(&store->retry);
}

static bool is_final(const struct store *store)
{
    return atomic_load(&store->fault) >= STORE_FAULT_FAILED;
}

// ---- Turns ----

void commit_check_disk(struct store *store)
{
    uint64_t now_ms = clock_mono_ms();
    if (store->disk_checked_ms && now_ms - store->disk_checked_ms < DISK_CHECK_MS)
        return;
    store->disk_checked_ms = now_ms;
    struct statvfs disk;
    struct stat file;
    if (fstatvfs(store->env.fd, &disk) == 0 && disk.f_blocks) {
        uint64_t used = disk.f_blocks - disk.f_bfree;
        uint64_t all = used + disk.f_bavail;
        counter_set(&store->metrics.disk_used, all ? (100 * used + all - 1) / all : 100);
    }
    if (fstat(store->env.fd, &file) == 0)
        counter_set(&store->metrics.file_bytes, (uint64_t)file.st_size);
}

static void succeed(struct store *store)
{
    LIST_FOREACH (node, &store->commits) {
        struct store_commit *commit = commit_of(node);
        struct store_log *log = commit->log;
        counter_add(&store->metrics.dropped, log->dropped);
        log->dropped = 0;
        log->bounds = log->staged;
        commit->err = HUB_OK;
    }
}

static void fail(struct store *store, int err)
{
    enum store_fault fault = (enum store_fault)atomic_load(&store->fault);
    LIST_FOREACH (node, &store->commits) {
        commit_of(node)->err = err;
        commit_of(node)->reason = reason_of(fault);
    }
}

static void answer_all(struct store *store)
{
    LIST_FOREACH (node, &store->commits) {
        struct store_commit *commit = commit_of(node);
        list_remove(node);
        store_answer(&commit->message, &commit->reply);
    }
}

static int run(struct store *store)
{
    uint64_t started_ns = clock_mono_ns();
    int err = store_all(store);
    histogram_record(&store->metrics.commit_us, (clock_mono_ns() - started_ns) / 1000);
    if (err) {
        set_fault(store, judge(store, err));
        return err;
    }
    counter_add(&store->metrics.transactions, 1);
    if (atomic_load(&store->fault) != STORE_FAULT_NONE)
        set_fault(store, STORE_FAULT_NONE);
    return HUB_OK;
}

bool commit_end_turn(void *arg)
{
    struct store *store = arg;
    if (list_empty(&store->commits))
        return false;
    int err = is_final(store) ? HUB_E_CLOSED : run(store);
    if (err)
        fail(store, err);
    else
        succeed(store);
    answer_all(store);
    commit_check_disk(store);
    return false;
}

// Publishers stay away from a hub that is not ready, so the writer finds out by itself that there is room
// again.
void commit_retry(struct timer *timer)
{
    struct store *store = CONTAINER_OF(timer, struct store, retry);
    if (is_final(store))
        return;
    int err = prepare_sync(store);
    if (!err)
        err = env_probe(&store->env);
    set_fault(store, err ? judge(store, err) : STORE_FAULT_NONE);
}

void commit_checkpoint(struct timer *timer)
{
    struct store *store = CONTAINER_OF(timer, struct store, checkpoint_due);
    if (is_final(store) || !store->checkpoint.pin)
        return;
    int err = checkpoint_take(&store->checkpoint, &store->env, store->lock.fd);
    if (err)
        set_fault(store, judge(store, err));
}

void commit_end_checkpoint(struct store *store)
{
    timer_cancel(&store->checkpoint_due);
    if (!store->env.mdb || is_final(store))
        return;
    // When this fails the checkpoint stays, and is put back if the power fails too.
    int err = checkpoint_end(&store->checkpoint, &store->env, store->lock.fd);
    if (err)
        set_fault(store, judge(store, err));
}
