// The updates that concern a live subscriber, between matching and its flush: offsets of the tail, rising.
// Two fit into the subscriber itself; for more it has a block of its worker's pool, which is bounded. The
// tail holds the first of them, and with it all that follow.
#pragma once

#include "base/attr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct subscriber;

#define PENDING_INLINE 2
#define PENDING_MAX 64

struct pending_block {
    struct pending_block *next;
    uint32_t offsets[PENDING_MAX]; // low halves
};

// The blocks of one worker for one hub.
struct pending_pool {
    struct pending_block *_free;
    size_t left; // blocks that may still be allocated
};

void pending_pool_init(struct pending_pool *pool);
// Every list must be empty.
void pending_pool_done(struct pending_pool *pool);
// Adds an offset that is not below the last; nothing changes if it is the last. False when the list or the
// pool is full.
MUST_CHECK bool pending_add(struct subscriber *subscriber, uint64_t offset);
// The i-th offset, of subscriber.pending_count.
uint64_t pending_offset(const struct subscriber *subscriber, unsigned i);
void pending_clear(struct subscriber *subscriber);
