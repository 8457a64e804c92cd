// A hub's active subscriptions, on the hub thread.
//
// The event in the log is the announcement: a subscription is listed from the moment in which the feed brings
// its `active: true` until it brings `active: false`, whichever node they are from, so that the list and the
// last event id always agree. This node's own subscriptions are announced from here, and so are their ends:
// these are kept until they are stored, however long the store refuses them.
//
// Nothing of this is there unless `subscriptions` is on.
#pragma once

#include "base/attr.h"
#include "base/list.h"
#include "base/str.h"
#include "base/table.h"
#include "hub/attendance.h"
#include "hub/roll.h"
#include "loop/loop.h"
#include "transport/transport.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct queued_update;
struct shard;

struct presence_config {
    struct loop *loop; // the hub thread's
    bool serves_legacy;
    // Has it stored, or refused.
    void (*publish)(void *arg, struct queued_update *queued);
    // Whether the store takes updates.
    bool (*is_ready)(void *arg);
    // Nothing is under way any more, after presence_end.
    void (*ended)(void *arg);
    void *arg;
};

// What the documents with one matcher's text have in common, whatever its type.
struct presence_match {
    struct table_node _node;
    struct roll roll;
    size_t len;
    char text[];
};

struct presence {
    struct presence_config config;
    struct table _by_id; // documents, by the topic of the modern protocol; also those to be announced yet
    struct table _by_match;
    struct roll _all;
    uint64_t _change;       // of the list; rises with each that leaves it
    struct update *_newest; // the last that was fed
    size_t _attendances;    // that this node has
    struct list _closing;   // announcements whose end is still to be stored
    size_t _closing_count;
    size_t _in_flight; // ends that are being stored
    struct timer _retry;
    bool _waits; // for the timer, before the next end is tried
    bool _ending;
    uint64_t _lost; // ends that could not be stored before the hub stopped
};

void presence_init(struct presence *presence, const struct presence_config *config);
// After presence_end and its `ended`, or when nothing was ever announced.
void presence_done(struct presence *presence);

// ---- The log ----

// Updates that are about to be handed on to the workers. Attendances that they complete go into their shard's
// `answers`, which the caller posts after these updates.
void presence_note(struct presence *presence, const struct feed_entry *entries, size_t count);
// The newest update of the history at start; a reference is taken.
void presence_note_newest(struct presence *presence, struct update *update);

// ---- This node's subscriptions ----

// Announces them. They come back to the worker when they are in the log, or `refused` says why they are not.
void presence_attend(struct presence *presence, struct attendance *attendance);
// The stream has ended, or never began: their ends are announced, and the attendance is freed.
void presence_leave(struct presence *presence, struct attendance *attendance);
// The end of a subscription that a previous boot has announced. It is freed by ghost_free.
void presence_close(struct presence *presence, struct announcement *announcement);
// The hub stops: what is under way is finished, nothing is tried again, and `ended` follows, perhaps from
// inside of the call.
void presence_end(struct presence *presence);
bool presence_has_ended(const struct presence *presence);

// ---- The API ----

enum presence_question {
    PRESENCE_ALL,
    PRESENCE_MATCH, // those whose matcher is `match`
    PRESENCE_ONE,   // the first of `ids` that is there
};

// Worker → hub thread: who is there? Comes back once. The worker allocates and frees it.
struct presence_request {
    struct message message;
    struct sequencer *sequencer;
    struct shard *shard;
    message_handle_fn *answered; // on the worker
    uint64_t exchange_id;        // the worker's
    enum presence_question question;
    struct str match;
    struct str ids[3];
    size_t id_count;

    // The answer, with references for the receiver.
    int err;
    struct roll_view *view;             // NULL: nobody; of presence_document.item
    struct presence_document *document; // NULL: there is none
    struct update *newest;              // with the last event id; NULL: there is none
    char text[];                        // of match or ids
};

void presence_answer(struct presence *presence, struct presence_request *request);
