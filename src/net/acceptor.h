// Accepts connections from a listening socket, some at a time so that a storm of them does not starve the
// rest.
//
// When descriptors run out, a connection that cannot be accepted would stay in the kernel's queue and be
// announced for ever. So each acceptor holds one spare descriptor: it is closed, the connection is accepted
// into its place and closed at once, and the spare is opened again. Another thread may be quicker to take its
// place, or a connection: then the next accept fails at once, the socket is left alone for a moment, and the
// spare is tried for again.
#pragma once

#include "base/attr.h"
#include "loop/loop.h"

struct acceptor;

struct acceptor_handler {
    // The descriptor is the callee's; it is non-blocking and closed on exec.
    void (*accepted)(void *arg, int fd);
    // A connection was closed because no descriptor was left.
    void (*refused)(void *arg);
    // The acceptor's memory may be used again.
    void (*closed)(struct acceptor *acceptor, void *arg);
};

struct acceptor {
    struct loop *_loop;
    const struct acceptor_handler *_handler;
    void *_arg;
    int _fd;
    int _spare;
    struct timer _pause; // while the system is short of memory, or of the spare descriptor
    uv_poll_t _poll;
};

// The listening socket stays the caller's. A negative errno on failure; nothing is left to undo then.
MUST_CHECK int acceptor_open(struct acceptor *acceptor, struct loop *loop, int fd,
                             const struct acceptor_handler *handler, void *arg);
// `closed` of the handler is called by the loop later.
void acceptor_close(struct acceptor *acceptor);
