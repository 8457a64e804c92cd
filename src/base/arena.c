#include "base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_CHUNK_MIN 1024U
#define ARENA_CHUNK_MAX 65536U

struct arena_chunk {
    struct arena_chunk *next;
    size_t used;
    size_t cap;
    alignas(max_align_t) char bytes[];
};

void arena_init(struct arena *arena, size_t max)
{
    *arena = (struct arena){._left = max};
}

void arena_done(struct arena *arena)
{
    struct arena_chunk *chunk = arena->_chunk;
    while (chunk) {
        struct arena_chunk *next = chunk->next;
        free(chunk);
        chunk = next;
    }
    arena->_chunk = NULL;
}

static struct arena_chunk *chunk_new(struct arena *arena, size_t size)
{
    size_t cap = arena->_chunk ? arena->_chunk->cap * 2 : ARENA_CHUNK_MIN;
    if (cap > ARENA_CHUNK_MAX)
        cap = ARENA_CHUNK_MAX;
    if (cap > arena->_left)
        cap = arena->_left;
    if (cap < size)
        cap = size;
    if (cap > arena->_left || cap > SIZE_MAX - sizeof(struct arena_chunk))
        return NULL;
    struct arena_chunk *chunk = malloc(sizeof(*chunk) + cap);
    if (!chunk)
        return NULL;
    arena->_left -= cap;
    *chunk = (struct arena_chunk){.next = arena->_chunk, .cap = cap};
    arena->_chunk = chunk;
    return chunk;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    const size_t align = alignof(max_align_t);
    if (size > SIZE_MAX - align)
        return NULL;
    size = (size + align - 1) & ~(align - 1);
    struct arena_chunk *chunk = arena->_chunk;
    if (!chunk || chunk->cap - chunk->used < size) {
        chunk = chunk_new(arena, size);
        if (!chunk)
            return NULL;
    }
    void *ptr = chunk->bytes + chunk->used;
    chunk->used += size;
    return ptr;
}

void *arena_calloc(struct arena *arena, size_t count, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(count, size, &total))
        return NULL;
    void *ptr = arena_alloc(arena, total);
    if (ptr)
        memset(ptr, 0, total);
    return ptr;
}

struct str arena_dup(struct arena *arena, struct str s)
{
    char *copy = s.len < SIZE_MAX ? arena_alloc(arena, s.len + 1) : NULL;
    if (!copy)
        return str_make(NULL, 0);
    if (s.len)
        memcpy(copy, s.ptr, s.len);
    copy[s.len] = '\0';
    return str_make(copy, s.len);
}
