// The subscriptions of one stream, as they are announced: an event for each matcher when it begins, and one
// when it ends.
//
// An attendance goes to and fro between a worker and the hub thread, and belongs to the one that has it: the
// worker makes it when a request has been read, the hub thread has its events stored (presence.h) and sends
// it back, the worker keeps it as long as the stream lives, and gives it back with its end. It has all the
// memory that this takes but for the closing events', so that a stream's end cannot be lost for want of a
// message.
#pragma once

#include "base/attr.h"
#include "base/list.h"
#include "hub/publish_queue.h"
#include "loop/loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct attendance;
struct authorization;
struct matcher;
struct presence;
struct presence_document;
struct shard;
struct update;

enum announcement_state {
    ANNOUNCEMENT_NEW,     // not in the log yet
    ANNOUNCEMENT_REFUSED, // it never will be
    ANNOUNCEMENT_ACTIVE,
    ANNOUNCEMENT_CLOSING, // its end is to be stored
};

// One subscription of this node; the hub thread's.
struct announcement {
    struct queued_update queued;
    struct list waiting; // until its end can be stored
    struct presence *presence;
    struct attendance *attendance;      // NULL: it is of a previous boot
    struct update *update;              // its begin; one reference
    struct presence_document *document; // one reference; NULL for one of a previous boot
    enum announcement_state state;
};

struct attendance {
    struct message message;
    struct shard *shard;
    size_t memory;       // what it counts in matcher_bytes
    size_t waiting;      // announcements that the hub thread waits for
    const char *refused; // why it could not be announced; a constant sentence

    message_handle_fn *announced; // on the worker
    uint64_t exchange_id;         // the worker's, as is the next
    struct timer deadline;
    size_t count;
    struct announcement announcements[];
};

// Draws the subscriber's id. The payload of each matcher comes from the authorization, which may be NULL.
// HUB_E_TOO_BIG when max_matcher_bytes would be passed; -ENOMEM.
MUST_CHECK int attendance_new(struct attendance **ret_attendance, struct shard *shard,
                              const struct matcher *matchers, size_t count,
                              const struct authorization *authorization);
// Gives it back to the hub thread: the stream has ended, or never began. Worker.
void attendance_leave(struct attendance *attendance);
void attendance_free(struct attendance *attendance);
