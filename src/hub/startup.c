#include "hub/server_priv.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "conf/conf.h"
#include "hub/hub.h"
#include "hub/operations.h"
#include "hub/sequencer.h"
#include "net/listener.h"
#include "transport/transport.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

// ---- Listening ----

static int open_addresses(struct server *server, struct buf *reterr)
{
    const struct option_list *addresses = &server->conf->addr;
    server->groups = calloc(addresses->count, sizeof(struct listener_group *));
    if (!server->groups)
        return -ENOMEM;
    for (size_t i = 0; i < addresses->count; i++) {
        int err = listener_group_open(&server->groups[i], addresses->items[i], server->worker_count, reterr);
        if (err)
            return err;
        server->group_count++;
    }
    return HUB_OK;
}

// Instead of what is configured.
static int inherit(struct server *server)
{
    server->groups = calloc(1, sizeof(struct listener_group *));
    if (!server->groups)
        return -ENOMEM;
    const struct inherited *inherited = &server->inherited;
    int err = listener_group_inherit(&server->groups[0], inherited->hub, inherited->hub_count);
    server->group_count = err ? 0 : 1;
    return err;
}

static int listen_for_operations(struct server *server, struct listener_group *group)
{
    int err = HUB_OK;
    for (size_t i = 0; !err && i < listener_group_count(group); i++)
        err = operations_listen(server->operations, listener_group_at(group, i));
    return err;
}

static int open_operations(struct server *server, struct buf *reterr)
{
    const struct inherited *inherited = &server->inherited;
    int err = HUB_OK;
    if (inherited->operations_count)
        err = listener_group_inherit(&server->ops_group, inherited->operations, inherited->operations_count);
    else if (server->conf->ops_addr.len)
        err = listener_group_open(&server->ops_group, server->conf->ops_addr, 1, reterr);
    if (!err && server->conf->metrics_enabled)
        err = listener_group_open(&server->metrics_group, server->conf->metrics_addr, 1, reterr);
    if (!err && server->ops_group)
        err = listen_for_operations(server, server->ops_group);
    if (!err && server->metrics_group)
        err = listen_for_operations(server, server->metrics_group);
    return err;
}

static int open_listeners(struct server *server, struct buf *reterr)
{
    int err = server->inherited.hub_count ? inherit(server) : open_addresses(server, reterr);
    return err ? err : open_operations(server, reterr);
}

struct announced {
    const char *addresses[64];
    size_t count;
};

// Each address once.
static void announce_group(struct announced *announced, struct listener_group *group, const char *text)
{
    for (size_t i = 0; i < listener_group_count(group); i++) {
        const struct listener *listener = listener_group_at(group, i);
        if (listener->worker != 0)
            continue;
        LOG(LOG_LEVEL_INFO, text, LOG_C("addr", listener->address), LOG_C("version", CINNABAR_VERSION));
        if (announced->count < ARRAY_LEN(announced->addresses))
            announced->addresses[announced->count++] = listener->address;
    }
}

static void announce(struct server *server)
{
    struct announced announced = {.count = 0};
    for (size_t i = 0; i < server->group_count; i++)
        announce_group(&announced, server->groups[i], "Listening");
    size_t count = announced.count;
    if (server->ops_group)
        announce_group(&announced, server->ops_group, "Listening for operations");
    if (server->metrics_group)
        announce_group(&announced, server->metrics_group, "Listening for metrics");
    if (server->events)
        server->events->started(server->events->arg, announced.addresses, count);
}

static void fail_start(struct server *server, const char *reason)
{
    LOG(LOG_LEVEL_ERROR, "The hub cannot start", LOG_C("reason", reason));
    server->status = 1;
    server_close(server);
}

static void transports_opened_on_main(struct message *message)
{
    struct server *server = CONTAINER_OF(message, struct server, opened);
    if (server->state != SERVER_STARTING)
        return; // it was asked to stop meanwhile
    if (server->open_err) {
        fail_start(server, server->open_reason);
        return;
    }
    struct buf reason;
    buf_init(&reason, REASON_MAX);
    if (open_listeners(server, &reason) != HUB_OK) {
        fail_start(server, buf_c(&reason) ? reason.ptr : "out of memory");
    } else {
        server->state = SERVER_SERVING;
        server_order_listening(server);
        announce(server);
    }
    buf_done(&reason);
}

// ---- On the hub thread ----

void server_transport_opened(void *arg, int err, const char *reason)
{
    struct server *server = arg;
    if (err && !server->open_err) {
        server->open_err = err;
        (void)snprintf(server->open_reason, sizeof(server->open_reason), "%s", reason);
    }
    if (--server->hubs_opening > 0)
        return;
    server->opened.handle = transports_opened_on_main;
    mailbox_post(&server->loop.mailbox, &server->opened);
}

static void open_hub(struct server *server, const struct hub *hub)
{
    struct buf reason;
    buf_init(&reason, REASON_MAX);
    const struct transport_ops *driver = transport_driver_find(hub->conf->transport_url, &reason);
    int err = driver ? sequencer_open(hub->sequencer, driver, &reason) : HUB_E_UNSUPPORTED;
    if (err)
        server_transport_opened(server, err, buf_c(&reason) ? reason.ptr : "");
    buf_done(&reason);
}

static void open_on_hub_thread(struct message *message)
{
    struct server *server = CONTAINER_OF(message, struct server, open);
    server->hubs_opening = server->hub_count;
    for (size_t i = 0; i < server->hub_count; i++)
        open_hub(server, server->hubs[i]);
}

void server_start(struct server *server)
{
    server->open.handle = open_on_hub_thread;
    mailbox_post(&server->hub_loop.mailbox, &server->open);
}
