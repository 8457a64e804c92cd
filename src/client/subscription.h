// A stream of updates that is kept alive: it comes back with the last event id when the connection ends, as a
// browser's EventSource does, after the time that the server has asked for.
#pragma once

#include "base/attr.h"
#include "base/str.h"
#include "client/request.h"

#include <stdbool.h>

struct client_url;
struct loop;
struct sse_event;
struct subscription;

struct subscription_failure {
    int err;              // of the connection; HUB_E_UNSUPPORTED when what was answered is no event stream
    unsigned status;      // of the answer, 0 without one
    struct str text;      // the start of its body
    struct str challenge; // its WWW-Authenticate
};

struct subscription_events {
    // The stream has begun; `last_event_id` is what the server says it goes on after, ptr NULL if nothing.
    void (*opened)(void *arg, struct str last_event_id);
    void (*event)(void *arg, const struct sse_event *event);
    // The stream has ended, or the server has answered with `status` (else 200 or 0) that it cannot serve it
    // now; it will be tried again in `wait_ms`.
    void (*lost)(void *arg, int err, unsigned status, uint64_t wait_ms);
    // It will not be tried again.
    void (*failed)(void *arg, const struct subscription_failure *failure);
};

struct subscription_config {
    struct loop *loop;
    const struct client_url *url;    // copied, but for its slices, which must stay
    struct str token;                // empty: none; must stay
    struct request_subscribe fields; // what its slices and lists point to must stay
    size_t max_event;                // bounds an event's bytes
    const struct subscription_events *events;
    void *arg;
};

// -ENOMEM, or a negative code of the first connection.
MUST_CHECK int subscription_new(struct subscription **ret_subscription,
                                const struct subscription_config *config);
// Nothing is called any more. Accepts NULL; not from inside `event`.
void subscription_free(struct subscription *subscription);
