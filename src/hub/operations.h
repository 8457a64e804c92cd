// The operations listener: health and metrics, on the main thread, which never waits for a worker. Questions
// that only another thread can answer are posted to it, and the answer is waited for a bounded time: a thread
// that no longer turns is what liveness is there to find.
#pragma once

#include "base/attr.h"
#include "loop/loop.h"

#include <stdbool.h>
#include <stddef.h>

struct conf;
struct exchange;
struct hub;
struct http_server;
struct http_shared;
struct listener;
struct operations;
struct worker;

struct operations_config {
    struct loop *loop; // main's
    const struct conf *conf;
    struct loop *hub_loop;
    struct hub *const *hubs; // the table of the server
    size_t hub_count;
    struct worker *workers;
    size_t worker_count;
};

MUST_CHECK int operations_new(struct operations **ret_operations, const struct operations_config *config);
MUST_CHECK int operations_listen(struct operations *operations, struct listener *listener);
// The hub drains: it is not ready any more.
void operations_drain(struct operations *operations);
// `closed` follows from the loop.
void operations_close(struct operations *operations, void (*closed)(void *arg), void *arg);
// After `closed`, and after the other loops have ended.
void operations_free(struct operations *operations);
