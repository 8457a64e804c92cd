// One LMDB file that is open in this process, with the threads that work on it: a writer, which puts what
// waits into one transaction and syncs once, and readers, whose page faults may block. Hubs whose URLs name
// the same path share it: a process must not open a file of LMDB twice.
//
// A hub thread sends requests as messages. Each comes back once, to the loop and handler that it names. The
// store knows no transport.
#pragma once

#include "base/attr.h"
#include "base/list.h"
#include "base/metrics.h"
#include "base/str.h"
#include "loop/loop.h"
#include "transport/bolt/checkpoint.h"
#include "transport/bolt/env.h"
#include "transport/bolt/import.h"
#include "transport/bolt/lock.h"
#include "transport/bolt/rows.h"
#include "transport/slice.h"

#include <lmdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct buf;
struct store;
struct update;

#define STORE_READERS 2
#define STORE_REASON_MAX 512U

// Why nothing can be stored.
enum store_fault {
    STORE_FAULT_NONE,
    // Over when a transaction has been stored again:
    STORE_FAULT_FULL,      // the disk
    STORE_FAULT_ADDRESSES, // the map, which was made as large as it could
    // Stay until a restart:
    STORE_FAULT_FAILED,  // a sync: what is on the disk is not known any more
    STORE_FAULT_DAMAGED, // the file
};

struct store_metrics {
    struct counter transactions;
    struct counter dropped; // updates over the size
    struct counter file_bytes;
    struct counter disk_used; // per cent
    struct histogram commit_us;
};

// A hub's log, the writer's.
struct store_log {
    struct list node;
    uint32_t hub;
    uint64_t size;     // updates kept; 0 keeps all
    uint64_t event_ms; // how long subscription events are kept; 0 keeps them
    bool sync;
    struct row_bounds bounds;
    struct row_bounds staged; // of the transaction under way
    uint64_t dropped;         // likewise: updates over the size
};

// Where an answer goes.
struct store_reply {
    struct loop *loop;
    message_handle_fn *handle;
};

// Opens the file if it is not open yet, and the hub's log in it. The hub and the size of the log are set, and
// those of the import are theirs.
struct store_attach {
    struct message message;
    struct store *store;
    struct store_reply reply;
    struct store_log *log;
    struct import_order import;
    int err;
    char reason[STORE_REASON_MAX]; // a sentence; on success it says where the history is
    uint64_t epoch;
    struct row_bounds bounds;
    uint64_t head; // number of the newest record that is there; 0: none
};

// The log is to be used no more.
struct store_detach {
    struct message message;
    struct store *store;
    struct store_reply reply;
    struct store_log *log;
};

// Stores the updates, all or none, and drops some of what is over the size or too old; without updates, only
// that.
struct store_commit {
    struct message message;
    struct store *store;
    struct store_reply reply;
    struct store_log *log;
    struct update *const *updates;
    size_t count;
    int err;
    const char *reason; // a constant sentence
    uint64_t first;     // the number of the first update stored
    uint64_t oldest;    // of what is kept
    uint64_t kept;      // updates
    bool over;          // there is still more to be dropped
    uint64_t event_ms;  // when the oldest subscription event was accepted; 0: there is none
    struct list _node;  // in store.commits
};

enum store_read_kind {
    STORE_FIND,
    STORE_REPLAY,
};

// Answers the request in place, but for its `done`.
struct store_read {
    struct message message;
    struct store *store;
    struct store_reply reply;
    uint32_t hub;
    enum store_read_kind kind;
    union {
        struct find_request *find;
        struct replay_request *replay;
    };
    struct store_reader *_reader;
};

struct store_reader {
    struct loop loop;
    MDB_txn *txn; // between two requests it is reset; NULL before the first
    struct slice_builder builder;
    atomic_uint waiting; // requests that are not answered yet
};

struct store {
    struct list node; // of the stores that are open in this process
    unsigned users;   // both under the lock of that list
    char *path;       // of the file: PATH.lmdb
    char *go_path;    // PATH, which may be the file of a Go hub
    char *lock_path;
    struct lock lock;

    struct loop loop; // the writer's
    struct env env;
    // Held for reading while a reader has a transaction, for writing while the environment is opened anew.
    pthread_rwlock_t env_lock;
    struct list logs;             // attached; the writer's
    struct list commits;          // of this turn; the writer's
    struct timer retry;           // while the disk is full; the writer's
    struct checkpoint checkpoint; // of sync=off; the writer's
    struct timer checkpoint_due;  // while something is not synced; the writer's
    uint64_t disk_checked_ms;     // the writer's
    struct store_reader readers[STORE_READERS];

    atomic_int fault; // of enum store_fault; the writer writes it
    struct store_metrics metrics;
};

// The store of PATH, running; its file is opened by the first store_attach. -ENOMEM, or what starting a
// thread gives.
MUST_CHECK int store_get(struct store **ret_store, struct str path);
// The last one ends the threads and closes the file. All requests must have come back.
void store_put(struct store *store);
void store_attach(struct store_attach *request);
void store_detach(struct store_detach *request);
void store_commit(struct store_commit *commit);
void store_read(struct store_read *read);
