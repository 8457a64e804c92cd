// Listening sockets. Main opens them all, once the transports are open; each is then watched by one worker,
// or by main for operations.
#pragma once

#include "base/attr.h"
#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

// One configured address: "host:port", ":port", "[v6]:port" or "unix:/path".
struct listener_group;

// One listening descriptor of a group.
struct listener {
    int fd;
    size_t worker;       // the number of the worker that is to accept from it
    bool shared;         // others have the socket too, and may go on with it: it is not to be shut down
    bool handed_round;   // what that one accepts is for all of them: there is no socket for each
    const char *address; // the bound address as text, the real port in it; the group's
};

// Opens `address` with one socket per worker: for TCP first a bind without SO_REUSEPORT that must succeed, so
// that no second process takes half of the connections by accident, then one socket each. A host name is
// opened at each of its addresses that this system has, with the same port; when the system chooses the port,
// those where it is taken are left out. A unix socket is one listener; a stale socket file is replaced, a
// live one is an error. On failure a sentence with the address and the cause is appended to `reterr`.
MUST_CHECK int listener_group_open(struct listener_group **ret_group, struct str address, size_t workers,
                                   struct buf *reterr);
// A group of sockets that the process was started with, which it takes over: each is one listener that is
// handed round. -ENOMEM; the sockets are closed then.
MUST_CHECK int listener_group_inherit(struct listener_group **ret_group, const int *fds, size_t count);
// Closes the sockets and removes the file of a unix socket. Accepts NULL.
void listener_group_free(struct listener_group *group);
size_t listener_group_count(const struct listener_group *group);
struct listener *listener_group_at(struct listener_group *group, size_t i);
