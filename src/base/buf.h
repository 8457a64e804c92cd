// A growing buffer with a maximum given at birth and a sticky error: after the first failure every later
// call does nothing, so that callers compose freely and test `err` once.
#pragma once

#include "base/attr.h"
#include "base/str.h"

#include <stdint.h>

struct buf {
    char *ptr;
    size_t len;
    int err; // HUB_OK, HUB_E_TOO_BIG or -ENOMEM
    size_t _cap;
    size_t _max;
};

// Allocates nothing yet. `max` is the most bytes that it will hold.
void buf_init(struct buf *buf, size_t max);
// Frees the memory. Accepts a zeroed struct; the buffer may be initialised again.
void buf_done(struct buf *buf);
// Empties it and forgets the error; keeps the memory.
void buf_clear(struct buf *buf);
// Room for `len` more bytes at the returned place, or NULL (err is set). Follow with buf_commit.
char *buf_reserve(struct buf *buf, size_t len);
void buf_commit(struct buf *buf, size_t len);
void buf_append(struct buf *buf, const void *ptr, size_t len);
void buf_append_str(struct buf *buf, struct str s);
void buf_append_c(struct buf *buf, char c);
void buf_append_u64(struct buf *buf, uint64_t value);
void buf_printf(struct buf *buf, const char *fmt, ...) PRINTF_LIKE(2, 3);
// Takes the first `len` bytes away.
void buf_consume(struct buf *buf, size_t len);
// The bytes of memory that it has.
size_t buf_memory(const struct buf *buf);
// The content; valid until the next change.
struct str buf_str(const struct buf *buf);
// The content with a terminating zero that len does not count, or NULL when memory was out.
const char *buf_c(struct buf *buf);
// The memory, now the caller's to free(), or NULL if there is none; the buffer is empty afterwards.
char *buf_take(struct buf *buf);
