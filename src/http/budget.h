// Bytes that peers make a process hold, against one bound for all of its servers.
//
// Each server keeps those of its own that hold something in the order in which they began. When the bound is
// passed, whoever passed it is not the one to suffer, but the oldest of the same server: one who holds on to
// bytes without moving cannot shut out those who come and go. Nor can one at another server: a server that
// holds no more than its equal part lets go of nothing, so that all together may hold twice the bound.
// Belongs to the server's thread; what the servers share is the count.
#pragma once

#include "base/list.h"
#include "base/table.h"

#include <stdatomic.h>
#include <stddef.h>

struct http_conn;

struct http_budget {
    atomic_size_t *_total;
    atomic_uint *_servers;
    size_t _max;
    size_t _own;          // of the total
    struct list _holders; // the oldest first
    struct table _kept;   // what several may hold together, by its address
};

struct http_kept;

// Embedded in what holds the bytes; holds nothing as long as `bytes` is 0.
struct http_holder {
    struct list _node;
    struct http_conn *conn;
    size_t bytes;
    struct http_kept *_kept; // counted instead of its own bytes
};

// `total` and the number of servers are shared by all servers of the process.
void http_budget_init(struct http_budget *budget, atomic_size_t *total, atomic_uint *servers, size_t max);
// After its holders have let go.
void http_budget_done(struct http_budget *budget);
// Until it holds nothing, what the holder holds is a piece of `object`, which takes `memory` bytes: these are
// counted, and once for all holders of the server. To be called before it holds anything; its bytes follow.
// Without memory its own bytes are counted.
void http_budget_share(struct http_budget *budget, struct http_holder *holder, const void *object,
                       size_t memory);
// It holds so many bytes from now on. With more than before it keeps its place; with fewer it moves, and
// counts as the newest.
void http_budget_count(struct http_budget *budget, struct http_holder *holder, size_t bytes);
// Its bytes stay counted, but it is never asked to let go of them.
void http_budget_pin(struct http_holder *holder);
// Call in a loop after `grown` has got more: while the bound is passed, the holder that is to let go of its
// bytes, which are counted no more; else NULL. `grown` may hold any number of bytes if nobody else does.
struct http_holder *http_budget_take_oldest(struct http_budget *budget, const struct http_holder *grown);
