#include "transport/bolt/store.h"

#include "base/assert.h"
#include "base/buf.h"
#include "base/err.h"
#include "transport/bolt/settings.h"
#include "transport/bolt/store_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The one state of the process that does not hang on an argument, because the rule that a file of LMDB is
// open only once is the process's: hubs and hub threads that know nothing of each other keep it together. The
// lock is taken to open and to close a transport, never between.
static struct list open_stores = {&open_stores, &open_stores};
static pthread_mutex_t open_stores_lock = PTHREAD_MUTEX_INITIALIZER;

static char *add_suffix(struct str path, const char *suffix)
{
    size_t size = path.len + strlen(suffix) + 1;
    char *to = malloc(size);
    if (to)
        (void)snprintf(to, size, "%.*s%s", STR_ARG(path), suffix);
    return to;
}

static void free_store(struct store *store)
{
    free(store->path);
    free(store->go_path);
    free(store->lock_path);
    free(store);
}

static struct store *new_store(struct str path)
{
    struct store *store = calloc(1, sizeof(*store));
    if (!store)
        return NULL;
    store->path = add_suffix(path, ".lmdb");
    store->go_path = add_suffix(path, "");
    store->lock_path = add_suffix(path, ".lmdb-hub");
    if (!store->path || !store->go_path || !store->lock_path) {
        free_store(store);
        return NULL;
    }
    store->lock.fd = -1;
    store->env.fd = -1;
    list_init(&store->logs);
    list_init(&store->commits);
    timer_init(&store->retry, commit_retry);
    timer_init(&store->checkpoint_due, commit_checkpoint);
    return store;
}

// ---- Threads ----

static int start_loop(struct loop *loop, const char *name)
{
    int err = loop_init(loop);
    if (err)
        return err;
    err = loop_spawn(loop, name);
    if (err)
        loop_done(loop);
    return err;
}

static void stop_loop(struct loop *loop)
{
    loop_stop(loop);
    loop_join(loop);
    loop_done(loop);
}

static int start_writer(struct store *store)
{
    int err = loop_init(&store->loop);
    if (err)
        return err;
    loop_add_hook(&store->loop, commit_end_turn, store);
    err = loop_spawn(&store->loop, "bolt-writer");
    if (err)
        loop_done(&store->loop);
    return err;
}

static void stop_readers(struct store *store, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        stop_loop(&store->readers[i].loop);
        read_done(&store->readers[i]);
    }
}

static int start(struct store *store)
{
    int err = -pthread_rwlock_init(&store->env_lock, NULL);
    if (err)
        return err;
    size_t readers = 0;
    while (readers < STORE_READERS && !err) {
        err = start_loop(&store->readers[readers].loop, "bolt-reader");
        readers += !err;
    }
    if (!err)
        err = start_writer(store);
    if (err) {
        stop_readers(store, readers);
        (void)pthread_rwlock_destroy(&store->env_lock);
    }
    return err;
}

static void stop(struct store *store)
{
    stop_readers(store, STORE_READERS);
    stop_loop(&store->loop);
    checkpoint_unpin(&store->checkpoint);
    env_close(&store->env);
    lock_release(&store->lock);
    (void)pthread_rwlock_destroy(&store->env_lock);
}

// ---- The stores of the process ----

static struct store *find_open(struct str path)
{
    LIST_FOREACH (node, &open_stores) {
        struct store *store = CONTAINER_OF(node, struct store, node);
        if (str_eq(str_from_c(store->go_path), path))
            return store;
    }
    return NULL;
}

static int add_store(struct store **ret_store, struct str path)
{
    struct store *store = new_store(path);
    if (!store)
        return -ENOMEM;
    int err = start(store);
    if (err) {
        free_store(store);
        return err;
    }
    list_append(&open_stores, &store->node);
    *ret_store = store;
    return HUB_OK;
}

int store_get(struct store **ret_store, struct str path)
{
    (void)pthread_mutex_lock(&open_stores_lock);
    int err = HUB_OK;
    struct store *store = find_open(path);
    if (!store)
        err = add_store(&store, path);
    if (!err) {
        store->users++;
        *ret_store = store;
    }
    (void)pthread_mutex_unlock(&open_stores_lock);
    return err;
}

void store_put(struct store *store)
{
    // Whoever opens the same path again waits here until the file is closed.
    (void)pthread_mutex_lock(&open_stores_lock);
    if (--store->users == 0) {
        list_remove(&store->node);
        stop(store);
        free_store(store);
    }
    (void)pthread_mutex_unlock(&open_stores_lock);
}

// ---- Attaching a log: on the writer ----

static bool has_log(const struct store *store, uint32_t hub)
{
    LIST_FOREACH (node, &store->logs) {
        if (CONTAINER_OF(node, struct store_log, node)->hub == hub)
            return true;
    }
    return false;
}

static int read_bounds(struct store *store, struct store_log *log, uint64_t *ret_head, struct buf *reterr)
{
    MDB_txn *txn;
    int err = env_err(mdb_txn_begin(store->env.mdb, NULL, MDB_RDONLY, &txn));
    if (!err) {
        err = rows_bounds(txn, &store->env, log->hub, &log->bounds);
        if (!err)
            err = rows_newest(txn, &store->env, log->hub, ret_head);
        mdb_txn_abort(txn);
    }
    if (err)
        buf_printf(reterr, "%s cannot be read: %s", store->path, err_text(err));
    return err;
}

static int attach(struct store *store, struct store_attach *request, struct buf *reterr)
{
    if (atomic_load(&store->fault) >= STORE_FAULT_FAILED) {
        buf_printf(reterr, "%s had to be given up by another hub; a restart opens it again", store->path);
        return HUB_E_CLOSED;
    }
    struct store_log *log = request->log;
    int err = store->env.mdb ? HUB_OK : opening_run(store, &request->import, reterr);
    if (err)
        return err;
    if (has_log(store, log->hub)) {
        buf_printf(reterr, "%s is already in use for this hub", store->path);
        return HUB_E_BUSY;
    }
    err = read_bounds(store, log, &request->head, reterr);
    if (!err) {
        list_append(&store->logs, &log->node);
        commit_check_disk(store);
    }
    return err;
}

static void handle_attach(struct message *message)
{
    struct store_attach *request = CONTAINER_OF(message, struct store_attach, message);
    struct buf reason;
    buf_init(&reason, STORE_REASON_MAX - 1);
    request->err = attach(request->store, request, &reason);
    const char *text = buf_c(&reason);
    if (!request->err)
        (void)snprintf(request->reason, sizeof(request->reason), "the history is in %s",
                       request->store->path);
    else
        (void)snprintf(request->reason, sizeof(request->reason), "%s", text ? text : err_text(request->err));
    buf_done(&reason);
    request->epoch = request->store->env.epoch;
    request->bounds = request->log->bounds;
    store_answer(&request->message, &request->reply);
}

static void handle_detach(struct message *message)
{
    struct store_detach *request = CONTAINER_OF(message, struct store_detach, message);
    list_remove(&request->log->node);
    commit_end_checkpoint(request->store);
    store_answer(&request->message, &request->reply);
}

// ---- Requests: from a hub thread, and back ----

void store_answer(struct message *request, const struct store_reply *reply)
{
    request->handle = reply->handle;
    mailbox_post(&reply->loop->mailbox, request);
}

void store_attach(struct store_attach *request)
{
    list_init(&request->log->node);
    request->message.handle = handle_attach;
    mailbox_post(&request->store->loop.mailbox, &request->message);
}

void store_detach(struct store_detach *request)
{
    request->message.handle = handle_detach;
    mailbox_post(&request->store->loop.mailbox, &request->message);
}

void store_commit(struct store_commit *commit)
{
    list_init(&commit->_node);
    commit->message.handle = commit_handle;
    mailbox_post(&commit->store->loop.mailbox, &commit->message);
}

// The reader with the fewest requests before this one.
static struct store_reader *choose_reader(struct store *store)
{
    struct store_reader *least = &store->readers[0];
    for (size_t i = 1; i < STORE_READERS; i++) {
        if (atomic_load(&store->readers[i].waiting) < atomic_load(&least->waiting))
            least = &store->readers[i];
    }
    return least;
}

void store_read(struct store_read *read)
{
    read->_reader = choose_reader(read->store);
    atomic_fetch_add(&read->_reader->waiting, 1);
    read->message.handle = read_handle;
    mailbox_post(&read->_reader->loop.mailbox, &read->message);
}
