#include "hub/worker.h"

#include "base/err.h"
#include "conf/conf.h"
#include "http/exchange.h"
#include "http/server.h"
#include "hub/history.h"
#include "hub/http_settings.h"
#include "hub/hub.h"
#include "hub/key_wait.h"
#include "hub/keyring.h"
#include "hub/routes.h"
#include "jwt/cache.h"
#include "loop/work.h"

#include <errno.h>
#include <stdlib.h>

// Bounds of the cache of tokens beside its number of entries (token_cache_size).
#define TOKEN_CACHE_BYTES ((size_t)32 << 20)
#define TOKEN_FAILURES 1000
#define TOKEN_FAILURE_BYTES ((size_t)1 << 20)
#define TOKEN_FAILURE_LIFE_MS 1000
// So many that their memory is worth giving back to the system.
#define MANY_CONNECTIONS 128

// Tells when half of the connections have gone, if that half was large.
static void watch_connections(struct worker *worker)
{
    size_t connections = http_server_connections(worker->http);
    if (connections > worker->peak_connections)
        worker->peak_connections = connections;
    size_t gone = worker->peak_connections - connections;
    if (gone < MANY_CONNECTIONS || connections > worker->peak_connections / 2)
        return;
    worker->peak_connections = connections;
    worker->connections_have_gone(worker->server);
}

// Before the flush of the HTTP server, which may take its time.
static bool post_requests(void *arg)
{
    struct worker *worker = arg;
    for (size_t i = 0; i < worker->hub_count; i++)
        shard_post_requests(&worker->shards[i]);
    return false;
}

// The flush of the HTTP server has run before.
static bool end_turn(void *arg)
{
    struct worker *worker = arg;
    // The flush makes room for requests that a connection has sent ahead: they may be publishes too.
    bool more = post_requests(worker);
    for (size_t i = 0; i < worker->hub_count; i++) {
        more = history_end_turn(&worker->shards[i]) || more;
        shard_end_turn(&worker->shards[i]);
    }
    watch_connections(worker);
    if (worker->ended_turn)
        worker->ended_turn(worker);
    return more;
}

static struct http_server_config http_config(struct worker *worker, const struct worker_config *config)
{
    struct http_server_config http = http_settings(config->conf);
    http.max_connections = config->max_connections;
    http.crowded_at = config->crowded_at;
    http.shared = config->http_shared;
    http.handle = routes_handle;
    http.handed = config->handed;
    http.arg = worker;
    return http;
}

static int make_shards(struct worker *worker)
{
    worker->shards = calloc(worker->hub_count, sizeof(*worker->shards));
    if (!worker->shards)
        return -ENOMEM;
    int err = HUB_OK;
    for (size_t i = 0; i < worker->hub_count && !err; i++) {
        shard_init(&worker->shards[i], worker->hubs[i], &worker->loop);
        err = key_waits_new(&worker->shards[i], keyring_source_count(worker->hubs[i]->keyring));
    }
    return err;
}

static int make_cache(struct worker *worker)
{
    struct jwt_cache_limits limits = {
        .entries = worker->conf->token_cache_size,
        .bytes = TOKEN_CACHE_BYTES,
        .failure_entries = TOKEN_FAILURES,
        .failure_bytes = TOKEN_FAILURE_BYTES,
        .failure_life_ms = TOKEN_FAILURE_LIFE_MS,
    };
    return jwt_cache_new(&worker->tokens, &limits);
}

int worker_init(struct worker *worker, const struct worker_config *config)
{
    *worker = (struct worker){.conf = config->conf, .hubs = config->hubs, .hub_count = config->hub_count};
    worker->connections_have_gone = config->connections_have_gone;
    worker->server = config->server;
    int err = loop_init(&worker->loop);
    if (err)
        return err;
    struct http_server_config http = http_config(worker, config);
    loop_add_hook(&worker->loop, post_requests, worker);
    err = make_shards(worker);
    if (!err)
        err = make_cache(worker);
    if (!err)
        err = http_server_new(&worker->http, &worker->loop, &http);
    if (!err)
        loop_add_hook(&worker->loop, end_turn, worker);
    return err;
}

void worker_done(struct worker *worker)
{
    work_finish(&worker->loop);
    http_server_free(worker->http);
    table_done(&worker->verifications.table);
    jwt_cache_free(worker->tokens); // they have patterns of the shards
    for (size_t i = 0; worker->shards && i < worker->hub_count; i++)
        shard_done(&worker->shards[i]);
    free(worker->shards);
    loop_done(&worker->loop);
}

struct worker *worker_of(const struct shard *shard)
{
    return CONTAINER_OF(shard->loop, struct worker, loop);
}

// One hub today; with several, the host name of the request selects it.
struct shard *worker_shard(struct worker *worker, const struct exchange *exchange)
{
    struct str authority = exchange_authority(exchange);
    for (size_t i = 1; i < worker->hub_count; i++) {
        if (str_eq_nocase(worker->hubs[i]->name, authority))
            return &worker->shards[i];
    }
    return &worker->shards[0];
}
