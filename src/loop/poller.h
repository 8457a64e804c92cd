// Readiness of many descriptors for one loop: an epoll set of its own, which libuv watches as one descriptor.
// A watch costs 40 bytes here and one system call to begin; a uv_poll_t costs 160, and three system calls.
//
// All functions belong to the loop's thread.
#pragma once

#include "base/attr.h"
#include "base/list.h"

#include <uv.h>

struct loop;
struct watch;

enum watch_events {
    WATCH_QUIET = 0, // only that it is broken
    WATCH_READABLE = 1,
    WATCH_WRITABLE = 2,
};

// `err` is a negative errno when the descriptor is broken: it is watched no more then.
typedef void watch_ready_fn(struct watch *watch, int err, unsigned events);
typedef void watch_closed_fn(struct watch *watch);

struct watch {
    struct list _node; // in one of the poller's lists
    struct loop *_loop;
    int fd;
    unsigned _events;
    union {
        watch_ready_fn *_ready;
        watch_closed_fn *_closed;
    };
};

struct poller {
    uv_poll_t _uv;
    int _fd;
    struct list _open;
    struct list _closing;
};

// Called by loop_init and loop_done. The poller of a loop that ends must have no open watch.
int poller_init(struct poller *poller, uv_loop_t *uv);
void poller_close(struct poller *poller);
// The end of a turn: tells the watches that were closed. True when there were any.
bool poller_reap(struct poller *poller);

// Nothing is watched yet. The descriptor stays the caller's to close.
void watch_open(struct watch *watch, struct loop *loop, int fd, watch_ready_fn *ready);
// What is watched from now on, any of enum watch_events. Free of charge when nothing changes. A negative
// errno when the kernel cannot: what was watched before still is.
MUST_CHECK int watch_set(struct watch *watch, unsigned events);
// Stops watching; before the descriptor is closed. `closed` is called at the end of the turn; until then the
// memory must stay.
void watch_close(struct watch *watch, watch_closed_fn *closed);
// Calls `fn` for each open watch of the loop; it may close that watch.
void watch_each(struct loop *loop, void (*fn)(struct watch *watch, void *arg), void *arg);
