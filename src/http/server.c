#include "http/server.h"

#include "base/assert.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/list.h"
#include "http/conn_priv.h"
#include "http/server_priv.h"
#include "net/acceptor.h"
#include "net/listener.h"
#include "net/socket.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

// How long a flush may take: a large fan-out, and streams that catch up, let new events in between.
#define FLUSH_NS (2U * 1000 * 1000)
#define MARKS_MIN 64U

struct watched_listener {
    struct acceptor acceptor;
    struct http_server *server;
    struct list node;
    const struct listener *listener;
};

// ---- The end of a turn ----

struct http_server *http_conn_server(const struct http_conn *conn)
{
    return stream_owner(&conn->stream);
}

static void add_mark(struct http_marks *marks, struct http_conn *conn)
{
    if (conn->marked || conn->closed)
        return;
    if (marks->first + marks->count == marks->cap) {
        HUB_ASSERT(marks->first > 0);
        memmove(marks->conns, marks->conns + marks->first, marks->count * sizeof(struct http_conn *));
        marks->first = 0;
    }
    marks->conns[marks->first + marks->count++] = conn;
    conn->marked = true;
}

static struct http_conn *take_mark(struct http_marks *marks)
{
    struct http_conn *conn = marks->conns[marks->first++];
    if (--marks->count == 0)
        marks->first = 0;
    conn->marked = false;
    return conn;
}

// Room for each connection twice, so that moving to the front is worth it each time.
static int reserve_marks(struct http_marks *marks, size_t connections)
{
    if (connections * 2 <= marks->cap)
        return HUB_OK;
    size_t cap = marks->cap ? marks->cap * 2 : MARKS_MIN;
    struct http_conn **conns = realloc(marks->conns, cap * sizeof(struct http_conn *));
    if (!conns)
        return -ENOMEM;
    marks->conns = conns;
    marks->cap = cap;
    return HUB_OK;
}

void http_conn_mark(struct http_conn *conn)
{
    add_mark(&http_conn_server(conn)->marked, conn);
}

void http_conn_mark_later(struct http_conn *conn)
{
    add_mark(&http_conn_server(conn)->later, conn);
}

void http_conn_cut(struct http_conn *conn, enum http_close_reason reason)
{
    if (conn->cut)
        return;
    conn->cut = true;
    conn->cut_reason = (uint8_t)reason;
    if (reason == HTTP_CLOSE_STALLED)
        counter_add(&http_conn_server(conn)->metrics.stalled, 1);
    http_conn_mark(conn);
}

void http_conn_hold_unsent(struct http_holder *holder, size_t bytes)
{
    struct http_budget *budget = &http_conn_server(holder->conn)->unsent;
    bool grown = bytes > holder->bytes;
    http_budget_count(budget, holder, bytes);
    struct http_holder *oldest;
    while (grown && (oldest = http_budget_take_oldest(budget, holder)) != NULL)
        http_conn_cut(oldest->conn, HTTP_CLOSE_OVERLOAD);
}

static void flush_one(struct http_conn *conn)
{
    if (!conn->cut) {
        conn->ops->flush(conn); // one that is cut here is marked again
    } else {
        conn->closed = true;
        conn->ops->close(conn);
    }
}

static void tell_closed_if_done(struct http_server *server)
{
    if (!server->closing || server->handles > 0)
        return;
    server->closing = false;
    server->closed(server->closed_arg);
}

// Those that are marked meanwhile wait for the next turn.
static void flush_some(struct http_marks *marks)
{
    size_t count = marks->count;
    if (count == 0)
        return;
    uint64_t until_ns = clock_mono_ns() + FLUSH_NS;
    do {
        flush_one(take_mark(marks));
    } while (--count && clock_mono_ns() < until_ns);
}

static bool flush_marked(void *arg)
{
    struct http_server *server = arg;
    flush_some(&server->marked);
    flush_some(&server->later);
    tell_closed_if_done(server);
    return server->marked.count + server->later.count > 0;
}

// ---- Connections ----

static void count_out(struct http_server *server)
{
    server->connections--;
    atomic_fetch_sub_explicit(&server->config.shared->connections, 1, memory_order_relaxed);
    counter_add(&server->metrics.closed, 1);
}

static void turn_away(struct http_server *server, const char *reason)
{
    counter_add(&server->metrics.refused_connections, 1);
    if (server->config.turned_away)
        server->config.turned_away(server->config.arg, reason);
}

static bool count_in(struct http_server *server)
{
    struct http_shared *shared = server->config.shared;
    counter_add(&server->metrics.accepted, 1);
    server->connections++;
    if (atomic_fetch_add_explicit(&shared->connections, 1, memory_order_relaxed) <
        server->config.max_connections)
        return true;
    turn_away(server, "max_connections is reached");
    count_out(server);
    return false;
}

void http_server_adopt(struct http_server *server, int fd)
{
    if (server->retired || !count_in(server)) {
        (void)close(fd);
        return;
    }
    server->handles++;
    int err = reserve_marks(&server->marked, server->connections);
    if (!err)
        err = reserve_marks(&server->later, server->connections);
    if (!err)
        err = h1_open(server, fd);
    if (err) {
        (void)close(fd);
        http_server_forget(server);
    }
}

void http_server_forget(struct http_server *server)
{
    count_out(server);
    server->handles--;
    tell_closed_if_done(server);
}

static struct http_conn *conn_of(struct stream *stream)
{
    return CONTAINER_OF(stream, struct http_conn, stream);
}

// The flush closes it when it is idle, now or once it is.
static void retire_one(struct stream *stream)
{
    http_conn_mark(conn_of(stream));
}

static void cut_one(struct stream *stream)
{
    http_conn_cut(conn_of(stream), HTTP_CLOSE_SHUTDOWN);
}

// ---- Listeners ----

static void on_accepted(void *arg, int fd)
{
    struct watched_listener *watched = arg;
    struct http_server *server = watched->server;
    if (watched->listener->handed_round && server->config.handed)
        server->config.handed(server->config.arg, fd);
    else
        http_server_adopt(server, fd);
}

static void on_refused(void *arg)
{
    struct watched_listener *watched = arg;
    turn_away(watched->server, "no descriptor is left");
}

static void on_acceptor_closed(struct acceptor *acceptor, void *arg)
{
    (void)acceptor;
    struct watched_listener *watched = arg;
    struct http_server *server = watched->server;
    free(watched);
    server->handles--;
    tell_closed_if_done(server);
}

static const struct acceptor_handler acceptor_handler = {
    .accepted = on_accepted,
    .refused = on_refused,
    .closed = on_acceptor_closed,
};

// With dispatch_timeout off a reader may stall for ever; but to the kernel one that has closed its window is
// as good as gone after peer_timeout, so that the two cannot be had together.
static unsigned peer_timeout_ms(const struct http_server_config *config)
{
    uint64_t stall_ms = config->dispatch_timeout_ms;
    if (stall_ms == 0 || stall_ms > INT_MAX)
        return 0;
    return stall_ms > config->peer_timeout_ms ? (unsigned)stall_ms : config->peer_timeout_ms;
}

int http_server_listen(struct http_server *server, const struct listener *listener)
{
    const struct socket_options options = {
        .unsent_max = server->config.socket_unsent_max,
        .peer_timeout_ms = peer_timeout_ms(&server->config),
    };
    int err = socket_set_options(listener->fd, &options);
    if (err)
        return err;
    struct watched_listener *watched = calloc(1, sizeof(*watched));
    if (!watched)
        return -ENOMEM;
    watched->server = server;
    watched->listener = listener;
    err = acceptor_open(&watched->acceptor, server->loop, listener->fd, &acceptor_handler, watched);
    if (err) {
        free(watched);
        return err;
    }
    list_append(&server->acceptors, &watched->node);
    server->handles++;
    return HUB_OK;
}

void http_server_stop_accepting(struct http_server *server)
{
    if (server->retired)
        return;
    server->retired = true;
    LIST_FOREACH (node, &server->acceptors) {
        struct watched_listener *watched = CONTAINER_OF(node, struct watched_listener, node);
        list_remove(node);
        // Else the kernel would go on to take connections that nobody serves.
        if (!watched->listener->shared)
            (void)shutdown(watched->listener->fd, SHUT_RD);
        acceptor_close(&watched->acceptor);
    }
    stream_walk(server->loop, server, retire_one);
}

// ---- The server ----

int http_server_new(struct http_server **ret_server, struct loop *loop,
                    const struct http_server_config *config)
{
    struct http_server *server = calloc(1, sizeof(*server));
    if (!server)
        return -ENOMEM;
    server->loop = loop;
    server->config = *config;
    list_init(&server->acceptors);
    table_init(&server->exchanges);
    slab_init(&server->h1_slab, h1_size);
    struct http_shared *shared = config->shared;
    http_budget_init(&server->unsent, &shared->unsent_bytes, &shared->servers, config->max_unsent_bytes);
    http_budget_init(&server->bodies, &shared->body_bytes, &shared->servers, config->max_body_bytes);
    uint64_t number = atomic_fetch_add(&shared->servers, 1);
    server->next_id = number << 48 | 1;
    loop_add_hook(loop, flush_marked, server);
    *ret_server = server;
    return HUB_OK;
}

void http_server_free(struct http_server *server)
{
    if (!server)
        return;
    HUB_ASSERT(server->handles == 0);
    table_done(&server->exchanges);
    http_budget_done(&server->unsent);
    http_budget_done(&server->bodies);
    slab_done(&server->h1_slab);
    free(server->marked.conns);
    free(server->later.conns);
    free(server);
}

void http_server_close(struct http_server *server, void (*closed)(void *arg), void *arg)
{
    http_server_stop_accepting(server);
    stream_walk(server->loop, server, cut_one);
    server->closing = true;
    server->closed = closed;
    server->closed_arg = arg;
}

size_t http_server_connections(const struct http_server *server)
{
    return server->connections;
}

const struct http_metrics *http_server_metrics(const struct http_server *server)
{
    return &server->metrics;
}

struct str http_server_date(struct http_server *server)
{
    uint64_t now_s = clock_real_ms() / 1000;
    if (now_s != server->date_s) {
        server->date_s = now_s;
        http_date_write(server->date, now_s);
    }
    return str_make(server->date, HTTP_DATE_LEN);
}
