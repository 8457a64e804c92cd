// Looking event ids up in the transport, on the hub thread. The feed may be behind what a client has seen
// through a faster node: an id that is not there is looked up again once the feed has come to where the
// transport was.
#pragma once

#include "base/list.h"

struct locate_request;
struct position;
struct transport;

struct lookups {
    struct list _waiting; // locate_requests that wait for the feed
    const struct position *_head;
    unsigned _beginnings;        // so often the transport has begun anew
    struct transport *transport; // NULL while it is not open: then every look-up fails
};

// `head` is the position of the newest update that the workers have been told of; the caller's.
void lookups_init(struct lookups *lookups, const struct position *head);
// The request goes back to its worker once, with what was found or an error.
void lookups_start(struct lookups *lookups, struct locate_request *request);
// The head has moved, or the transport is no longer open.
void lookups_wake(struct lookups *lookups);
// Positions mean something else now: what was waited for may never come.
void lookups_begin_anew(struct lookups *lookups);
