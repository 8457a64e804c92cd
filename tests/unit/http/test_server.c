#include "client.h"

#include <errno.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/un.h>

static uint64_t metric(const struct counter *counter)
{
    return counter_read(counter);
}

// ---- Admission ----

static int set_up_small(void **state)
{
    struct rig *rig = rig_new();
    rig->config.max_connections = 4;
    rig->config.crowded_at = 2;
    rig_start(rig);
    *state = rig;
    return 0;
}

static void connections_over_the_limit_are_closed_at_once(void **state)
{
    struct rig *rig = *state;
    const struct http_metrics *metrics = http_server_metrics(rig->server);
    struct rig_client *clients[5];
    for (size_t i = 0; i < 4; i++) {
        clients[i] = rig_client_new(rig);
        rig_get(clients[i], "GET /hello");
        assert_int_equal(rig_read_response(clients[i]), 200);
    }
    clients[4] = rig_client_new(rig);
    assert_true(rig_is_closed(clients[4]));
    assert_int_equal(metric(&metrics->refused_connections), 1);
    assert_int_equal(metric(&metrics->accepted), 5);
    rig_client_free(clients[4]);
    rig_client_free(clients[0]); // and one that goes makes room
    for (unsigned i = 0; i < 1000 && atomic_load(&rig->shared.connections) > 3; i++)
        (void)usleep(1000);
    clients[0] = rig_client_new(rig);
    rig_get(clients[0], "GET /hello");
    assert_int_equal(rig_read_response(clients[0]), 200);
    for (size_t i = 0; i < 4; i++)
        rig_client_free(clients[i]);
}

static void a_handler_learns_that_the_server_is_crowded(void **state)
{
    struct rig *rig = *state;
    struct rig_client *clients[3];
    for (size_t i = 0; i < 3; i++) {
        clients[i] = rig_client_new(rig);
        rig_get(clients[i], "GET /crowded");
        assert_int_equal(rig_read_response(clients[i]), 200);
        assert_string_equal(buf_c(&clients[i]->body), i < 2 ? "no" : "yes");
    }
    for (size_t i = 0; i < 3; i++)
        rig_client_free(clients[i]);
}

static void without_descriptors_connections_are_closed_and_later_served_again(void **state)
{
    struct rig *rig = *state;
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    struct rig_client *clients[4];
    int fillers[256];
    size_t filled = 0;
    int probe = dup(0);
    struct rlimit low = {.rlim_cur = (rlim_t)probe + 20, .rlim_max = before.rlim_max};
    (void)close(probe);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    for (size_t i = 0; i < 4; i++) { // sockets first, so that only the server's side finds nothing
        clients[i] = calloc(1, sizeof(*clients[i]));
        clients[i]->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_true(clients[i]->fd >= 0);
    }
    while (filled < 256 && (fillers[filled] = dup(0)) >= 0)
        filled++;
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(
            connect(clients[i]->fd, (const struct sockaddr *)&rig->address, sizeof(rig->address)), 0);
        assert_true(rig_is_closed(clients[i]));
    }
    for (size_t i = 0; i < 4; i++) {
        (void)close(clients[i]->fd);
        free(clients[i]);
    }
    while (filled)
        (void)close(fillers[--filled]);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    rig_request(rig, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(metric(&http_server_metrics(rig->server)->refused_connections), 4);
}

// ---- The end ----

static void stop_accepting(struct message *message)
{
    struct rig *rig = CONTAINER_OF(message, struct rig, retire);
    http_server_stop_accepting(rig->server);
    atomic_store(&rig->retired, 1);
}

static void retire(struct rig *rig)
{
    rig->retire.handle = stop_accepting;
    mailbox_post(&rig->loop.mailbox, &rig->retire);
    rig_await(&rig->retired, 1);
}

static void after_stop_accepting_what_is_open_is_answered_and_closed(void **state)
{
    struct rig *rig = *state;
    struct rig_client *idle = rig_client_new(rig);
    rig_get(idle, "GET /hello");
    assert_int_equal(rig_read_response(idle), 200);
    struct rig_client *held = rig_client_new(rig);
    rig_get(held, "GET /hold?x");
    struct rig_client *live = rig_client_new(rig);
    rig_get(live, "GET /live");
    assert_int_equal(rig_read_head(live, false), 200);
    struct rig_client *half = rig_client_new(rig);
    RIG_SEND(half->fd, "GET /release?1 HTTP/1.1\r\nHo");
    rig_await(&rig->handled, 3);
    (void)usleep(50000);

    retire(rig);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&rig->address, sizeof(rig->address)), -1);
    assert_int_equal(errno, ECONNREFUSED);
    (void)close(fd);
    assert_true(rig_is_closed(idle));
    RIG_SEND(half->fd, "st: a\r\n\r\n");
    assert_int_equal(rig_read_response(half), 200);
    ASSERT_STR(rig_field(half, STR("Connection")), "close");
    assert_int_equal(rig_read_response(held), 200);
    ASSERT_STR(rig_field(held, STR("Connection")), "close");
    assert_true(rig_is_closed(held));
    assert_int_equal(rig->closed[HTTP_CLOSE_SHUTDOWN], 0);
    rig_client_free(idle);
    rig_client_free(held);
    rig_client_free(half);
    rig_client_free(live);
}

static void closing_tells_streams_and_handlers(void **state)
{
    struct rig *rig = *state;
    struct rig_client *clients[3];
    const char *requests[] = {"GET /live", "GET /live", "GET /hold"};
    for (size_t i = 0; i < 3; i++) {
        clients[i] = rig_client_new(rig);
        rig_get(clients[i], requests[i]);
    }
    rig_await(&rig->handled, 3);
    mailbox_post(&rig->loop.mailbox, &rig->close);
    rig_await(&rig->closed[HTTP_CLOSE_SHUTDOWN], 2);
    rig_await(&rig->gone, 1);
    for (size_t i = 0; i < 3; i++)
        rig_client_free(clients[i]);
    rig->closing = true;
}

// ---- Connections that are handed round ----

struct handed {
    struct message message;
    struct rig *to;
    int fd;
};

static void adopt(struct message *message)
{
    struct handed *handed = CONTAINER_OF(message, struct handed, message);
    http_server_adopt(handed->to->server, handed->fd);
    free(handed);
}

// Every second connection goes to the other server.
static void hand_round(void *arg, int fd)
{
    struct rig *rig = arg;
    if (atomic_fetch_add(&rig->handed, 1) % 2 == 0) {
        http_server_adopt(rig->server, fd);
        return;
    }
    struct handed *handed = malloc(sizeof(*handed));
    HUB_ASSERT(handed);
    *handed = (struct handed){.message = {.handle = adopt}, .to = rig->other, .fd = fd};
    mailbox_post(&rig->other->loop.mailbox, &handed->message);
}

static int connect_unix(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static void one_server_accepts_for_all_from_a_unix_socket(void **state)
{
    (void)state;
    char path[64], address[80];
    (void)snprintf(path, sizeof(path), "/tmp/test_server.%d", getpid());
    (void)snprintf(address, sizeof(address), "unix:%s", path);
    struct buf err;
    buf_init(&err, 256);
    struct rig *one = rig_new(), *two = rig_new();
    one->config.handed = hand_round;
    one->other = two;
    two->config.shared = &one->shared;
    assert_int_equal(listener_group_open(&one->unix_group, str_from_c(address), 2, &err), HUB_OK);
    rig_start(two);
    rig_start(one);

    for (unsigned i = 0; i < 10; i++) {
        struct rig_client *client = rig_client_new(one);
        (void)close(client->fd);
        client->fd = connect_unix(path);
        rig_get(client, "GET /headers");
        assert_int_equal(rig_read_response(client), 200);
        ASSERT_STR(rig_field(client, STR("X-Peer")), "unix");
        rig_client_free(client);
    }
    assert_int_equal(one->handled, 5);
    assert_int_equal(two->handled, 5);
    rig_stop(two);
    rig_stop(one);
}

static void a_peer_that_closes_a_unix_socket_is_noticed(void **state)
{
    (void)state;
    char path[64], address[80];
    (void)snprintf(path, sizeof(path), "/tmp/test_server.%d", getpid());
    (void)snprintf(address, sizeof(address), "unix:%s", path);
    struct buf err;
    buf_init(&err, 256);
    struct rig *rig = rig_new();
    assert_int_equal(listener_group_open(&rig->unix_group, str_from_c(address), 1, &err), HUB_OK);
    rig_start(rig);
    int fd = connect_unix(path);
    RIG_SEND(fd, "GET /live HTTP/1.1\r\nHost: a\r\n\r\n");
    rig_await(&rig->handled, 1);
    (void)close(fd);
    rig_await(&rig->closed[HTTP_CLOSE_PEER], 1);
    rig_stop(rig);
}

// ---- Two threads ----

struct load {
    struct rig *rig;
    uv_thread_t thread;
};

static void send_requests(void *arg)
{
    struct load *load = arg;
    for (unsigned i = 0; i < 50; i++) {
        int fd = rig_connect(load->rig);
        RIG_SEND(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
        char text[1024];
        ssize_t got, len = 0;
        while ((got = recv(fd, text + len, sizeof(text) - (size_t)len, 0)) > 0)
            len += got;
        HUB_ASSERT(len > 15 && memcmp(text, "HTTP/1.1 200 OK", 15) == 0);
        (void)close(fd);
    }
}

static void servers_of_several_threads_share_nothing_but_their_counters(void **state)
{
    (void)state;
    struct rig *rigs[2] = {rig_new(), rig_new()};
    rigs[1]->config.shared = &rigs[0]->shared;
    struct load loads[4];
    for (size_t i = 0; i < 2; i++)
        rig_start(rigs[i]);
    for (size_t i = 0; i < 4; i++) {
        loads[i].rig = rigs[i % 2];
        assert_int_equal(uv_thread_create(&loads[i].thread, send_requests, &loads[i]), 0);
    }
    for (size_t i = 0; i < 4; i++)
        (void)uv_thread_join(&loads[i].thread);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(metric(&http_server_metrics(rigs[i]->server)->requests), 100);
        assert_int_equal(rigs[i]->handled, 100);
    }
    rig_stop(rigs[1]);
    rig_stop(rigs[0]);
}

static void ids_of_exchanges_are_never_the_same_on_two_servers(void **state)
{
    (void)state;
    struct rig *rigs[2] = {rig_new(), rig_new()};
    rigs[1]->config.shared = &rigs[0]->shared;
    for (size_t i = 0; i < 2; i++) {
        rig_start(rigs[i]);
        struct rig_client *client = rig_client_new(rigs[i]);
        rig_get(client, "GET /hold");
        rig_await(&rigs[i]->handled, 1);
        rig_client_free(client);
    }
    assert_int_not_equal(rigs[0]->held[0], rigs[1]->held[0]);
    rig_stop(rigs[1]);
    rig_stop(rigs[0]);
}

#define SMALL(name) cmocka_unit_test_setup_teardown(name, set_up_small, rig_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SMALL(connections_over_the_limit_are_closed_at_once),
        SMALL(a_handler_learns_that_the_server_is_crowded),
        RIG_TEST(without_descriptors_connections_are_closed_and_later_served_again),
        RIG_TEST(after_stop_accepting_what_is_open_is_answered_and_closed),
        RIG_TEST(closing_tells_streams_and_handlers),
        cmocka_unit_test(one_server_accepts_for_all_from_a_unix_socket),
        cmocka_unit_test(a_peer_that_closes_a_unix_socket_is_noticed),
        cmocka_unit_test(servers_of_several_threads_share_nothing_but_their_counters),
        cmocka_unit_test(ids_of_exchanges_are_never_the_same_on_two_servers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
