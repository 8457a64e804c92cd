#include "hub/server_priv.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/log.h"
#include "conf/conf.h"
#include "fetch/fetch.h"
#include "hub/hub.h"
#include "hub/keyring.h"
#include "hub/keyset_build.h"
#include "hub/operations.h"
#include "hub/sequencer.h"
#include "net/listener.h"
#include "transport/transport.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

// ---- Making ----

static bool end_hub_turn(void *arg)
{
    struct server *server = arg;
    sequencer_end_turn(&server->collecting);
    return false;
}

static int make_sequencer(struct server *server, struct hub *hub)
{
    struct sequencer_config config = {
        .hub = hub,
        .shard_count = server->worker_count,
        .loop = &server->hub_loop,
        .collecting = &server->collecting,
        .opened = server_transport_opened,
        .closed = server_transport_closed,
        .arg = server,
    };
    return sequencer_new(&hub->sequencer, &config);
}

// Nothing is made where nothing is fetched.
static int make_fetcher(struct server *server)
{
    for (size_t i = 0; i < server->hub_count; i++) {
        if (keyring_needs_fetcher(server->hubs[i]->keyring))
            return fetcher_new(&server->fetcher, &server->loop);
    }
    return HUB_OK;
}

// The table has one entry: the hub of the configuration.
static int make_hubs(struct server *server)
{
    list_init(&server->collecting);
    loop_add_hook(&server->hub_loop, end_hub_turn, server);
    server->hubs = calloc(1, sizeof(struct hub *));
    if (!server->hubs)
        return -ENOMEM;
    int err = hub_new(&server->hubs[0], 0, server->conf, server->worker_count);
    if (err)
        return err;
    server->hub_count = 1;
    return make_sequencer(server, server->hubs[0]);
}

static int make_operations(struct server *server)
{
    struct operations_config config = {
        .loop = &server->loop,
        .conf = server->conf,
        .hub_loop = &server->hub_loop,
        .hubs = server->hubs,
        .hub_count = server->hub_count,
        .workers = server->workers,
        .worker_count = server->worker_count,
    };
    return operations_new(&server->operations, &config);
}

// Everything that can fail before a thread runs.
static int prepare(struct server *server)
{
    server->worker_count = limits_workers(server->conf);
    limits_set(&server->limits, server->conf);
    int err = make_hubs(server);
    if (!err)
        err = server_make_workers(server);
    if (!err)
        err = make_operations(server);
    if (!err)
        err = make_fetcher(server);
    return err;
}

static void release(struct server *server)
{
    for (size_t i = 0; i < server->workers_ready; i++)
        worker_done(&server->workers[i]);
    for (size_t i = 0; i < server->group_count; i++)
        listener_group_free(server->groups[i]);
    listener_group_free(server->ops_group);
    listener_group_free(server->metrics_group);
    operations_free(server->operations);
    for (size_t i = 0; i < server->hub_count; i++)
        hub_free(server->hubs[i]);
    fetcher_free(server->fetcher);
    free(server->hubs);
    free(server->groups);
    free(server->workers);
    free(server->orders);
}

static void free_server(struct server *server)
{
    release(server);
    loop_done(&server->hub_loop);
    loop_done(&server->loop);
    free(server);
}

// ---- Running ----

static int spawn_threads(struct server *server)
{
    int err = loop_spawn(&server->hub_loop, "hub");
    // A thread that cannot be started now: nothing has been opened, and the process ends.
    for (size_t i = 0; !err && i < server->worker_count; i++) {
        char name[32]; // the system takes 15 characters of it
        (void)snprintf(name, sizeof(name), "worker-%zu", i);
        err = loop_spawn(&server->workers[i].loop, name);
    }
    return err;
}

static void join_threads(struct server *server)
{
    for (size_t i = 0; i < server->worker_count; i++) {
        loop_stop(&server->workers[i].loop);
        loop_join(&server->workers[i].loop);
    }
    loop_stop(&server->hub_loop);
    loop_join(&server->hub_loop);
}

// Before there are threads.
static int take_inherited(struct server *server)
{
    struct buf reason;
    buf_init(&reason, REASON_MAX);
    int err = inherited_take(&server->inherited, &reason);
    if (err && reason.len == 0)
        buf_append_str(&reason, str_from_c(err_text(err)));
    if (err)
        LOG(LOG_LEVEL_ERROR, "The hub cannot start", LOG_STR("reason", buf_str(&reason)));
    buf_done(&reason);
    return err;
}

static int serve(struct server *server)
{
    int err = server_watch_signals(server);
    if (!err)
        err = spawn_threads(server);
    if (err)
        return err;
    for (size_t i = 0; i < server->hub_count; i++)
        keyring_start(server->hubs[i]->keyring, &server->loop, server->fetcher);
    server_start(server);
    server_mask_signals(SIG_UNBLOCK);
    loop_run(&server->loop);
    join_threads(server);
    return HUB_OK;
}

int server_run(const struct conf *conf, const struct server_events *events)
{
    struct server *server = calloc(1, sizeof(*server));
    if (!server)
        return 1;
    server->conf = conf;
    server->events = events;
    if (take_inherited(server) != HUB_OK) {
        free(server);
        return 1;
    }
    hash_init();
    (void)signal(SIGPIPE, SIG_IGN);
    server_mask_signals(SIG_BLOCK);
    int err = loop_init(&server->loop);
    if (!err)
        err = loop_init(&server->hub_loop);
    if (!err) {
        err = prepare(server);
        if (err)
            free_server(server);
    }
    if (!err)
        err = log_start();
    if (!err)
        err = serve(server);
    if (err) {
        // Handles may be open on loops that never ran: the process ends, and the system takes them.
        LOG(LOG_LEVEL_ERROR, "The hub cannot start", LOG_C("reason", err_text(err)));
        log_stop();
        return 1;
    }
    int status = server->status;
    free_server(server);
    LOG(LOG_LEVEL_INFO, "Stopped");
    log_stop();
    return status;
}

int server_check_transport(struct str url, struct buf *reterr)
{
    const struct transport_ops *ops = transport_driver_find(url, reterr);
    return ops ? ops->check(url, NULL, reterr) : HUB_E_UNSUPPORTED;
}

static void list_short_key(void *arg, const struct short_key *key)
{
    struct buf *buf = arg;
    const struct conf_verifier *verifier = key->verifier;
    buf_printf(buf, "the %s key of ", key->role);
    if (key->issuer.ptr)
        buf_printf(buf, "issuer %.*s", STR_ARG(key->issuer));
    else
        buf_append_str(buf, STR("the 0.x protocol"));
    buf_printf(buf, " has %zu bytes, and %.*s asks for at least %zu: it can be guessed from its tokens\n",
               verifier->jwt_key.len, STR_ARG(verifier->jwt_algorithm), key->minimum);
}

void server_list_warnings(const struct conf *conf, struct buf *buf)
{
    struct buf unread; // what is wrong with the URL is an error, told elsewhere
    buf_init(&unread, REASON_MAX);
    const struct transport_ops *ops = transport_driver_find(conf->transport_url, &unread);
    if (ops)
        (void)ops->check(conf->transport_url, buf, &unread);
    buf_done(&unread);
    keyset_list_short_keys(conf, list_short_key, buf);
}
