// A server that runs out of memory at any place loses a connection, and nothing else: handlers and sources
// hear of it exactly once, and all is freed.
#include "base/err.h"
#include "http/exchange.h"
#include "http/server.h"
#include "loop/loop.h"
#include "net/listener.h"
#include "support/torture.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define REQUESTS \
    "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n" \
    "GET /hello HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n" \
    "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n"
#define TURNS_MAX 100

struct world {
    struct loop loop;
    struct http_shared shared;
    struct http_server *server;
    struct listener_group *group;
    int client;
    unsigned opened; // exchanges
    unsigned ended;  // answered, or gone
    unsigned sources;
    unsigned sources_closed;
    unsigned slices;
    struct http_stream *stream;
    char got[4096];
    size_t got_len;
    bool closed;
};

static char big[100000]; // more than the socket takes at once

static size_t next(void *arg, struct http_slice *slices, size_t max, size_t budget)
{
    (void)max;
    (void)budget;
    struct world *world = arg;
    if (world->slices == 0)
        return 0;
    slices[0] = (struct http_slice){.bytes = {big, sizeof(big)}};
    return 1;
}

static void taken(void *arg, size_t count, bool full)
{
    (void)full;
    struct world *world = arg;
    world->slices -= (unsigned)count;
}

static void peer_finished(void *arg)
{
    (void)arg;
}

static void source_closed(void *arg, enum http_close_reason reason)
{
    (void)reason;
    struct world *world = arg;
    world->sources_closed++;
}

static const struct http_source_ops source_ops = {
    .next = next, .taken = taken, .peer_finished = peer_finished, .closed = source_closed};

static void gone(struct exchange *exchange)
{
    struct world *world = exchange_data(exchange);
    world->ended++;
}

static void answer(struct exchange *exchange, struct str body)
{
    struct world *world = exchange_data(exchange);
    exchange_add_header(exchange, STR("X-Answer"), STR("yes"));
    world->ended++;
    exchange_respond(exchange, 200, STR("text/plain"), body);
}

static void echo(struct exchange *exchange, int err, struct str body)
{
    assert_int_equal(err, HUB_OK);
    answer(exchange, body);
}

static void stream(struct exchange *exchange)
{
    struct world *world = exchange_data(exchange);
    world->ended++;
    world->sources++;
    world->slices = 3;
    world->stream = exchange_stream(exchange, 200, STR("text/plain"), &source_ops, world);
    http_stream_end(world->stream);
}

static void handle(struct exchange *exchange, void *arg)
{
    struct world *world = arg;
    world->opened++;
    exchange_set_data(exchange, world);
    exchange_on_gone(exchange, gone);
    if (str_eq(exchange_path(exchange), STR("/echo")))
        exchange_read_body(exchange, 100, echo);
    else if (str_eq(exchange_path(exchange), STR("/stream")))
        stream(exchange);
    else
        answer(exchange, STR("hello"));
}

static void refused(void *arg, unsigned status, const char *reason, struct str peer, struct str request_id)
{
    (void)arg;
    (void)reason;
    (void)peer;
    (void)request_id;
    fail_msg("refused with %u", status);
}

static void server_closed(void *arg)
{
    struct world *world = arg;
    world->closed = true;
}

// Reads what is there, and keeps its end; true at the end of the connection.
static bool receive(struct world *world)
{
    char bytes[65536];
    ssize_t got;
    while ((got = recv(world->client, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0) {
        size_t keep = (size_t)got < sizeof(world->got) ? (size_t)got : sizeof(world->got);
        memcpy(world->got, bytes + (size_t)got - keep, keep);
        world->got_len = keep;
    }
    return got == 0 || errno != EAGAIN;
}

static bool is_whole(const struct world *world)
{
    return world->got_len >= 5 && memcmp(world->got + world->got_len - 5, "0\r\n\r\n", 5) == 0;
}

static void converse(struct world *world)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    assert_int_equal(fcntl(pair[1], F_SETFL, O_NONBLOCK), 0);
    world->client = pair[0];
    assert_int_equal(send(pair[0], REQUESTS, sizeof(REQUESTS) - 1, 0), sizeof(REQUESTS) - 1);
    http_server_adopt(world->server, pair[1]);
    for (unsigned i = 0; i < TURNS_MAX && !receive(world) && !is_whole(world); i++)
        (void)uv_run(&world->loop.uv, UV_RUN_NOWAIT);
}

static void close_all(struct world *world)
{
    http_server_close(world->server, server_closed, world);
    for (unsigned i = 0; i < TURNS_MAX && !world->closed; i++)
        (void)uv_run(&world->loop.uv, UV_RUN_NOWAIT);
    assert_true(world->closed);
    http_server_free(world->server);
}

static int serve(struct world *world)
{
    const struct http_server_config config = {
        .read_header_timeout_ms = 1000,
        .read_timeout_ms = 1000,
        .dispatch_timeout_ms = 1000,
        .max_header_size = 4096,
        .max_pipelined = 8,
        .max_connections = 10,
        .crowded_at = 10,
        .max_unsent_bytes = 1 << 20,
        .max_body_bytes = 1 << 20,
        .shared = &world->shared,
        .handle = handle,
        .refused = refused,
        .arg = world,
    };
    int err = http_server_new(&world->server, &world->loop, &config);
    if (err)
        return err;
    err = http_server_listen(world->server, listener_group_at(world->group, 0));
    if (!err)
        converse(world);
    close_all(world);
    assert_int_equal(world->opened, world->ended);
    assert_int_equal(world->sources, world->sources_closed);
    assert_int_equal(world->shared.connections, 0);
    assert_int_equal(world->shared.unsent_bytes, 0);
    if (!err)
        (void)close(world->client);
    return err || is_whole(world) ? err : -ENOMEM;
}

static int listen_and_serve(void *arg)
{
    (void)arg;
    struct buf text;
    buf_init(&text, 256);
    struct world world = {.client = -1};
    int err = listener_group_open(&world.group, STR("127.0.0.1:0"), 1, &text);
    buf_done(&text);
    if (err)
        return err;
    err = loop_init(&world.loop);
    if (!err) {
        err = serve(&world);
        loop_done(&world.loop);
    }
    listener_group_free(world.group);
    return err;
}

static void memory_may_run_out_at_every_place(void **state)
{
    (void)state;
    torture_run(listen_and_serve, NULL);
    assert_true(torture_failures() > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_may_run_out_at_every_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
