// From the feed of a hub's transport to its workers: gives each update its offset, posts batches to every
// worker in one order, says with each what may leave the tails, and knows how far the workers lag behind.
//
// Hub thread. What is stored is never left out in silence: when there is no memory to hand updates on, the
// workers are told that some are missing. Their streams are cut then, and come back to the history.
#pragma once

#include "base/attr.h"
#include "hub/tail_budget.h"
#include "transport/transport.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct batch;
struct message;
struct shard;
struct update;

struct broadcast {
    struct shard *const *_shards; // one per worker; the caller's
    size_t _shard_count;
    struct tail_budget tail;
    struct position head;    // of the newest update handed on
    struct position _oldest; // that the transport keeps, once it has dropped some
    uint64_t fed;            // updates handed on
    bool keeps_newest;       // the owner wants the next
    struct update *newest;   // of what broadcast_slice handed on; one reference, or NULL
    uint64_t _posted_bytes;
    struct batch *_spare; // tells the workers of a cut when there is no memory for another batch
    bool _spare_is_away;  // the workers have it
    const char *_cut;     // why streams are to be cut with the next batch; NULL
};

// -ENOMEM.
MUST_CHECK int broadcast_init(struct broadcast *broadcast, struct shard *const *shards, size_t shard_count,
                              size_t tail_max_bytes);
// After the workers have handled what was posted.
void broadcast_done(struct broadcast *broadcast);
// Tells the workers, once and before anything else, where their tails begin. -ENOMEM.
MUST_CHECK int broadcast_start(struct broadcast *broadcast, const struct position *before);
// Hands on what the transport feeds and takes over the references; what has come by before is left out.
void broadcast_feed(struct broadcast *broadcast, const struct feed_entry *entries, size_t count);
// The same from a slice of history. -ENOMEM, or what update_from_record says: then a part may have been
// handed on.
MUST_CHECK int broadcast_slice(struct broadcast *broadcast, const struct history_slice *slice);
// Updates before `oldest` leave the tails with the next batch.
void broadcast_trim(struct broadcast *broadcast, const struct position *oldest);
// The tails begin anew after `before`, and streams are cut: `reason` is a constant sentence for the log.
void broadcast_cut(struct broadcast *broadcast, const struct position *before, const char *reason);
// Whether the slowest worker is more than `bound` bytes behind what was posted.
bool broadcast_lags(const struct broadcast *broadcast, size_t bound);
// The last worker sends a batch with `spare_of` back: the handler of its first post.
void broadcast_handle_returned(struct message *message);
