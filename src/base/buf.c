#include "base/buf.h"

#include "base/assert.h"
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buf_init(struct buf *buf, size_t max)
{
    *buf = (struct buf){._max = max};
}

void buf_done(struct buf *buf)
{
    free(buf->ptr);
    *buf = (struct buf){._max = buf->_max};
}

void buf_clear(struct buf *buf)
{
    buf->len = 0;
    buf->err = HUB_OK;
}

static int grow(struct buf *buf, size_t need)
{
    size_t cap = buf->_cap ? buf->_cap : 64;
    while (cap < need)
        cap *= 2;
    // What it will never hold is not allocated; one byte more is for a terminating zero.
    if (cap - 1 > buf->_max)
        cap = buf->_max + 1;
    char *ptr = realloc(buf->ptr, cap);
    if (!ptr)
        return -ENOMEM;
    buf->ptr = ptr;
    buf->_cap = cap;
    return HUB_OK;
}

char *buf_reserve(struct buf *buf, size_t len)
{
    if (buf->err)
        return NULL;
    if (len > buf->_max - buf->len) {
        buf->err = HUB_E_TOO_BIG;
        return NULL;
    }
    // One byte more than asked: buf_c and buf_printf want room for a terminating zero.
    if (buf->len + len + 1 > buf->_cap && (buf->err = grow(buf, buf->len + len + 1)) != HUB_OK)
        return NULL;
    return buf->ptr + buf->len;
}

void buf_commit(struct buf *buf, size_t len)
{
    HUB_ASSERT(len <= buf->_cap - buf->len);
    buf->len += len;
}

void buf_append(struct buf *buf, const void *ptr, size_t len)
{
    char *to = buf_reserve(buf, len);
    if (!to || len == 0)
        return;
    memcpy(to, ptr, len);
    buf->len += len;
}

void buf_append_str(struct buf *buf, struct str s)
{
    buf_append(buf, s.ptr, s.len);
}

void buf_append_c(struct buf *buf, char c)
{
    buf_append(buf, &c, 1);
}

void buf_append_u64(struct buf *buf, uint64_t value)
{
    char digits[20];
    size_t at = sizeof(digits);
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    buf_append(buf, digits + at, sizeof(digits) - at);
}

void buf_printf(struct buf *buf, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, fmt, args);
    HUB_ASSERT(len >= 0);
    char *to = buf_reserve(buf, (size_t)len);
    if (to) {
        (void)vsnprintf(to, (size_t)len + 1, fmt, again);
        buf->len += (size_t)len;
    }
    va_end(again);
    va_end(args);
}

void buf_consume(struct buf *buf, size_t len)
{
    HUB_ASSERT(len <= buf->len);
    buf->len -= len;
    if (buf->len)
        memmove(buf->ptr, buf->ptr + len, buf->len);
}

size_t buf_memory(const struct buf *buf)
{
    return buf->_cap;
}

struct str buf_str(const struct buf *buf)
{
    return str_make(buf->ptr, buf->len);
}

const char *buf_c(struct buf *buf)
{
    if (!buf_reserve(buf, 0))
        return NULL;
    buf->ptr[buf->len] = '\0';
    return buf->ptr;
}

char *buf_take(struct buf *buf)
{
    char *ptr = buf->ptr;
    *buf = (struct buf){._max = buf->_max};
    return ptr;
}
