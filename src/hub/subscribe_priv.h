// A subscription between its files: subscribe.c takes the request and begins the stream,
// subscribe_parameters.c reads what it asks for, subscribe_explain.c says what it would get,
// subscribe_history.c finds its place in the history, and subscribe_announce.c has it announced.
#pragma once

#include "base/attr.h"
#include "base/str.h"
#include "transport/transport.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct attendance;
struct credentials;
struct exchange;
struct matcher;
struct shard;
struct subscriber;

// One subscription from its head to its stream; in the exchange's arena.
struct subscribing {
    struct shard *shard;
    struct credentials *credentials; // one reference, or NULL
    struct matcher *matchers;        // with a reference on their patterns
    size_t matcher_count;
    uint64_t compiled_before; // shard->patterns.compiled when the first parameter was read
    bool legacy;              // a request of the 0.x protocol, by its token or its parameters
    unsigned legacy_forms;    // of the parameters: a set of 1 << enum legacy_form
    bool wants_explanation;   // instead of the stream
    bool wants_history;       // there is a last event id, perhaps an empty one
    struct str last_event_id;
    uint64_t head_offset; // where this worker stood when the request came
    struct position head;
    unsigned beginnings;           // of the worker's tail, likewise
    struct subscriber *subscriber; // while it is announced
    struct attendance *attendance;
    struct str answer; // Mercure-Last-Event-ID
};

// Where a stream begins, and what the answer says of it.
struct stream_start {
    uint64_t offset; // 0: by position alone
    struct position position;
    struct str answer; // Mercure-Last-Event-ID
};

// ---- subscribe.c ----

// Answers with the stream, or with why there is none; ends the subscription.
void subscribe_begin(struct subscribing *subscribing, struct exchange *exchange,
                     const struct stream_start *start);
// Closes the connection without a status, which an EventSource comes back from; ends the subscription.
void subscribe_send_away(struct subscribing *subscribing, struct exchange *exchange, const char *reason);
// It is the data of its exchange from now on, and ends if the client goes.
void subscribe_wait(struct subscribing *subscribing, struct exchange *exchange);
// Answers a request that asks for what cannot be, logs and counts it. The subscription is the caller's to
// end.
void subscribe_refuse(struct subscribing *subscribing, struct exchange *exchange, unsigned status,
                      struct str text);
// The same with a reason for the log that says more than the client is told.
void subscribe_refuse_for(struct subscribing *subscribing, struct exchange *exchange, unsigned status,
                          struct str text, struct str reason);

// Lets go of the credentials.
void subscribe_release(struct subscribing *subscribing);
// Answers with the stream of the subscriber. False: the streams that were open when the request came have
// been ended, or cut; so is this one, and the subscriber is still the caller's.
bool subscribe_stream(struct subscribing *subscribing, struct exchange *exchange);
// There is no memory for a subscription, or max_matcher_bytes is reached.
void subscribe_refuse_memory(struct exchange *exchange, int err);

// ---- subscribe_parameters.c ----

// Reads matchers and the last event id from the query, the header and `body`. False: it was refused and has
// been answered.
MUST_CHECK bool subscribe_read_parameters(struct subscribing *subscribing, struct exchange *exchange,
                                          struct str body);

// ---- subscribe_explain.c ----

// Answers with which grants of the token cover which matchers. The subscription is the caller's to end.
void subscribe_explain(const struct subscribing *subscribing, struct exchange *exchange);

// ---- subscribe_history.c ----

// Begins the stream behind the last event id, at once or when the id has been looked up.
void subscribe_begin_with_history(struct subscribing *subscribing, struct exchange *exchange);

// ---- subscribe_announce.c ----

// Has the subscriber's subscriptions announced, with `subscriptions`; its stream begins when they are in the
// log. Closes the connection without a status if that is not so within publish_timeout.
void subscribe_announce(struct subscribing *subscribing, struct exchange *exchange);
