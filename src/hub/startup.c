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

static int open_listeners(struct server *server, struct buf *reterr)
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
    if (server->conf->ops_addr.len == 0)
        return HUB_OK;
    int err = listener_group_open(&server->ops_group, server->conf->ops_addr, 1, reterr);
    if (!err)
        err = operations_listen(server->operations, listener_group_at(server->ops_group, 0));
    return err;
}

static void announce(struct server *server)
{
    const char *addresses[64];
    size_t count = 0;
    for (size_t i = 0; i < server->group_count; i++) {
        const char *address = listener_group_at(server->groups[i], 0)->address;
        LOG(LOG_LEVEL_INFO, "Listening", LOG_C("addr", address), LOG_C("version", CINNABAR_VERSION));
        if (count < ARRAY_LEN(addresses))
            addresses[count++] = address;
    }
    if (server->ops_group)
        LOG(LOG_LEVEL_INFO, "Listening for operations",
            LOG_C("addr", listener_group_at(server->ops_group, 0)->address));
    if (server->events)
        server->events->started(server->events->arg, addresses, count);
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
