// Memory of one lifetime, freed whole: a request, a snapshot of the configuration. Not thread-safe.
#pragma once

#include "base/str.h"

#include <stddef.h>

struct arena_chunk;

struct arena {
    struct arena_chunk *_chunk;
    size_t _left; // bytes that may still be taken from the system
};

// Allocates nothing yet. `max` bounds the memory taken from the system.
void arena_init(struct arena *arena, size_t max);
// Frees everything. Accepts a zeroed struct.
void arena_done(struct arena *arena);
// `size` bytes, aligned for any type, not cleared; NULL when the bound or the memory is reached.
void *arena_alloc(struct arena *arena, size_t size);
// The same, cleared; `count` * `size` may not overflow (NULL then).
void *arena_calloc(struct arena *arena, size_t count, size_t size);
// A copy with a terminating zero (not counted); the ptr is NULL when there is no memory.
struct str arena_dup(struct arena *arena, struct str s);
