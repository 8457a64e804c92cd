// A hub's part on the hub thread: it opens and closes the transport, sends it publishes in groups
// (publish_queue.h), hands on what it feeds to the workers (broadcast.h), holds both back while a worker
// lags, and answers questions about history (lookup.h). It runs on the hub thread alone, but for
// sequencer_new, _free and the statistics.
#pragma once

#include "base/attr.h"
#include "base/buf.h"
#include "base/metrics.h"
#include "transport/transport.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct hub;
struct list;
struct loop;
struct message;
struct outbox;
struct sequencer;
struct shard;

struct sequencer_config {
    struct hub *hub; // with its shards
    size_t shard_count;
    struct loop *loop;       // of the hub thread
    struct list *collecting; // the hub thread's: sequencers that got publishes in this turn
    // The transport is open and the tails are filled, or it has failed: `err` with a sentence. Hub thread.
    void (*opened)(void *arg, int err, const char *reason);
    // Everything is settled and the transport is closed. Hub thread.
    void (*closed)(void *arg);
    void *arg;
};

struct sequencer_metrics {
    struct counter groups;
    struct counter stored;
    struct counter refused;
    struct counter fed;
    struct counter tail_updates; // gauge
    struct counter tail_bytes;   // gauge
    struct counter held;         // times that publishing was held back for a slow worker
};

MUST_CHECK int sequencer_new(struct sequencer **ret_sequencer, const struct sequencer_config *config);
// After `closed`, or without sequencer_open.
void sequencer_free(struct sequencer *sequencer);
// Opens the transport of the hub's configuration by its driver; `opened` follows, unless a code is returned
// (with a sentence in `reterr`).
MUST_CHECK int sequencer_open(struct sequencer *sequencer, const struct transport_ops *driver,
                              struct buf *reterr);
// The end of a turn of the hub thread: what came in it goes to the transports as one group each.
void sequencer_end_turn(struct list *collecting);
// Settles what is queued, closes the transport; `closed` follows.
void sequencer_close(struct sequencer *sequencer);
void sequencer_health(const struct sequencer *sequencer, struct transport_health *ret_health);
// The transport's own samples.
void sequencer_transport_metrics(const struct sequencer *sequencer, struct buf *buf);
const struct sequencer_metrics *sequencer_metrics(const struct sequencer *sequencer);
// Whether the transport keeps updates that the tail no longer holds. Any thread, after `opened`.
bool sequencer_has_history(const struct sequencer *sequencer);

// Whether publishing is held back until the slowest worker has caught up. Any thread.
bool sequencer_is_held(const struct sequencer *sequencer);
// Sends a message of messages.h to the hub thread. Any thread.
void sequencer_post(struct sequencer *sequencer, struct message *message);
void sequencer_post_all(struct sequencer *sequencer, struct outbox *messages);
// Handlers of messages from workers.
void sequencer_handle_publish(struct message *message);
void sequencer_handle_locate(struct message *message);
void sequencer_handle_slice(struct message *message);
void sequencer_handle_resume(struct message *message);
// The same of an attendance (attendance.h), and of a presence_request (presence.h); with `subscriptions`.
void sequencer_handle_attend(struct message *message);
void sequencer_handle_leave(struct message *message);
void sequencer_handle_presence(struct message *message);
