// The cursor of a subscriber: what is due to it, from which place of the log, and where it stands afterwards.
// The states are those of hub/subscriber.h.
#pragma once

#include "base/attr.h"
#include "http/exchange.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct position;
struct subscriber;

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
