#include "hub/server.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/log.h"
#include "conf/conf.h"
#include "http/server.h"
#include "hub/hub.h"
#include "hub/operations.h"
#include "hub/sequencer.h"
#include "hub/shard.h"
#include "hub/worker.h"
#include "jwt/key.h"
#include "jwt/keyset.h"
#include "loop/loop.h"
#include "loop/signal.h"
#include "net/listener.h"
#include "transport/transport.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

// Descriptors that are never for connections: loops, the store, listeners, spare ones.
#define FILES_KEPT 64U
// Fewer than this are worth a word.
#define FILES_FEW 1024U
// What is kept of the rest for publishers and operations.
#define SHARE_MIN 256U
#define REASON_MAX 4096

// Starting goes down this list, stopping goes on to its end.
enum server_state {
    SERVER_STARTING,
    SERVER_SERVING,
    SERVER_DRAINING, // no new connections; publishes are finished, streams end
    SERVER_CLOSING,  // what is left of connections is closed
    SERVER_SETTLING, // the transport is closed
    SERVER_STOPPED,
};

// A connection on its way to the worker that is to have it.
struct handed_connection {
    struct message message;
    struct worker *worker;
    int fd;
};

// What main asks of a worker. One at a time is under way for each worker.
struct order {
    struct message message;
    struct server *server;
    struct worker *worker;
    size_t index;
};

struct server {
    const struct conf *conf;
    const struct server_events *events;
    enum server_state state;
    int status;

    struct loop loop; // main's
    struct loop hub_loop;
    struct list collecting; // the hub thread's: sequencers that got publishes in this turn
    struct hub hub;
    struct hub *hubs[1]; // the table
    struct worker *workers;
    size_t worker_count;
    size_t workers_ready;  // initialised
    struct shard **shards; // of the hub, one per worker
    struct http_shared http_shared;
    size_t max_connections;
    size_t crowded_at;
    size_t next_adopter; // of a connection that is handed round; the accepting worker's

    struct listener_group **groups;
    size_t group_count;
    struct listener_group *ops_group;
    struct operations *operations;

    struct signal_watch terminate;
    struct signal_watch interrupt;
    struct timer shutdown;
    struct order *orders;
    size_t orders_open;    // workers that have not done what they were asked
    struct message opened; // hub thread → main
    int open_err;
    char open_reason[REASON_MAX];
    struct message open;      // main → hub thread
    struct message close;     // main → hub thread
    struct message closed;    // hub thread → main
    struct message give_back; // worker → main
    atomic_bool give_back_posted;
    bool stop_asked; // while the workers were still being told to listen
};

static void start_closing(struct server *server);
static void start_draining(struct server *server);

// ---- Limits ----

static size_t raise_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 1024;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    (void)getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur > 1U << 30 ? 1U << 30 : (size_t)limit.rlim_cur;
}

static void set_limits(struct server *server)
{
    size_t files = raise_file_limit();
    size_t share = files / 20 > SHARE_MIN ? files / 20 : SHARE_MIN;
    size_t usable = files > FILES_KEPT ? files - FILES_KEPT : 1;
    size_t crowded_at = files > share + FILES_KEPT ? files - share : usable / 2;
    const struct conf *conf = server->conf;
    if (conf->max_connections && conf->max_connections <= crowded_at)
        crowded_at = conf->max_connections;
    else if (conf->max_connections || files < FILES_FEW)
        LOG(LOG_LEVEL_WARN, "The limit of open files is low: raise it to serve more connections",
            LOG_U64("open_files", files), LOG_U64("max_connections", crowded_at));
    server->crowded_at = crowded_at;
    // Beyond crowded_at only publishers are let in, as many as there is a share for.
    server->max_connections = crowded_at + share < usable ? crowded_at + share : usable;
    server->hub.max_subscribers = conf->max_subscribers ? conf->max_subscribers : SIZE_MAX;
    LOG(LOG_LEVEL_DEBUG, "Limits", LOG_U64("open_files", files), LOG_U64("max_connections", crowded_at));
}

// ---- The hub ----

static int add_key(struct jwt_keyset *keys, struct str issuer, enum jwt_role role,
                   const struct conf_verifier *verifier)
{
    if (!verifier->jwt_key.ptr)
        return HUB_OK;
    struct jwt_key *key;
    const char *reason = "";
    int err = jwt_key_load(&key, verifier->jwt_key, verifier->jwt_algorithm, STR(""), &reason);
    if (err) {
        LOG(LOG_LEVEL_ERROR, "A key cannot be used", LOG_STR("issuer", issuer), LOG_C("reason", reason));
        return err;
    }
    if (jwt_key_is_short(key))
        LOG(LOG_LEVEL_WARN, "A key is shorter than its algorithm asks for: its tokens can be guessed at",
            LOG_STR("issuer", issuer),
            LOG_C("role", role == JWT_ROLE_PUBLISHER ? "publisher" : "subscriber"));
    return jwt_keyset_take_key(keys, issuer, role, key);
}

static int load_keys(struct hub *hub)
{
    hub->keys = jwt_keyset_new();
    if (!hub->keys)
        return -ENOMEM;
    for (size_t i = 0; i < hub->conf->issuer_count; i++) {
        const struct conf_issuer *issuer = &hub->conf->issuers[i];
        int err = add_key(hub->keys, issuer->issuer, JWT_ROLE_PUBLISHER, &issuer->publisher);
        if (!err)
            err = add_key(hub->keys, issuer->issuer, JWT_ROLE_SUBSCRIBER, &issuer->subscriber);
        if (err)
            return err;
    }
    return HUB_OK;
}

// Topics are resolved against the hub's own URL. Where it is only known from each request, a host stands in
// that nobody has (RFC 6761).
static int set_url(struct hub *hub)
{
    struct str url = hub->conf->resource_identifier;
    return url_parse(&hub->url, url.len ? url : STR("https://mercure.invalid" HUB_PATH), NULL);
}

// ---- Orders to the workers ----

static void order_done(struct message *message);

static void give_order(struct server *server, message_handle_fn *handle)
{
    server->orders_open = server->worker_count;
    for (size_t i = 0; i < server->worker_count; i++) {
        server->orders[i].message.handle = handle;
        mailbox_post(&server->workers[i].loop.mailbox, &server->orders[i].message);
    }
}

static struct order *order_of(struct message *message)
{
    return CONTAINER_OF(message, struct order, message);
}

// On a worker: main's order has been carried out.
static void report(struct order *order)
{
    order->message.handle = order_done;
    mailbox_post(&order->server->loop.mailbox, &order->message);
}

static void listen_on_worker(struct message *message)
{
    struct order *order = order_of(message);
    struct server *server = order->server;
    for (size_t i = 0; i < server->group_count; i++) {
        if (order->index >= listener_group_count(server->groups[i]))
            continue;
        int err = http_server_listen(order->worker->http, listener_group_at(server->groups[i], order->index));
        if (err)
            LOG(LOG_LEVEL_ERROR, "A listener cannot be watched", LOG_C("reason", err_text(err)));
    }
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

// Main's patience with draining is over, while a worker's order is still to drain: it is told by another
// message.
static void hurry_on_worker(struct message *message)
{
    struct worker *worker = CONTAINER_OF(message, struct worker, hurry);
    if (!worker->ended_turn)
        return; // it has finished meanwhile
    worker->ended_turn = NULL;
    report(worker->order);
}

// ---- Stopping ----

// Only main ever takes the signals that stop the server: other threads are started while it blocks them.
static void mask_signals(int how)
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
    // Whoever asks once more now is not to kill at the last step what has ended in good order.
    mask_signals(SIG_BLOCK);
    signal_watch_close(&server->terminate);
    signal_watch_close(&server->interrupt);
    loop_stop(&server->loop);
}

static void close_on_hub_thread(struct message *message)
{
    struct server *server = CONTAINER_OF(message, struct server, close);
    sequencer_close(server->hub.sequencer);
}

static void start_settling(struct server *server)
{
    server->state = SERVER_SETTLING;
    server->close.handle = close_on_hub_thread;
    mailbox_post(&server->hub_loop.mailbox, &server->close);
}

static void order_done(struct message *message)
{
    struct server *server = order_of(message)->server;
    if (--server->orders_open > 0)
        return;
    if (server->state == SERVER_SERVING && server->stop_asked)
        start_draining(server);
    else if (server->state == SERVER_DRAINING)
        start_closing(server);
    else if (server->state == SERVER_CLOSING)
        start_settling(server);
}

static void start_closing(struct server *server)
{
    timer_cancel(&server->shutdown);
    server->state = SERVER_CLOSING;
    give_order(server, close_on_worker);
}

static void shutdown_overdue(struct timer *timer)
{
    struct server *server = CONTAINER_OF(timer, struct server, shutdown);
    LOG(LOG_LEVEL_WARN, "Draining is cut short: shutdown_timeout is over, or it was asked for again");
    for (size_t i = 0; i < server->worker_count; i++) {
        server->workers[i].hurry.handle = hurry_on_worker;
        mailbox_post(&server->workers[i].loop.mailbox, &server->workers[i].hurry);
    }
}

static void start_draining(struct server *server)
{
    LOG(LOG_LEVEL_INFO, "Draining: no new connections, streams end");
    server->state = SERVER_DRAINING;
    operations_drain(server->operations);
    timer_set(&server->loop, &server->shutdown,
              loop_now_ms(&server->loop) + server->conf->shutdown_timeout_ms);
    give_order(server, drain_on_worker);
}

static void stop_asked(struct server *server)
{
    if (server->state == SERVER_STARTING)
        start_closing(server);
    else if (server->state == SERVER_SERVING && server->orders_open > 0)
        server->stop_asked = true;
    else if (server->state == SERVER_SERVING)
        start_draining(server);
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

static void transport_closed_on_main(struct message *message)
{
    struct server *server = CONTAINER_OF(message, struct server, closed);
    operations_close(server->operations, stop_loop, server);
}

static void transport_closed(void *arg)
{
    struct server *server = arg;
    server->closed.handle = transport_closed_on_main;
    mailbox_post(&server->loop.mailbox, &server->closed);
}

// ---- Starting ----

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
    start_closing(server);
}

static void transport_opened_on_main(struct message *message)
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
        give_order(server, listen_on_worker);
        announce(server);
    }
    buf_done(&reason);
}

static void transport_opened(void *arg, int err, const char *reason)
{
    struct server *server = arg;
    server->open_err = err;
    (void)snprintf(server->open_reason, sizeof(server->open_reason), "%s", reason);
    server->opened.handle = transport_opened_on_main;
    mailbox_post(&server->loop.mailbox, &server->opened);
}

static void open_on_hub_thread(struct message *message)
{
    struct server *server = CONTAINER_OF(message, struct server, open);
    struct buf reason;
    buf_init(&reason, REASON_MAX);
    const struct transport_ops *driver = transport_driver_find(server->conf->transport_url, &reason);
    int err = driver ? sequencer_open(server->hub.sequencer, driver, &reason) : HUB_E_UNSUPPORTED;
    if (err)
        transport_opened(server, err, buf_c(&reason) ? reason.ptr : "");
    buf_done(&reason);
}

// On the accepting worker of a listener that one worker accepts for all: the next in the round gets it.
static void adopt(struct message *message)
{
    struct handed_connection *handed = CONTAINER_OF(message, struct handed_connection, message);
    http_server_adopt(handed->worker->http, handed->fd);
    free(handed);
}

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

static int make_workers(struct server *server)
{
    server->workers = calloc(server->worker_count, sizeof(*server->workers));
    server->orders = calloc(server->worker_count, sizeof(*server->orders));
    if (!server->workers || !server->orders)
        return -ENOMEM;
    struct worker_config config = {
        .conf = server->conf,
        .hubs = server->hubs,
        .hub_count = ARRAY_LEN(server->hubs),
        .http_shared = &server->http_shared,
        .max_connections = server->max_connections,
        .crowded_at = server->crowded_at,
        .handed = hand_round,
        .connections_have_gone = connections_have_gone,
        .server = server,
    };
    for (size_t i = 0; i < server->worker_count; i++) {
        struct worker *worker = &server->workers[i];
        int err = worker_init(worker, &config);
        if (err)
            return err;
        server->shards[i] = &worker->shards[0];
        server->orders[i] = (struct order){.server = server, .worker = worker, .index = i};
        server->workers_ready++;
    }
    return HUB_OK;
}

static bool end_hub_turn(void *arg)
{
    struct server *server = arg;
    sequencer_end_turn(&server->collecting);
    return false;
}

static int make_sequencer(struct server *server)
{
    list_init(&server->collecting);
    loop_add_hook(&server->hub_loop, end_hub_turn, server);
    struct sequencer_config config = {
        .hub = &server->hub,
        .loop = &server->hub_loop,
        .collecting = &server->collecting,
        .shards = server->shards,
        .shard_count = server->worker_count,
        .tail_max_bytes = server->conf->tail_max_bytes,
        .worker_lag_max = server->conf->worker_lag_max,
        .opened = transport_opened,
        .closed = transport_closed,
        .arg = server,
    };
    return sequencer_new(&server->hub.sequencer, &config);
}

static int make_operations(struct server *server)
{
    struct operations_config config = {
        .loop = &server->loop,
        .conf = server->conf,
        .hub_loop = &server->hub_loop,
        .hubs = server->hubs,
        .workers = server->workers,
        .worker_count = server->worker_count,
    };
    return operations_new(&server->operations, &config);
}

// Everything that can fail before a thread runs.
static int prepare(struct server *server)
{
    server->worker_count =
        server->conf->workers ? server->conf->workers : (size_t)sysconf(_SC_NPROCESSORS_ONLN);
    server->shards = calloc(server->worker_count, sizeof(struct shard *));
    if (!server->shards)
        return -ENOMEM;
    server->hub.conf = server->conf;
    server->hubs[0] = &server->hub;
    set_limits(server);
    int err = load_keys(&server->hub);
    if (!err)
        err = set_url(&server->hub);
    if (!err)
        err = make_sequencer(server);
    if (!err)
        err = make_workers(server);
    if (!err)
        err = make_operations(server);
    return err;
}

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

static void release(struct server *server)
{
    for (size_t i = 0; i < server->workers_ready; i++)
        worker_done(&server->workers[i]);
    for (size_t i = 0; i < server->group_count; i++)
        listener_group_free(server->groups[i]);
    listener_group_free(server->ops_group);
    operations_free(server->operations);
    sequencer_free(server->hub.sequencer);
    if (server->hub.keys)
        ref_put(&server->hub.keys->ref);
    url_done(&server->hub.url);
    free(server->groups);
    free(server->workers);
    free(server->orders);
    free(server->shards);
}

static int serve(struct server *server)
{
    int err = signal_watch_open(&server->terminate, &server->loop, SIGTERM, terminate);
    if (!err)
        err = signal_watch_open(&server->interrupt, &server->loop, SIGINT, interrupt);
    if (!err)
        err = spawn_threads(server);
    if (err)
        return err;
    timer_init(&server->shutdown, shutdown_overdue);
    server->open.handle = open_on_hub_thread;
    mailbox_post(&server->hub_loop.mailbox, &server->open);
    mask_signals(SIG_UNBLOCK);
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
    hash_init();
    (void)signal(SIGPIPE, SIG_IGN);
    mask_signals(SIG_BLOCK);
    int err = loop_init(&server->loop);
    if (!err)
        err = loop_init(&server->hub_loop);
    if (!err)
        err = prepare(server);
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
    release(server);
    loop_done(&server->hub_loop);
    loop_done(&server->loop);
    int status = server->status;
    free(server);
    LOG(LOG_LEVEL_INFO, "Stopped");
    log_stop();
    return status;
}

int server_check(const struct conf *conf, struct buf *reterr)
{
    const struct transport_ops *ops = transport_driver_find(conf->transport_url, reterr);
    return ops ? ops->check(conf->transport_url, NULL, reterr) : HUB_E_UNSUPPORTED;
}
