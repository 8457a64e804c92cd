// The cursor of a subscriber: what is due to it, from which place of the log, and where it stands afterwards.
// The states are those of hub/subscriber.h.
#pragma once

#include "base/attr.h"
#include "http/exchange.h"
#include "transport/transport.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct subscriber;

// Updates that one flush gives a subscriber at most; as many as a connection hands to the kernel in one call.
#define DUE_MAX 256U

// What the latest cursor_next of a shard has found, until its cursor_taken: at most one subscriber is between
// the two, so it stands in the shard and not in each of them.
struct due {
    struct http_slice *slices; // where they are written: `max` of about `budget` bytes together
    size_t max;
    size_t budget;
    size_t looks; // that may still be taken

    bool comment; // the first slice is a comment
    size_t count; // updates
    bool more;    // there was more than fitted, or than was looked at
    uint64_t offset[DUE_MAX];
    const struct position *position[DUE_MAX];
    // Where the cursor stands when all of it has been taken.
    uint64_t end_offset;
    struct position end;
};

// The update at `offset` of the tail concerns the subscriber. It is due once however many matchers hit.
void cursor_offer(struct subscriber *subscriber, uint64_t offset);
// As http_source_ops.next and .taken say; the one follows the other for one subscriber at a time.
size_t cursor_next(struct subscriber *subscriber, struct http_slice *slices, size_t max, size_t budget);
void cursor_taken(struct subscriber *subscriber, size_t count, bool full);
// Makes a live one start after the position, which is at `offset` of the tail (0: not known). -ENOMEM.
MUST_CHECK int cursor_fall_behind(struct subscriber *subscriber, uint64_t offset,
                                  const struct position *position);
// Gives back what the cursor holds.
void cursor_done(struct subscriber *subscriber);
