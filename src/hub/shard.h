// A hub's part on one worker: its tail, its subscribers, and the index that finds those an update concerns.
// Everything here belongs to the worker's thread, but for `answers`, which is the hub thread's, and the two
// atomics.
#pragma once

#include "base/attr.h"
#include "base/list.h"
#include "base/metrics.h"
#include "base/slab.h"
#include "hub/cursor.h"
#include "hub/grant.h"
#include "hub/history.h"
#include "hub/legacy.h"
#include "hub/messages.h"
#include "hub/pattern_use.h"
#include "hub/pending.h"
#include "hub/tail.h"
#include "hub/topic.h"
#include "mercure/pattern.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct hub;
struct jwt_keyset;
struct key_wait;
struct loop;
struct subscriber;

struct shard_metrics {
    struct counter subscribers; // connected now
    struct counter subscribers_total;
    struct counter deliveries;
    struct counter behind;          // times that a live subscriber fell behind
    struct counter replayed;        // deliveries to subscribers that were behind
    struct counter lost_history;    // streams ended because history no longer reaches back
    struct counter costly_patterns; // times that matching a pattern would have taken too long
    struct counter published;
    struct counter publish_failed;
    struct counter rejected_auth;    // 401 and 403
    struct counter unchecked_auth;   // 503: the token could not be checked
    struct counter verified;         // signatures of public keys
    struct counter rejected_request; // other 4xx
    struct counter legacy[LEGACY_FORM_COUNT];
    struct histogram publish_us; // from the request to its settlement
};

struct shard {
    struct hub *hub;
    struct loop *loop;
    struct jwt_keyset *keys;    // one reference; those of the hub as this worker knows them
    struct key_wait *key_waits; // one for each source of keys
    struct tail tail;
    struct topics topics;
    struct patterns patterns;
    struct pattern_matches matches; // of the update that is being matched
    struct grants grants;
    struct history history;
    struct subscriber **stars; // subscribers of "*"
    uint32_t star_count;
    uint32_t _star_cap;
    struct list subscribers; // all
    struct slab slab;        // of subscribers with one matcher
    struct list ahead;       // backlogs whose position is beyond the head
    struct pending_pool pool;
    struct due due;
    bool draining;       // its streams have been ended, and no more begin
    unsigned beginnings; // so often its tail has begun anew: positions from before mean nothing
    uint64_t trim_to;
    struct shard_metrics metrics;

    struct outbox requests; // for the hub thread, posted at the end of the turn: one wake-up for all
    struct outbox answers;  // the hub thread's: to publishes and attendances, posted when a group is done

    atomic_uint_fast64_t applied_bytes; // of posted batches; read by the hub thread
    struct resume_request resume;
};

void shard_init(struct shard *shard, struct hub *hub, struct loop *loop);
// Every subscriber must have gone.
void shard_done(struct shard *shard);
// A batch has come: matches it and wakes the streams that it concerns. The handler of batch_post.
void shard_handle_batch(struct message *message);
// The end of a turn, before the flush: the hub thread gets the requests.
void shard_post_requests(struct shard *shard);
// The end of a turn, after the flush: lets go of what the tail need not hold any more.
void shard_end_turn(struct shard *shard);
// Ends the stream of every subscriber in good order; from now on none begins.
void shard_end_streams(struct shard *shard);
// Adds a subscriber of "*"; -ENOMEM. The index is the subscriber's to keep.
MUST_CHECK int shard_add_star(struct shard *shard, struct subscriber *subscriber, uint32_t *ret_index);
void shard_remove_star(struct shard *shard, uint32_t index);
