#include "hub/server_priv.h"

#include "base/err.h"
#include "base/log.h"
#include "hub/shard.h"
#include "net/listener.h"

static struct order *order_of(struct message *message)
{
    return CONTAINER_OF(message, struct order, message);
}

static void order_done(struct message *message)
{
    struct server *server = order_of(message)->server;
    if (--server->orders_open == 0)
        server_order_done(server);
}

// ---- On a worker ----

// Main's order has been carried out.
static void report(struct order *order)
{
    order->message.handle = order_done;
    mailbox_post(&order->server->loop.mailbox, &order->message);
}

static void listen_on_group(const struct order *order, struct listener_group *group)
{
    for (size_t i = 0; i < listener_group_count(group); i++) {
        struct listener *listener = listener_group_at(group, i);
        int err =
            listener->worker == order->index ? http_server_listen(order->worker->http, listener) : HUB_OK;
        if (err)
            LOG(LOG_LEVEL_ERROR, "A listener cannot be watched", LOG_C("reason", err_text(err)));
    }
}

static void listen_on_worker(struct message *message)
{
    struct order *order = order_of(message);
    struct server *server = order->server;
    for (size_t i = 0; i < server->group_count; i++)
        listen_on_group(order, server->groups[i]);
    report(order);
}

static void ended_turn(struct worker *worker)
{
    if (http_server_connections(worker->http) > 0)
        return;
    worker->ended_turn = NULL;
    report(worker->order);
}

static void drain_on_worker(struct message *message)
{
    struct order *order = order_of(message);
    struct worker *worker = order->worker;
    http_server_stop_accepting(worker->http);
    for (size_t i = 0; i < worker->hub_count; i++)
        shard_end_streams(&worker->shards[i]);
    worker->order = order;
    worker->ended_turn = ended_turn;
}

static void connections_closed(void *arg)
{
    report(arg);
}

static void close_on_worker(struct message *message)
{
    struct order *order = order_of(message);
    http_server_close(order->worker->http, connections_closed, order);
}

static void hurry_on_worker(struct message *message)
{
    struct worker *worker = CONTAINER_OF(message, struct order, hurry)->worker;
    if (!worker->ended_turn)
        return; // it has finished meanwhile
    worker->ended_turn = NULL;
    report(worker->order);
}

// ---- On main ----

static void post_orders(struct server *server, message_handle_fn *handle)
{
    for (size_t i = 0; i < server->worker_count; i++) {
        server->orders[i].message.handle = handle;
        mailbox_post(&server->workers[i].loop.mailbox, &server->orders[i].message);
    }
}

static void give_order(struct server *server, message_handle_fn *handle)
{
    server->orders_open = server->worker_count;
    post_orders(server, handle);
}

void server_order_listening(struct server *server)
{
    give_order(server, listen_on_worker);
}

static void drain_on_hub_thread(struct message *message)
{
    post_orders(CONTAINER_OF(message, struct server, drain), drain_on_worker);
}

// By way of the hub thread: what it has acknowledged until now reaches the workers before their streams end.
void server_order_draining(struct server *server)
{
    server->orders_open = server->worker_count;
    server->drain.handle = drain_on_hub_thread;
    mailbox_post(&server->hub_loop.mailbox, &server->drain);
}

void server_order_closing(struct server *server)
{
    give_order(server, close_on_worker);
}

static void hurry_on_hub_thread(struct message *message)
{
    struct server *server = CONTAINER_OF(message, struct server, hurry);
    for (size_t i = 0; i < server->worker_count; i++) {
        server->orders[i].hurry.handle = hurry_on_worker;
        mailbox_post(&server->workers[i].loop.mailbox, &server->orders[i].hurry);
    }
}

// The same way as the order to drain, which it must not overtake.
void server_hurry(struct server *server)
{
    server->hurry.handle = hurry_on_hub_thread;
    mailbox_post(&server->hub_loop.mailbox, &server->hurry);
}
