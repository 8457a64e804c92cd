// The server between its files: server.c makes and frees it, startup.c and shutdown.c take it through its
// states, orders.c talks to the workers, pool.c makes them.
#pragma once

#include "base/list.h"
#include "http/server.h"
#include "hub/limits.h"
#include "hub/server.h"
#include "hub/worker.h"
#include "loop/loop.h"
#include "loop/signal.h"
#include "net/inherited.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#define REASON_MAX 4096

// Starting goes down this list, stopping goes on to its end.
enum server_state {
    SERVER_STARTING,
    SERVER_SERVING,
    SERVER_DRAINING, // no new connections; publishes are finished, streams end
    SERVER_CLOSING,  // what is left of connections is closed
    SERVER_SETTLING, // the transports are closed
    SERVER_STOPPED,
};

// What main asks of a worker. One at a time is under way for each worker.
struct order {
    struct message message;
    struct message hurry; // ends the wait of an order to drain
    struct server *server;
    struct worker *worker;
    size_t index;
};

// The members are main's unless it is said otherwise.
struct server {
    const struct conf *conf;
    const struct server_events *events;
    enum server_state state;
    int status;
    struct limits limits;

    struct loop loop;
    struct loop hub_loop;
    struct list collecting; // the hub thread's: sequencers that got publishes in this turn
    struct hub **hubs;      // the table
    size_t hub_count;
    size_t hubs_opening; // the hub thread's: that have not said whether their transport is open
    size_t hubs_closing; // the hub thread's: whose transport is not closed yet

    struct worker *workers;
    size_t worker_count;
    size_t workers_ready; // initialised
    struct http_shared http_shared;
    size_t next_adopter; // of a connection that is handed round; the accepting worker's

    struct inherited inherited; // until the groups have them
    struct listener_group **groups;
    size_t group_count;
    struct listener_group *ops_group;
    struct listener_group *metrics_group; // of metrics_enabled
    struct operations *operations;
    struct fetcher *fetcher; // NULL: nothing is fetched

    struct signal_watch terminate;
    struct signal_watch interrupt;
    struct timer shutdown;
    struct order *orders;
    size_t orders_open;    // workers that have not done what they were asked
    struct message open;   // main → hub thread
    struct message opened; // hub thread → main
    int open_err;          // the hub thread's, until `opened`; so is the reason
    char open_reason[REASON_MAX];
    struct message drain;     // main → hub thread
    struct message hurry;     // main → hub thread
    struct message close;     // main → hub thread
    struct message closed;    // hub thread → main
    struct message give_back; // worker → main
    atomic_bool give_back_posted;
    bool stop_asked; // while the workers were still being told to listen
};

// ---- pool.c ----

// Makes the workers; their threads do not run yet.
MUST_CHECK int server_make_workers(struct server *server);

// ---- orders.c ----

// Each tells every worker and calls server_order_done on main once all have done it.
void server_order_listening(struct server *server);
void server_order_draining(struct server *server);
void server_order_closing(struct server *server);
// Main's patience with draining is over: what has not drained counts as done.
void server_hurry(struct server *server);

// ---- startup.c ----

// Asks the hub thread to open every transport; listening follows, or the stop.
void server_start(struct server *server);
// For sequencers: a transport has opened. Hub thread; `arg` is the server.
void server_transport_opened(void *arg, int err, const char *reason);

// ---- shutdown.c ----

// SIGTERM and SIGINT stop the server from now on. A negative errno on failure.
MUST_CHECK int server_watch_signals(struct server *server);
// Blocks or unblocks them for this thread: only main ever takes them, as other threads are started while it
// blocks them.
void server_mask_signals(int how);
void server_order_done(struct server *server);
// Stops without draining: nothing has been served yet.
void server_close(struct server *server);
// For sequencers: a transport has closed. Hub thread; `arg` is the server.
void server_transport_closed(void *arg);
