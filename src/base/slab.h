// Memory for many objects of one size: connections, subscribers. They live long, between short-lived memory
// of requests that would otherwise leave holes around each of them; here they stand side by side, without a
// header each. A block that has become empty goes back to the system, but for one. Not thread-safe.
#pragma once

#include "base/list.h"

#include <stddef.h>

struct slab {
    size_t _size; // of an object
    size_t _per_block;
    struct list _partial; // blocks with room
    struct list _full;
    size_t _empty; // blocks without an object
};

// `size` is at most a few hundred bytes.
void slab_init(struct slab *slab, size_t size);
// Every object must have been freed. Accepts a zeroed struct.
void slab_done(struct slab *slab);
// Not cleared, aligned for any type; NULL when memory is out.
void *slab_alloc(struct slab *slab);
// Accepts NULL.
void slab_free(struct slab *slab, void *object);
