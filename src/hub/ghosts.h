// Subscriptions that a previous boot of this node has announced and not ended: it was killed, or its store
// took nothing any more. They are found in the kept history at start, and their ends are announced. Hub
// thread.
#pragma once

#include "base/attr.h"
#include "base/list.h"
#include "base/table.h"
#include "transport/transport.h"

struct announcement;
struct presence;

struct ghosts {
    struct replay_request _request;
    struct transport *_transport;
    struct table _by_id; // those that are active as far as it has been read
    struct list _list;
    void (*_done)(struct ghosts *ghosts, int err);
};

// Reads the subscription events of the history; `done` follows, not from inside the call, unless a code is
// returned.
MUST_CHECK int ghosts_find(struct ghosts *ghosts, struct transport *transport,
                           void (*done)(struct ghosts *ghosts, int err));
// After `done`: has the ends of all that were found announced. How many.
size_t ghosts_close(struct ghosts *ghosts, struct presence *presence);
// Forgets what was found instead.
void ghosts_done(struct ghosts *ghosts);
// What presence_close was given.
void ghost_free(struct announcement *announcement);
