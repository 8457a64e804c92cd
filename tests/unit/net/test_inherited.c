#include "base/err.h"
#include "net/inherited.h"
#include "net/listener.h"
#include "net/socket.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

// Descriptors from 3 on are the test's own: nothing else has been opened yet.

static void put(int fd, int at)
{
    assert_true(fd >= 0);
    if (fd == at)
        return;
    assert_int_equal(dup2(fd, at), at);
    (void)close(fd);
}

static void put_listener(int at)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(listen(fd, 1), 0); // at a port that the system chooses
    put(fd, at);
}

static void say(const char *count, const char *names)
{
    char pid[32];
    (void)snprintf(pid, sizeof(pid), "%d", (int)getpid());
    assert_int_equal(setenv("LISTEN_PID", pid, 1), 0);
    if (count)
        assert_int_equal(setenv("LISTEN_FDS", count, 1), 0);
    if (names)
        assert_int_equal(setenv("LISTEN_FDNAMES", names, 1), 0);
}

static void assert_taken(struct inherited *inherited, size_t hub, size_t operations)
{
    struct buf err;
    buf_init(&err, 256);
    assert_int_equal(inherited_take(inherited, &err), HUB_OK);
    assert_int_equal(err.len, 0);
    assert_int_equal(inherited->hub_count, hub);
    assert_int_equal(inherited->operations_count, operations);
    assert_null(getenv("LISTEN_PID"));
    assert_null(getenv("LISTEN_FDS"));
    assert_null(getenv("LISTEN_FDNAMES"));
    buf_done(&err);
}

static void assert_refused(const char *cause)
{
    struct buf err;
    buf_init(&err, 256);
    struct inherited inherited;
    assert_int_equal(inherited_take(&inherited, &err), HUB_E_INVALID);
    assert_string_equal(buf_c(&err), cause);
    buf_done(&err);
}

static int close_all(void **state)
{
    (void)state;
    for (int fd = 3; fd < 8; fd++)
        (void)close(fd);
    return 0;
}

static void sockets_are_sorted_by_their_names(void **state)
{
    (void)state;
    for (int fd = 3; fd < 7; fd++)
        put_listener(fd);
    say("4", "a:ops:operations");
    struct inherited inherited;
    assert_taken(&inherited, 3, 1);
    assert_int_equal(inherited.hub[0], 3);
    assert_int_equal(inherited.operations[0], 4);
    assert_int_equal(inherited.hub[1], 5);
    assert_int_equal(inherited.hub[2], 6);
    for (int fd = 3; fd < 7; fd++) {
        assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
        assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
    }
}

static void names_may_be_missing(void **state)
{
    (void)state;
    put_listener(3);
    say("1", NULL);
    struct inherited inherited;
    assert_taken(&inherited, 1, 0);
}

static void those_of_another_process_are_not_ours(void **state)
{
    (void)state;
    struct inherited inherited;
    assert_taken(&inherited, 0, 0);
    assert_int_equal(setenv("LISTEN_PID", "1", 1), 0);
    assert_int_equal(setenv("LISTEN_FDS", "x", 1), 0);
    assert_taken(&inherited, 0, 0);
    assert_int_equal(setenv("LISTEN_PID", "", 1), 0);
    assert_taken(&inherited, 0, 0);
}

static void what_is_no_listening_stream_socket_is_refused(void **state)
{
    (void)state;
    say("1", NULL);
    assert_refused("the inherited descriptor 3 is not open");
    put(open("/dev/null", O_RDONLY), 3);
    say("1", NULL);
    assert_refused("the inherited descriptor 3 is not a socket");
    put_listener(3);
    put(socket(AF_INET, SOCK_DGRAM, 0), 4);
    say("2", NULL);
    assert_refused("the inherited descriptor 4 is not a stream socket");
    put(socket(AF_INET, SOCK_STREAM, 0), 4);
    say("2", NULL);
    assert_refused("the inherited descriptor 4 does not listen");
    put(socket(AF_NETLINK, SOCK_RAW, 0), 4);
    say("2", NULL);
    assert_refused("the inherited descriptor 4 is a socket of another family than IPv4, IPv6 and unix");
}

static void a_number_that_is_none_is_refused(void **state)
{
    (void)state;
    say(NULL, NULL);
    assert_refused("LISTEN_FDS is not a number up to 64: it is not set");
    say("x", NULL);
    assert_refused("LISTEN_FDS is not a number up to 64: x");
    say("65", NULL);
    assert_refused("LISTEN_FDS is not a number up to 64: 65");
    say("0", NULL);
    struct inherited inherited;
    assert_taken(&inherited, 0, 0);
}

static void a_group_of_them_is_handed_round_and_never_shut_down(void **state)
{
    (void)state;
    put_listener(3);
    put_listener(4);
    struct listener_group *group;
    assert_int_equal(listener_group_inherit(&group, (const int[]){3, 4}, 2), HUB_OK);
    assert_int_equal(listener_group_count(group), 2);
    for (size_t i = 0; i < 2; i++) {
        const struct listener *listener = listener_group_at(group, i);
        assert_int_equal(listener->fd, 3 + i);
        assert_int_equal(listener->worker, 0);
        assert_true(listener->handed_round && listener->shared);
        char bound[ADDRESS_TEXT_MAX];
        (void)socket_format_bound(listener->fd, bound);
        assert_string_equal(listener->address, bound);
    }
    listener_group_free(group);
    assert_true(fcntl(3, F_GETFD) < 0 && fcntl(4, F_GETFD) < 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, close_all, close_all)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(sockets_are_sorted_by_their_names),
        TEST(names_may_be_missing),
        TEST(those_of_another_process_are_not_ours),
        TEST(what_is_no_listening_stream_socket_is_refused),
        TEST(a_number_that_is_none_is_refused),
        TEST(a_group_of_them_is_handed_round_and_never_shut_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
