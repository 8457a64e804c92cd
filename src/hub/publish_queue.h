// Publishes on the hub thread: they wait in the order in which they came, go to the transport as groups, one
// at a time, and are answered when the transport has said what became of each. Subscription events have an
// order of their own, beside that of what is published.
#pragma once

#include "base/list.h"
#include "transport/transport.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct publish_queue;
struct queued_update;
struct sequencer_metrics;
struct update;

// A group is one transaction or round trip of the transport. Its bounds keep the time of one in hand.
#define GROUP_MAX 1024
#define GROUP_BYTES_MAX (4U << 20) // may be passed by the last update of a group

// What became of it is known. The update has been given back. It may be added again, or be freed.
typedef void update_settled_fn(struct queued_update *queued);

// Embedded in what waits to be stored.
struct queued_update {
    struct list node;
    struct update *update; // one reference, the queue's
    update_settled_fn *settled;
    enum publish_result result;
    const char *reason; // why it was refused; a constant sentence
};

struct publish_queue_config {
    struct sequencer_metrics *metrics; // groups, stored and refused are counted
    // A run of `settled` is over: answers may be sent.
    void (*answered)(struct publish_queue *queue);
    // The group in flight has been answered: the next one may be sent. Not from inside of a call.
    void (*done)(struct publish_queue *queue);
};

struct publish_queue {
    struct publish_queue_config config;
    uint64_t _node; // of records of this process
    uint64_t _boot;
    uint64_t _sequence;
    struct list _waiting; // queued_updates
    struct list _events;  // those of subscriptions
    bool in_flight;       // a group is the transport's
    struct publish_group _group;
    size_t _group_bytes;
    struct queued_update *_queued[GROUP_MAX]; // of the group
    struct update *_updates[GROUP_MAX];
    enum publish_result _results[GROUP_MAX];
};

void publish_queue_init(struct publish_queue *queue, const struct publish_queue_config *config);
// `update` and `settled` are set, and it is in no list.
void publish_queue_add(struct publish_queue *queue, struct queued_update *queued);
// Sends what waits as the next group, unless one is in flight. If the transport takes none, the group is
// refused.
void publish_queue_send(struct publish_queue *queue, struct transport *transport);
// Refuses one that has not been added. `reason` is a constant sentence, as below.
void publish_queue_refuse(struct publish_queue *queue, struct queued_update *queued, const char *reason);
bool publish_queue_is_empty(const struct publish_queue *queue);
// Refuses all that wait; the group in flight is answered by the transport.
void publish_queue_refuse_all(struct publish_queue *queue, const char *reason);
