// What the hub thread and the workers send each other. Every message names its hub: through the shard, or the
// sequencer. Who allocates what, and who frees it, stands with each.
#pragma once

#include "base/list.h"
#include "hub/publish_queue.h"
#include "loop/loop.h"
#include "transport/transport.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct broadcast;
struct lookups;
struct sequencer;
struct shard;

// Worker → hub thread: store this. Comes back once, settled. The worker allocates and frees it.
struct publish_request {
    struct message message;
    struct sequencer *sequencer;
    struct shard *shard;
    message_handle_fn *settled;  // on the worker
    struct queued_update queued; // the hub thread's, with the update; when it is settled, what became of it
    size_t memory;               // what it counts in pending_bytes

    uint64_t exchange_id;  // the worker's; 0 when it was answered before it was settled
    struct timer deadline; // the worker's
    uint64_t started_ns;   // the worker's
};

// Worker → hub thread: where does the update with this id stand? Comes back once. The worker allocates and
// frees it.
struct locate_request {
    struct message message;
    struct sequencer *sequencer;
    struct shard *shard;
    message_handle_fn *located; // on the worker
    struct find_request find;   // `id` is in `text`
    struct head_request head;   // the hub thread's, as are the next four
    struct lookups *lookups;
    struct list waiting;
    unsigned beginnings; // of the transport, when its head was asked for
    bool last_try;
    uint64_t exchange_id; // the worker's
    char text[];
};

// Worker → hub thread: read a slice of history. Comes back once. The worker allocates and frees it.
struct slice_request {
    struct message message;
    struct sequencer *sequencer;
    struct shard *shard;
    struct replay_request replay;
    struct list waiting;  // the worker's: subscribers that wait for it
    struct list node;     // the worker's
    struct position head; // the worker's: as far as it was when it asked
    bool stale;           // the worker's: positions mean something else since
};

// Hub thread → every worker: updates in the order of the feed. One allocation that the last worker frees.
// Each worker has a reference of its own on each update.
struct batch_post {
    struct message message;
    struct batch *batch;
    struct shard *shard;
};

struct batch {
    atomic_uint workers_left;
    uint64_t first_offset;      // of the first entry
    uint64_t trim_to;           // what is older may leave the tail
    uint64_t memory;            // of the updates, for the lag of a worker
    struct position oldest;     // updates before it are no longer kept; empty when none has been dropped
    bool starts;                // the tail begins here, after `before`
    struct position before;     // of the update before the first entry, with `starts`
    const char *cut;            // why streams are cut, as something before is missing; NULL
    struct broadcast *spare_of; // it is sent back to there (broadcast.h), and not freed; NULL
    size_t count;
    struct feed_entry *entries;
    struct batch_post posts[];
};

// Worker → main: tokens name a key that the source of their issuer's keys does not have. Comes back once,
// when there is nothing (more) to wait for, after the new keys if there are any. Embedded in the worker's
// key_wait.
struct key_question {
    struct message message;
    struct shard *shard;
    message_handle_fn *answered; // on the worker
    unsigned source;             // its number (keyring.h)
    struct list waiting;         // main's
    uint64_t again_ms;           // main's answer: asking again is of no use before (loop_now_ms)
};

// Worker → hub thread: this worker has caught up. Embedded in the shard.
struct resume_request {
    struct message message;
    struct sequencer *sequencer;
    atomic_bool posted;
};
