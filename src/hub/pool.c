#include "hub/server_priv.h"

#include "base/err.h"
#include "hub/hub.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>

// A connection on its way to the worker that is to have it.
struct handed_connection {
    struct message message;
    struct worker *worker;
    int fd;
};

static void adopt(struct message *message)
{
    struct handed_connection *handed = CONTAINER_OF(message, struct handed_connection, message);
    http_server_adopt(handed->worker->http, handed->fd);
    free(handed);
}

// On the accepting worker of a listener that one worker accepts for all: the next in the round gets it.
static void hand_round(void *arg, int fd)
{
    struct worker *from = arg;
    struct server *server = from->server;
    struct worker *to = &server->workers[server->next_adopter++ % server->worker_count];
    struct handed_connection *handed = to == from ? NULL : malloc(sizeof(*handed));
    if (!handed) {
        http_server_adopt(from->http, fd);
        return;
    }
    *handed = (struct handed_connection){.message.handle = adopt, .worker = to, .fd = fd};
    mailbox_post(&to->loop.mailbox, &handed->message);
}

// Memory of a storm of connections goes back to the system once they have gone; glibc keeps it otherwise. It
// takes its time, so main does it.
static void give_back(struct message *message)
{
    struct server *server = CONTAINER_OF(message, struct server, give_back);
    atomic_store(&server->give_back_posted, false);
    (void)malloc_trim(0);
}

static void connections_have_gone(struct server *server)
{
    if (atomic_exchange(&server->give_back_posted, true))
        return;
    server->give_back.handle = give_back;
    mailbox_post(&server->loop.mailbox, &server->give_back);
}

int server_make_workers(struct server *server)
{
    server->workers = calloc(server->worker_count, sizeof(*server->workers));
    server->orders = calloc(server->worker_count, sizeof(*server->orders));
    if (!server->workers || !server->orders)
        return -ENOMEM;
    struct worker_config config = {
        .conf = server->conf,
        .hubs = server->hubs,
        .hub_count = server->hub_count,
        .http_shared = &server->http_shared,
        .max_connections = server->limits.max_connections,
        .crowded_at = server->limits.crowded_at,
        .handed = hand_round,
        .connections_have_gone = connections_have_gone,
        .server = server,
    };
    for (size_t i = 0; i < server->worker_count; i++) {
        struct worker *worker = &server->workers[i];
        int err = worker_init(worker, &config);
        if (err)
            return err;
        for (size_t hub = 0; hub < server->hub_count; hub++)
            server->hubs[hub]->shards[i] = &worker->shards[hub];
        server->orders[i] = (struct order){.server = server, .worker = worker, .index = i};
        server->workers_ready++;
    }
    return HUB_OK;
}
