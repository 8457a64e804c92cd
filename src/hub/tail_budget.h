// What the tails of a hub hold, as the hub thread counts it: each update's offset, position and cost in this
// process. It decides what the workers may let go of. Hub thread.
#pragma once

#include "base/attr.h"
#include "transport/transport.h"

#include <stddef.h>
#include <stdint.h>

struct held_update;

struct tail_budget {
    struct held_update *_ring; // by offset
    size_t _mask;
    size_t _max_bytes;
    uint64_t first; // offset of the oldest update that stays
    uint64_t next;  // offset of the update to come
    size_t bytes;   // of those that stay
};

// -ENOMEM.
MUST_CHECK int tail_budget_init(struct tail_budget *budget, size_t max_bytes);
void tail_budget_done(struct tail_budget *budget);
// The next update; `cost` is what it takes in bytes. The oldest go when all together are over the bound, or
// when there is no memory to note one more.
void tail_budget_add(struct tail_budget *budget, const struct position *position, size_t cost);
// Updates before `oldest` go.
void tail_budget_drop_before(struct tail_budget *budget, const struct position *oldest);
void tail_budget_clear(struct tail_budget *budget);
