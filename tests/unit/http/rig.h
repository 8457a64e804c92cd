// A server on a thread of its own with a few routes: what the tests of the server share. Their client is in
// client.h.
//
//   /hello      answers at once; /headers tells what the handler sees of the request
//   /echo       answers with the body, up to 1,000 bytes; /ignore answers without reading it
//   /keep       reads the body, then waits like /hold
//   /hold       waits until /release?<n> answers the n that came last, the latest first
//   /late       reads the body when /read comes
//   /abort      closes without an answer, /abort?later when it is released; /big?s=<size> answers with that
//   many bytes; /crowded says whether /stream?c=<count>&s=<size>   streams count slices of that size, then
//   ends /live       streams what /publish gets as its body; /end ends all of these
#pragma once

#include "base/assert.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/list.h"
#include "http/exchange.h"
#include "http/server.h"
#include "loop/loop.h"
#include "net/listener.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define RIG_QUEUE 4096
#define RIG_BODY_MAX 1000

struct rig {
    struct loop loop;
    struct http_shared shared;
    struct http_server_config config;
    struct http_server *server;
    struct listener_group *group;
    struct sockaddr_in address;
    struct listener_group *unix_group; // a second listener, if there is one
    struct message close;
    struct message retire;
    struct rig *other;
    size_t beside; // what the owner of a slice keeps beside it, as told
    bool closing;  // the test has closed the server
    // Of the server's thread.
    uint64_t late;
    uint64_t held[64];
    size_t held_count;
    struct list live;
    // For the test to look at.
    atomic_uint handled;
    atomic_uint gone;
    atomic_uint bodies;
    atomic_uint closed[5];
    atomic_uint peer_finished;
    atomic_uint refused;
    atomic_uint retired;
    atomic_uint handed;
    _Atomic(const char *) refused_reason;
};

struct rig_bytes {
    struct ref ref;
    size_t len;
    char bytes[];
};

// A source with a queue of slices; it owns a reference to each.
struct rig_source {
    struct rig *rig;
    struct list node;
    struct http_stream *stream;
    size_t first, count;
    struct rig_bytes *queue[RIG_QUEUE];
    bool greet;
};

// ---- The server's side ----

static inline void rig_bytes_free(struct ref *ref)
{
    free(CONTAINER_OF(ref, struct rig_bytes, ref));
}

static inline struct rig_bytes *rig_bytes_new(struct str text)
{
    struct rig_bytes *bytes = malloc(sizeof(*bytes) + text.len);
    HUB_ASSERT(bytes);
    ref_init(&bytes->ref, rig_bytes_free);
    bytes->len = text.len;
    memcpy(bytes->bytes, text.ptr, text.len);
    return bytes;
}

static inline struct rig_bytes *rig_queued(struct rig_source *source, size_t i)
{
    return source->queue[(source->first + i) % RIG_QUEUE];
}

static inline size_t rig_next(void *arg, struct http_slice *slices, size_t max, size_t budget)
{
    struct rig_source *source = arg;
    size_t count = 0, bytes = 0;
    while (count < max && count < source->count && (bytes < budget || count == 0)) {
        struct rig_bytes *one = rig_queued(source, count);
        slices[count++] = (struct http_slice){
            .bytes = {one->bytes, one->len}, .owner = &one->ref, .memory = one->len + source->rig->beside};
        bytes += one->len;
    }
    return count;
}

static inline void rig_taken(void *arg, size_t count, bool full)
{
    (void)full;
    struct rig_source *source = arg;
    HUB_ASSERT(count <= source->count);
    for (size_t i = 0; i < count; i++)
        ref_put(&rig_queued(source, i)->ref);
    source->first += count;
    source->count -= count;
}

static inline void rig_source_add(struct rig_source *source, struct rig_bytes *bytes)
{
    HUB_ASSERT(source->count < RIG_QUEUE);
    ref_get(&bytes->ref);
    source->queue[(source->first + source->count++) % RIG_QUEUE] = bytes;
}

static inline void rig_peer_finished(void *arg)
{
    struct rig_source *source = arg;
    atomic_fetch_add(&source->rig->peer_finished, 1);
    struct rig_bytes *comment = rig_bytes_new(STR(":\n"));
    rig_source_add(source, comment);
    ref_put(&comment->ref);
    http_stream_wake(source->stream);
}

static inline void rig_closed(void *arg, enum http_close_reason reason)
{
    struct rig_source *source = arg;
    atomic_fetch_add(&source->rig->closed[reason], 1);
    rig_taken(source, source->count, false);
    list_remove(&source->node);
    free(source);
}

static const struct http_source_ops rig_source_ops = {
    .next = rig_next,
    .taken = rig_taken,
    .peer_finished = rig_peer_finished,
    .closed = rig_closed,
};

static inline struct rig_source *rig_stream(struct rig *rig, struct exchange *exchange)
{
    struct rig_source *source = calloc(1, sizeof(*source));
    HUB_ASSERT(source);
    source->rig = rig;
    list_init(&source->node);
    source->stream = exchange_stream(exchange, 200, STR("text/event-stream"), &rig_source_ops, source);
    return source;
}

static inline uint64_t rig_parameter(struct exchange *exchange, struct str name)
{
    struct str query = exchange_query(exchange), part;
    uint64_t value = 0;
    while (str_split(&query, '&', &part)) {
        if (str_starts_with(part, name) && str_to_u64(str_slice(part, name.len, part.len), &value) == HUB_OK)
            return value;
    }
    return 0;
}

static inline void rig_handle_stream(struct rig *rig, struct exchange *exchange)
{
    uint64_t count = rig_parameter(exchange, STR("c="));
    size_t size = rig_parameter(exchange, STR("s="));
    struct rig_source *source = rig_stream(rig, exchange);
    for (uint64_t i = 0; i < count; i++) {
        struct rig_bytes *bytes = malloc(sizeof(*bytes) + size);
        HUB_ASSERT(bytes);
        ref_init(&bytes->ref, rig_bytes_free);
        bytes->len = size;
        memset(bytes->bytes, 'a' + (int)(i % 26), size);
        rig_source_add(source, bytes);
        ref_put(&bytes->ref);
    }
    http_stream_end(source->stream);
}

static inline void rig_respond(struct exchange *exchange, struct str body)
{
    exchange_respond(exchange, 200, STR("text/plain"), body);
}

static inline void rig_echo(struct exchange *exchange, int err, struct str body)
{
    if (err)
        exchange_respond(exchange, 413, STR("text/plain"), STR("too big\n"));
    else
        rig_respond(exchange, body);
}

static inline void rig_keep(struct exchange *exchange, int err, struct str body)
{
    struct rig *rig = exchange_data(exchange);
    (void)body;
    HUB_ASSERT(!err && rig->held_count < ARRAY_LEN(rig->held));
    rig->held[rig->held_count++] = exchange_id(exchange);
    atomic_fetch_add(&rig->bodies, 1);
}

static inline void rig_publish(struct exchange *exchange, int err, struct str body)
{
    struct rig *rig = exchange_data(exchange);
    HUB_ASSERT(!err);
    struct rig_bytes *bytes = rig_bytes_new(body);
    LIST_FOREACH (node, &rig->live) {
        struct rig_source *source = CONTAINER_OF(node, struct rig_source, node);
        rig_source_add(source, bytes);
        http_stream_wake(source->stream);
    }
    ref_put(&bytes->ref);
    rig_respond(exchange, STR(""));
}

static inline void rig_gone(struct exchange *exchange)
{
    struct rig *rig = exchange_data(exchange);
    atomic_fetch_add(&rig->gone, 1);
}

static inline void rig_hold(struct rig *rig, const struct exchange *exchange)
{
    HUB_ASSERT(rig->held_count < ARRAY_LEN(rig->held));
    rig->held[rig->held_count++] = exchange_id(exchange);
}

static inline void rig_let_go(struct exchange *exchange)
{
    if (str_eq(exchange_path(exchange), STR("/abort")))
        exchange_abort(exchange);
    else
        rig_respond(exchange, exchange_query(exchange));
}

static inline void rig_read_late(struct rig *rig, struct exchange *exchange)
{
    exchange_read_body(exchange_find(rig->server, rig->late), RIG_BODY_MAX, rig_echo);
    rig_respond(exchange, STR(""));
}

static inline void rig_release(struct rig *rig, struct exchange *exchange)
{
    uint64_t count;
    HUB_ASSERT(str_to_u64(exchange_query(exchange), &count) == HUB_OK);
    while (count-- && rig->held_count) {
        struct exchange *held = exchange_find(rig->server, rig->held[--rig->held_count]);
        if (held)
            rig_let_go(held);
    }
    rig_respond(exchange, STR(""));
}

static inline void rig_handle_headers(struct exchange *exchange)
{
    struct buf buf;
    buf_init(&buf, 65536);
    struct str name, value;
    buf_printf(&buf, "%d %.*s %.*s %.*s\n", (int)exchange_method(exchange), STR_ARG(exchange_path(exchange)),
               STR_ARG(exchange_query(exchange)), STR_ARG(exchange_authority(exchange)));
    for (size_t i = 0; exchange_header_at(exchange, i, &name, &value); i++)
        buf_printf(&buf, "%.*s=%.*s\n", STR_ARG(name), STR_ARG(value));
    exchange_add_header(exchange, STR("X-Peer"), exchange_peer(exchange));
    rig_respond(exchange, buf_str(&buf));
    buf_done(&buf);
}

static inline void rig_handle_big(struct exchange *exchange)
{
    size_t size = rig_parameter(exchange, STR("s="));
    char *bytes = malloc(size);
    HUB_ASSERT(bytes);
    for (size_t i = 0; i < size; i++)
        bytes[i] = (char)('a' + i % 26);
    rig_respond(exchange, str_make(bytes, size));
    free(bytes);
}

static inline void rig_end_live(struct rig *rig)
{
    LIST_FOREACH (node, &rig->live)
        http_stream_end(CONTAINER_OF(node, struct rig_source, node)->stream);
}

static inline void rig_handle(struct exchange *exchange, void *arg)
{
    struct rig *rig = arg;
    struct str path = exchange_path(exchange);
    exchange_set_data(exchange, rig);
    exchange_on_gone(exchange, rig_gone);
    if (str_eq(path, STR("/hello"))) {
        rig_respond(exchange, STR("hello\n"));
    } else if (str_eq(path, STR("/headers"))) {
        rig_handle_headers(exchange);
    } else if (str_eq(path, STR("/echo"))) {
        exchange_read_body(exchange, RIG_BODY_MAX, rig_echo);
    } else if (str_eq(path, STR("/ignore"))) {
        rig_respond(exchange, STR("ignored\n"));
    } else if (str_eq(path, STR("/hold")) || str_eq(exchange_query(exchange), STR("later"))) {
        rig_hold(rig, exchange);
    } else if (str_eq(path, STR("/late"))) {
        rig->late = exchange_id(exchange);
    } else if (str_eq(path, STR("/read"))) {
        rig_read_late(rig, exchange);
    } else if (str_eq(path, STR("/keep"))) {
        exchange_read_body(exchange, 0, rig_keep);
    } else if (str_eq(path, STR("/release"))) {
        rig_release(rig, exchange);
    } else if (str_eq(path, STR("/abort"))) {
        exchange_abort(exchange);
    } else if (str_eq(path, STR("/big"))) {
        rig_handle_big(exchange);
    } else if (str_eq(path, STR("/crowded"))) {
        rig_respond(exchange, exchange_is_crowded(exchange) ? STR("yes") : STR("no"));
    } else if (str_eq(path, STR("/stream"))) {
        rig_handle_stream(rig, exchange);
    } else if (str_eq(path, STR("/live"))) {
        list_append(&rig->live, &rig_stream(rig, exchange)->node);
    } else if (str_eq(path, STR("/publish"))) {
        exchange_read_body(exchange, 0, rig_publish);
    } else if (str_eq(path, STR("/end"))) {
        rig_end_live(rig);
        rig_respond(exchange, STR(""));
    } else {
        exchange_respond(exchange, 404, STR("text/plain"), STR("none\n"));
    }
    atomic_fetch_add(&rig->handled, 1);
}

static inline void rig_refused(void *arg, unsigned status, const char *reason, struct str peer,
                               struct str request_id)
{
    struct rig *rig = arg;
    HUB_ASSERT(peer.len > 0 && request_id.len == 16);
    atomic_store(&rig->refused_reason, reason);
    atomic_store(&rig->refused, status);
}

static inline void rig_stopped(void *arg)
{
    struct rig *rig = arg;
    loop_stop(&rig->loop);
}

static inline void rig_handle_close(struct message *message)
{
    struct rig *rig = CONTAINER_OF(message, struct rig, close);
    http_server_close(rig->server, rig_stopped, rig);
}

// ---- Starting and stopping ----

static inline struct rig *rig_new(void)
{
    struct rig *rig = calloc(1, sizeof(*rig));
    assert_non_null(rig);
    list_init(&rig->live);
    rig->close.handle = rig_handle_close;
    rig->config = (struct http_server_config){
        .read_header_timeout_ms = 10000,
        .read_timeout_ms = 10000,
        .dispatch_timeout_ms = 10000,
        .max_header_size = 4096,
        .max_pipelined = 8,
        .max_connections = 1000,
        .crowded_at = 1000,
        .max_unsent_bytes = 1 << 20,
        .max_body_bytes = 1 << 20,
        .socket_unsent_max = 65536,
        .peer_timeout_ms = 20000,
        .shared = &rig->shared,
        .handle = rig_handle,
        .refused = rig_refused,
        .arg = rig,
    };
    return rig;
}

// `hook` runs at the end of each turn, after the server's; or NULL.
static inline void rig_start_with(struct rig *rig, loop_hook_fn *hook)
{
    struct buf err;
    buf_init(&err, 512);
    assert_int_equal(listener_group_open(&rig->group, STR("127.0.0.1:0"), 1, &err), HUB_OK);
    struct listener *listener = listener_group_at(rig->group, 0);
    socklen_t len = sizeof(rig->address);
    assert_int_equal(getsockname(listener->fd, (struct sockaddr *)&rig->address, &len), 0);
    assert_int_equal(loop_init(&rig->loop), HUB_OK);
    assert_int_equal(http_server_new(&rig->server, &rig->loop, &rig->config), HUB_OK);
    assert_int_equal(http_server_listen(rig->server, listener), HUB_OK);
    if (rig->unix_group)
        assert_int_equal(http_server_listen(rig->server, listener_group_at(rig->unix_group, 0)), HUB_OK);
    if (hook)
        loop_add_hook(&rig->loop, hook, NULL);
    assert_int_equal(loop_spawn(&rig->loop, "server"), HUB_OK);
    buf_done(&err);
}

static inline void rig_start(struct rig *rig)
{
    rig_start_with(rig, NULL);
}

// For cmocka: a server with the configuration above.
static inline int rig_set_up(void **state)
{
    struct rig *rig = rig_new();
    rig_start(rig);
    *state = rig;
    return 0;
}

static inline void rig_stop(struct rig *rig)
{
    if (!rig->closing)
        mailbox_post(&rig->loop.mailbox, &rig->close);
    loop_join(&rig->loop);
    assert_int_equal(http_server_connections(rig->server), 0);
    assert_int_equal(rig->shared.connections, 0);
    assert_int_equal(rig->shared.unsent_bytes, 0);
    assert_int_equal(rig->shared.body_bytes, 0);
    http_server_free(rig->server);
    loop_done(&rig->loop);
    listener_group_free(rig->group);
    listener_group_free(rig->unix_group);
    free(rig);
}

static inline int rig_tear_down(void **state)
{
    rig_stop(*state);
    return 0;
}

#define RIG_TEST(name) cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)

// Waits until the counter is at least `value`.
static inline void rig_await(atomic_uint *counter, unsigned value)
{
    for (unsigned i = 0; i < 20000 && atomic_load(counter) < value; i++)
        (void)usleep(1000);
    assert_true(atomic_load(counter) >= value);
}

static inline void rig_await_bytes(atomic_size_t *count, size_t value)
{
    for (unsigned i = 0; i < 20000 && atomic_load(count) != value; i++)
        (void)usleep(1000);
    assert_int_equal(atomic_load(count), value);
}
