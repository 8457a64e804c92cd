#include "base/err.h"
#include "net/acceptor.h"
#include "net/listener.h"
#include "net/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#define FD_MAX 256
#define THIEF_WAITS (-2)

struct rig {
    struct loop loop;
    struct listener_group *group;
    struct acceptor acceptor;
    struct address address;
    struct timer guard;
    int fds[FD_MAX]; // accepted
    size_t count;
    size_t refused;
    int thief; // takes the place of the spare descriptor when that has been used, unless negative
    bool closed;
    bool hangs;
};

static void on_accepted(void *arg, int fd)
{
    struct rig *rig = arg;
    rig->fds[rig->count++] = fd;
}

static void on_refused(void *arg)
{
    struct rig *rig = arg;
    rig->refused++;
    if (rig->thief == THIEF_WAITS)
        rig->thief = dup(0);
}

static void on_closed(struct acceptor *acceptor, void *arg)
{
    (void)acceptor;
    struct rig *rig = arg;
    rig->closed = true;
}

static const struct acceptor_handler handler = {
    .accepted = on_accepted, .refused = on_refused, .closed = on_closed};

static void hang(struct timer *timer)
{
    CONTAINER_OF(timer, struct rig, guard)->hangs = true;
}

// Turns the loop until so many were accepted or refused.
static void run(struct rig *rig, size_t wanted)
{
    timer_set(&rig->loop, &rig->guard, loop_now_ms(&rig->loop) + 20000);
    while (rig->count + rig->refused < wanted && !rig->closed && !rig->hangs)
        (void)uv_run(&rig->loop.uv, UV_RUN_ONCE);
    timer_cancel(&rig->guard);
    assert_false(rig->hangs);
}

static int set_up(void **state)
{
    struct rig *rig = calloc(1, sizeof(*rig));
    struct buf err;
    buf_init(&err, 256);
    if (!rig || listener_group_open(&rig->group, STR("127.0.0.1:0"), 1, &err) != HUB_OK)
        return -1;
    struct listener *listener = listener_group_at(rig->group, 0);
    if (address_resolve(&rig->address, str_from_c(listener->address), &err) != HUB_OK ||
        loop_init(&rig->loop) != HUB_OK)
        return -1;
    rig->thief = -1;
    timer_init(&rig->guard, hang);
    *state = rig;
    return acceptor_open(&rig->acceptor, &rig->loop, listener->fd, &handler, rig);
}

static int tear_down(void **state)
{
    struct rig *rig = *state;
    acceptor_close(&rig->acceptor);
    run(rig, SIZE_MAX);
    loop_done(&rig->loop);
    for (size_t i = 0; i < rig->count; i++)
        (void)close(rig->fds[i]);
    listener_group_free(rig->group);
    free(rig);
    return 0;
}

static int connect_one(const struct rig *rig)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, &rig->address.any, rig->address.len), 0);
    return fd;
}

static void more_connections_than_one_turn_takes_are_all_accepted(void **state)
{
    struct rig *rig = *state;
    int clients[100];
    for (size_t i = 0; i < 100; i++)
        clients[i] = connect_one(rig);
    run(rig, 100);
    assert_int_equal(rig->count, 100);
    assert_true(fcntl(rig->fds[0], F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(rig->fds[0], F_GETFD) & FD_CLOEXEC);
    for (size_t i = 0; i < 100; i++)
        (void)close(clients[i]);
}

static size_t fill_descriptors(int *fds, size_t max)
{
    size_t count = 0;
    while (count < max && (fds[count] = dup(0)) >= 0)
        count++;
    return count;
}

static void without_descriptors_connections_are_closed_and_later_accepted_again(void **state)
{
    struct rig *rig = *state;
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    int clients[10];
    for (size_t i = 0; i < 10; i++)
        clients[i] = connect_one(rig);
    struct rlimit low = {.rlim_cur = 128, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    int filler[128];
    size_t filled = fill_descriptors(filler, 128);
    assert_true(filled > 0 && filled < 128);

    run(rig, 10);
    assert_int_equal(rig->count, 0);
    assert_int_equal(rig->refused, 10);
    for (size_t i = 0; i < 10; i++) { // each client knows
        char c;
        assert_int_equal(recv(clients[i], &c, 1, 0), 0);
        (void)close(clients[i]);
    }
    for (size_t i = 0; i < filled; i++)
        (void)close(filler[i]);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    int client = connect_one(rig);
    run(rig, 11);
    assert_int_equal(rig->count, 1);
    (void)close(client);
}

// Another worker that is out of descriptors too may have taken it.
static void without_its_spare_descriptor_it_rests_until_there_is_one_again(void **state)
{
    struct rig *rig = *state;
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    int clients[2];
    for (size_t i = 0; i < 2; i++)
        clients[i] = socket(AF_INET, SOCK_STREAM, 0);
    struct rlimit low = {.rlim_cur = 128, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    int filler[128];
    size_t filled = fill_descriptors(filler, 128);
    rig->thief = THIEF_WAITS;
    assert_int_equal(connect(clients[0], &rig->address.any, rig->address.len), 0);
    run(rig, 1);
    assert_int_equal(rig->refused, 1);
    assert_true(rig->thief >= 0);

    // The kernel does not tell of the connection again and again meanwhile.
    assert_int_equal(connect(clients[1], &rig->address.any, rig->address.len), 0);
    while (uv_is_active((uv_handle_t *)&rig->acceptor._poll))
        (void)uv_run(&rig->loop.uv, UV_RUN_ONCE);
    (void)close(rig->thief);
    run(rig, 2);
    assert_int_equal(rig->refused, 2);

    for (size_t i = 0; i < 2; i++)
        (void)close(clients[i]);
    for (size_t i = 0; i < filled; i++)
        (void)close(filler[i]);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(more_connections_than_one_turn_takes_are_all_accepted, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(without_descriptors_connections_are_closed_and_later_accepted_again,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_its_spare_descriptor_it_rests_until_there_is_one_again,
                                        set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
