#include "hub/server_priv.h"

#include "base/log.h"
#include "conf/conf.h"
#include "hub/hub.h"
#include "hub/keyring.h"
#include "hub/operations.h"
#include "hub/sequencer.h"

#include <pthread.h>
#include <signal.h>

// ---- Closing ----

void server_mask_signals(int how)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)pthread_sigmask(how, &set, NULL);
}

static void stop_loop(void *arg)
{
    struct server *server = arg;
    server->state = SERVER_STOPPED;
    for (size_t i = 0; i < server->hub_count; i++)
        keyring_stop(server->hubs[i]->keyring);
    // Whoever asks once more now is not to kill at the last step what has ended in good order.
    server_mask_signals(SIG_BLOCK);
    signal_watch_close(&server->terminate);
    signal_watch_close(&server->interrupt);
    loop_stop(&server->loop);
}

static void transports_closed_on_main(struct message *message)
{
    struct server *server = CONTAINER_OF(message, struct server, closed);
    operations_close(server->operations, stop_loop, server);
}

void server_transport_closed(void *arg)
{
    struct server *server = arg;
    if (--server->hubs_closing > 0)
        return;
    server->closed.handle = transports_closed_on_main;
    mailbox_post(&server->loop.mailbox, &server->closed);
}

static void close_on_hub_thread(struct message *message)
{
    struct server *server = CONTAINER_OF(message, struct server, close);
    server->hubs_closing = server->hub_count;
    for (size_t i = 0; i < server->hub_count; i++)
        sequencer_close(server->hubs[i]->sequencer);
}

static void settle(struct server *server)
{
    server->state = SERVER_SETTLING;
    server->close.handle = close_on_hub_thread;
    mailbox_post(&server->hub_loop.mailbox, &server->close);
}

void server_close(struct server *server)
{
    timer_cancel(&server->shutdown);
    server->state = SERVER_CLOSING;
    server_order_closing(server);
}

// ---- Draining ----

static void shutdown_overdue(struct timer *timer)
{
    struct server *server = CONTAINER_OF(timer, struct server, shutdown);
    LOG(LOG_LEVEL_WARN, "Draining is cut short: shutdown_timeout is over, or it was asked for again");
    server_hurry(server);
}

static void drain(struct server *server)
{
    LOG(LOG_LEVEL_INFO, "Draining: no new connections, streams end");
    server->state = SERVER_DRAINING;
    operations_drain(server->operations);
    timer_set(&server->loop, &server->shutdown,
              loop_now_ms(&server->loop) + server->conf->shutdown_timeout_ms);
    server_order_draining(server);
}

void server_order_done(struct server *server)
{
    if (server->state == SERVER_SERVING && server->stop_asked)
        drain(server);
    else if (server->state == SERVER_DRAINING)
        server_close(server);
    else if (server->state == SERVER_CLOSING)
        settle(server);
}

// ---- Signals ----

static void stop_asked(struct server *server)
{
    if (server->state == SERVER_STARTING)
        server_close(server);
    else if (server->state == SERVER_SERVING && server->orders_open > 0)
        server->stop_asked = true;
    else if (server->state == SERVER_SERVING)
        drain(server);
    else if (server->state == SERVER_DRAINING && timer_is_set(&server->shutdown))
        timer_set(&server->loop, &server->shutdown, 0);
}

static void terminate(struct signal_watch *watch)
{
    stop_asked(CONTAINER_OF(watch, struct server, terminate));
}

static void interrupt(struct signal_watch *watch)
{
    stop_asked(CONTAINER_OF(watch, struct server, interrupt));
}

int server_watch_signals(struct server *server)
{
    timer_init(&server->shutdown, shutdown_overdue);
    int err = signal_watch_open(&server->terminate, &server->loop, SIGTERM, terminate);
    return err ? err : signal_watch_open(&server->interrupt, &server->loop, SIGINT, interrupt);
}
