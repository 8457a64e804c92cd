#include "base/err.h"
#include "net/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

// A stream over one end of a TCP connection; the test has the other.
struct rig {
    struct loop loop;
    struct stream stream;
    int peer;
    unsigned calls;
    unsigned events;
    int err;
    bool closed;
};

static void on_ready(struct stream *stream, int err, unsigned events)
{
    struct rig *rig = CONTAINER_OF(stream, struct rig, stream);
    rig->calls++;
    rig->events |= events;
    rig->err = err;
}

static void on_closed(struct stream *stream)
{
    CONTAINER_OF(stream, struct rig, stream)->closed = true;
}

static int connected_pair(int *ret_accepted)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listening, (struct sockaddr *)&address, len), 0);
    assert_int_equal(getsockname(listening, (struct sockaddr *)&address, &len), 0);
    assert_int_equal(listen(listening, 1), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, len), 0);
    *ret_accepted = accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    assert_true(*ret_accepted >= 0);
    (void)close(listening);
    return fd;
}

static int set_up(void **state)
{
    struct rig *rig = calloc(1, sizeof(*rig));
    if (!rig || loop_init(&rig->loop) != HUB_OK)
        return -1;
    int fd;
    rig->peer = connected_pair(&fd);
    stream_open(&rig->stream, &rig->loop, fd, &stream_plain_ops, on_ready);
    *state = rig;
    return 0;
}

static int tear_down(void **state)
{
    struct rig *rig = *state;
    stream_close(&rig->stream, on_closed);
    while (!rig->closed)
        (void)uv_run(&rig->loop.uv, UV_RUN_NOWAIT);
    loop_done(&rig->loop);
    (void)close(rig->peer);
    free(rig);
    return 0;
}

// Watches, and turns the loop until something is announced or nothing comes for a while.
static unsigned watch(struct rig *rig, unsigned events)
{
    rig->events = 0;
    rig->calls = 0;
    assert_int_equal(stream_watch(&rig->stream, events), HUB_OK);
    for (unsigned i = 0; i < 50 && rig->calls == 0; i++) {
        (void)uv_run(&rig->loop.uv, UV_RUN_NOWAIT);
        (void)usleep(1000);
    }
    return rig->events;
}

static void reset(int fd)
{
    struct linger linger = {.l_onoff = 1};
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
    (void)close(fd);
}

static void bytes_and_the_end_are_announced_and_read(void **state)
{
    struct rig *rig = *state;
    struct stream *stream = &rig->stream;
    char bytes[8];
    assert_int_equal(stream->ops->read(stream, bytes, sizeof(bytes)), -EAGAIN);
    assert_int_equal(watch(rig, STREAM_READABLE), 0);
    assert_int_equal(send(rig->peer, "hello", 5, 0), 5);
    assert_int_equal(watch(rig, STREAM_READABLE), STREAM_READABLE);
    assert_int_equal(stream->ops->read(stream, bytes, sizeof(bytes)), 5);
    assert_memory_equal(bytes, "hello", 5);
    assert_false(stream->ops->pending(stream));
    assert_int_equal(shutdown(rig->peer, SHUT_WR), 0);
    assert_int_equal(watch(rig, STREAM_READABLE), STREAM_READABLE);
    assert_int_equal(rig->err, HUB_OK);
    assert_int_equal(stream->ops->read(stream, bytes, sizeof(bytes)), 0);
}

static void pieces_are_sent_together_until_the_socket_is_full(void **state)
{
    struct rig *rig = *state;
    struct stream *stream = &rig->stream;
    struct iovec iov[3] = {{"ab", 2}, {"", 0}, {"cde", 3}};
    char bytes[8];
    assert_int_equal(stream->ops->sendv(stream, iov, 3), 5);
    assert_int_equal(recv(rig->peer, bytes, sizeof(bytes), 0), 5);
    assert_memory_equal(bytes, "abcde", 5);
    assert_int_equal(watch(rig, STREAM_READABLE | STREAM_WRITABLE), STREAM_WRITABLE);
    static char big[1 << 20];
    struct iovec one = {big, sizeof(big)};
    ssize_t sent;
    do
        sent = stream->ops->sendv(stream, &one, 1);
    while (sent > 0);
    assert_int_equal(sent, -EAGAIN);
    assert_int_equal(watch(rig, STREAM_READABLE | STREAM_WRITABLE), 0);
}

static void a_quiet_stream_tells_only_that_it_is_broken(void **state)
{
    struct rig *rig = *state;
    assert_int_equal(send(rig->peer, "hello", 5, 0), 5);
    assert_int_equal(shutdown(rig->peer, SHUT_WR), 0);
    (void)watch(rig, STREAM_QUIET);
    assert_int_equal(rig->calls, 0);
    reset(rig->peer);
    rig->peer = -1;
    (void)watch(rig, STREAM_QUIET);
    assert_int_equal(rig->calls, 1);
    assert_true(rig->err < 0);
    struct iovec one = {"x", 1};
    assert_true(rig->stream.ops->sendv(&rig->stream, &one, 1) < 0);
}

static void urgent_data_makes_nothing_spin(void **state)
{
    struct rig *rig = *state;
    assert_int_equal(send(rig->peer, "x", 1, MSG_OOB), 1);
    (void)watch(rig, STREAM_QUIET);
    assert_true(rig->calls <= 1);
    assert_true(rig->calls == 0 || rig->err < 0);
}

static void our_half_ends_behind_what_was_sent(void **state)
{
    struct rig *rig = *state;
    struct iovec one = {"end", 3};
    char bytes[8];
    assert_int_equal(rig->stream.ops->sendv(&rig->stream, &one, 1), 3);
    assert_int_equal(rig->stream.ops->shutdown(&rig->stream), HUB_OK);
    assert_int_equal(recv(rig->peer, bytes, 3, MSG_WAITALL), 3);
    assert_int_equal(recv(rig->peer, bytes, 3, 0), 0);
}

static unsigned visited;

static void visit(struct stream *stream)
{
    (void)stream;
    visited++;
}

static void streams_are_found_by_their_owner(void **state)
{
    struct rig *rig = *state;
    int other;
    visited = 0;
    stream_walk(&rig->loop, &other, visit);
    assert_int_equal(visited, 0);
    stream_set_owner(&rig->stream, &other);
    assert_ptr_equal(stream_owner(&rig->stream), &other);
    stream_walk(&rig->loop, &other, visit);
    assert_int_equal(visited, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(bytes_and_the_end_are_announced_and_read),
        TEST(pieces_are_sent_together_until_the_socket_is_full),
        TEST(a_quiet_stream_tells_only_that_it_is_broken),
        TEST(urgent_data_makes_nothing_spin),
        TEST(our_half_ends_behind_what_was_sent),
        TEST(streams_are_found_by_their_owner),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
