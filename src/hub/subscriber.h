// A subscriber: one open stream and its cursor in the log.
//
// It is in one of two states.
//
//   live     The cursor is the worker's head: nothing is written here for an update that does not concern it.
//            Offsets that matched in this turn wait in the short `pending` list until the flush.
//   behind   It has a backlog: the cursor as (offset, position), and whether it waits for a slice of history
//            or for the worker's head to pass a position that it has not reached yet ("ahead"). Matching
//            passes it over; what is due is found at the flush, from the tail or from history.
//
// A live one whose socket is full, or whose pending list overflows, falls behind at the first update that it
// was not sent. One that is behind becomes live in the flush in which its cursor reaches the head. Nothing is
// ever copied for it.
#pragma once

#include "base/attr.h"
#include "base/list.h"
#include "base/str.h"
#include "http/exchange.h"
#include "hub/pending.h"
#include "loop/loop.h"
#include "transport/transport.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct attendance;
struct authorization;
struct grant;
struct matcher;
struct pattern_use;
struct shard;
struct topic;

// What a subscriber that is behind needs besides itself.
struct backlog {
    uint64_t offset; // of the cursor; 0 while only the position is known
    struct position position;
    struct list waiting; // in a slice_request, in shard.ahead, or alone
    struct subscriber *subscriber;
};

// A matcher: the topic or the use of the pattern, and where this subscriber stands in its list.
struct matcher_slot {
    union {
        struct topic *topic;
        struct pattern_use *use;
    };
    uint32_t index;
    bool is_pattern;
};

struct subscriber {
    struct shard *shard;
    struct http_stream *stream;
    struct list node;   // in shard.subscribers
    struct timer timer; // heartbeat, end of the stream
    uint64_t end_ms;    // UINT64_MAX: never
    uint64_t last_sent_ms;
    struct grant *grant;           // NULL: no private updates
    struct attendance *attendance; // its subscriptions as they were announced; NULL without `subscriptions`
    uint32_t grant_index;
    uint32_t star_index;                 // where it stands in shard.stars
    struct backlog *backlog;             // NULL when live
    struct pending_block *pending_block; // instead of the next member
    uint32_t pending[PENDING_INLINE];    // low halves of offsets
    uint8_t pending_count;
    bool star;        // one of its matchers is "*"
    bool comment_due; // the greeting or a heartbeat
    bool ending;
    bool many;     // has more than one matcher
    bool patterns; // some of its matchers are patterns
    bool legacy;   // of 0.x: subscription events look different to it
    uint16_t matcher_count;
    struct matcher_slot matchers[];
};

struct subscriber_config {
    struct shard *shard;
    const struct matcher *matchers; // without repeats
    size_t matcher_count;
    bool legacy;
    struct authorization *authorization; // NULL for none; a reference is taken
    uint64_t end_ms;                     // of loop_now_ms
    // Where its cursor starts: it is behind until its stream is asked for the first time.
    uint64_t offset; // 0: by position alone
    struct position position;
};

// Registers it; subscriber_attach or subscriber_drop follows. HUB_E_FULL when max_subscribers is reached,
// HUB_E_TOO_BIG when max_matcher_bytes would be passed; -ENOMEM.
MUST_CHECK int subscriber_new(struct subscriber **ret_subscriber, const struct subscriber_config *config);
extern const struct http_source_ops subscriber_source_ops;
// The stream that pulls from it.
void subscriber_attach(struct subscriber *subscriber, struct http_stream *stream);
// Frees one that got no stream.
void subscriber_drop(struct subscriber *subscriber);
// Whether a record concerns it: some matcher matches, and some grant covers it if it is private.
bool subscriber_wants(const struct subscriber *subscriber, const struct record *record);
// Whether some matcher matches some topic.
bool subscriber_matches(const struct subscriber *subscriber, const struct record *record);
// Whether a subscription event concerns it for which a chain or a grant has been found: that may have been by
// the topic of the other generation, and the event may be too old to be there still.
bool subscriber_takes_event(const struct subscriber *subscriber, const struct record *record);
// Ends the stream in good order.
void subscriber_end(struct subscriber *subscriber);
// Cuts the connection: what the subscriber is still to be sent cannot be sent. It comes back with its last
// id. The caller tells the log why.
void subscriber_cut(struct subscriber *subscriber);
