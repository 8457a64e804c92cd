// Bytes that peers make a process hold, against one bound for all of its servers.
//
// Each server keeps those of its own that hold something in the order in which they began. When the bound is
// passed, whoever passed it is not the one to suffer, but the oldest of the same server: one who holds on to
// bytes without moving cannot shut out those who come and go. Belongs to the server's thread; what the
// servers share is the count.
#pragma once

#include "base/list.h"

#include <stdatomic.h>
#include <stddef.h>

struct http_conn;

struct http_budget {
    atomic_size_t *_total;
    size_t _max;
    struct list _holders; // the oldest first
};

// Embedded in what holds the bytes; holds nothing as long as `bytes` is 0.
struct http_holder {
    struct list _node;
    struct http_conn *conn;
    size_t bytes;
};

// `total` is shared by all servers of the process.
void http_budget_init(struct http_budget *budget, atomic_size_t *total, size_t max);
// It holds so many bytes from now on. With more than before it keeps its place; with fewer it moves, and
// counts as the newest.
void http_budget_count(struct http_budget *budget, struct http_holder *holder, size_t bytes);
// Its bytes stay counted, but it is never asked to let go of them.
void http_budget_pin(struct http_holder *holder);
// Call in a loop after `grown` has got more: while the bound is passed, the holder that is to let go of its
// bytes, which are counted no more; else NULL. `grown` may hold any number of bytes if nobody else does.
struct http_holder *http_budget_take_oldest(struct http_budget *budget, const struct http_holder *grown);
