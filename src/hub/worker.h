// A worker: one thread with its loop, its HTTP server, and its shard of every hub. It never blocks and takes
// no lock; what it owns, nobody else touches.
#pragma once

#include "base/attr.h"
#include "hub/shard.h"
#include "hub/verification.h"
#include "loop/loop.h"

#include <stddef.h>
#include <stdint.h>

struct conf;
struct exchange;
struct http_server;
struct http_shared;
struct hub;
struct jwt_cache;
struct order;
struct server;

struct worker {
    struct loop loop;
    struct http_server *http;
    struct jwt_cache *tokens;
    struct verifications verifications;
    const struct conf *conf;
    struct hub *const *hubs; // the table of the server; a shard stands at the same index as its hub
    size_t hub_count;
    struct shard *shards;
    size_t peak_connections; // since memory was last given back to the system
    void (*connections_have_gone)(struct server *server);

    // The server's, for its orders to this worker.
    struct server *server;
    struct order *order;                       // to drain
    void (*ended_turn)(struct worker *worker); // after each turn, while it drains
};

struct worker_config {
    const struct conf *conf;
    struct hub *const *hubs;
    size_t hub_count;
    struct http_shared *http_shared;
    size_t max_connections; // hard limit of the process
    size_t crowded_at;      // above it no more subscribers
    // A connection from a listener that this worker accepts for all; `arg` is the worker.
    void (*handed)(void *arg, int fd);
    // Half of a large number of connections have gone: memory can be given back to the system.
    void (*connections_have_gone)(struct server *server);
    struct server *server;
};

MUST_CHECK int worker_init(struct worker *worker, const struct worker_config *config);
// After the loop has ended.
void worker_done(struct worker *worker);
// Whose the shard is.
struct worker *worker_of(const struct shard *shard);
// The shard of the hub that the request is for.
struct shard *worker_shard(struct worker *worker, const struct exchange *exchange);
