#include "base/random.h"

#include "base/assert.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

static _Thread_local struct {
    unsigned char bytes[256]; // getrandom is never interrupted up to this size
    size_t left;
} pool;

void random_bytes(void *to, size_t len)
{
    unsigned char *p = to;
    while (len) {
        if (pool.left == 0) {
            HUB_ASSERT(getrandom(pool.bytes, sizeof(pool.bytes), 0) == (ssize_t)sizeof(pool.bytes));
            pool.left = sizeof(pool.bytes);
        }
        size_t n = len < pool.left ? len : pool.left;
        memcpy(p, pool.bytes + sizeof(pool.bytes) - pool.left, n);
        explicit_bzero(pool.bytes + sizeof(pool.bytes) - pool.left, n);
        pool.left -= n;
        p += n;
        len -= n;
    }
}

uint64_t random_below(uint64_t bound)
{
    if (bound == 0)
        return 0;
    uint64_t draw;
    uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
    do
        random_bytes(&draw, sizeof(draw));
    while (draw >= limit);
    return draw % bound;
}
