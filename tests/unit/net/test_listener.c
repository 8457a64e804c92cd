#include "base/buf.h"
#include "base/err.h"
#include "net/listener.h"
#include "net/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/test_listener.XXXXXX";
static char unix_address[64];
static const char *unix_path = unix_address + 5;

static int set_up(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    (void)snprintf(unix_address, sizeof(unix_address), "unix:%s/socket", folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    (void)unlink(unix_path);
    return rmdir(folder);
}

static struct listener_group *open_group(const char *address, size_t workers)
{
    struct buf err;
    buf_init(&err, 256);
    struct listener_group *group;
    assert_int_equal(listener_group_open(&group, str_from_c(address), workers, &err), HUB_OK);
    assert_int_equal(err.len, 0);
    buf_done(&err);
    return group;
}

static void assert_refused(const char *address, int expected, const char *text)
{
    struct buf err;
    buf_init(&err, 256);
    struct listener_group *group;
    assert_int_equal(listener_group_open(&group, str_from_c(address), 2, &err), expected);
    assert_non_null(strstr(buf_c(&err), address));
    assert_non_null(strstr(buf_c(&err), text));
    buf_done(&err);
}

static int connect_to(const char *address)
{
    struct buf err;
    buf_init(&err, 256);
    struct address resolved;
    assert_int_equal(address_resolve(&resolved, str_from_c(address), &err), HUB_OK);
    int fd = socket(resolved.any.sa_family, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, &resolved.any, resolved.len), 0);
    return fd;
}

// Accepts from whichever socket of the group the kernel has chosen.
static int accept_from(struct listener_group *group)
{
    struct pollfd fds[8];
    size_t count = listener_group_count(group);
    for (size_t i = 0; i < count; i++)
        fds[i] = (struct pollfd){.fd = listener_group_at(group, i)->fd, .events = POLLIN};
    assert_true(poll(fds, count, 10000) > 0);
    for (size_t i = 0; i < count; i++) {
        if (fds[i].revents)
            return accept(fds[i].fd, NULL, NULL);
    }
    return -1;
}

static int option(int fd, int level, int name)
{
    int value = -1;
    socklen_t len = sizeof(value);
    assert_int_equal(getsockopt(fd, level, name, &value, &len), 0);
    return value;
}

static void each_worker_gets_a_socket_on_the_same_port(void **state)
{
    (void)state;
    struct listener_group *group = open_group("127.0.0.1:0", 4);
    assert_int_equal(listener_group_count(group), 4);
    char first[ADDRESS_TEXT_MAX], other[ADDRESS_TEXT_MAX];
    (void)socket_format_bound(listener_group_at(group, 0)->fd, first);
    assert_null(strstr(first, ":0"));
    for (size_t i = 0; i < 4; i++) {
        const struct listener *listener = listener_group_at(group, i);
        (void)socket_format_bound(listener->fd, other);
        assert_string_equal(first, other);
        assert_string_equal(first, listener->address);
        assert_false(listener->handed_round);
    }
    for (unsigned i = 0; i < 32; i++) {
        int client = connect_to(first);
        int fd = accept_from(group);
        assert_true(fd >= 0);
        (void)close(fd);
        (void)close(client);
    }
    listener_group_free(group);
}

static void a_port_that_somebody_has_is_refused(void **state)
{
    (void)state;
    struct listener_group *group = open_group("127.0.0.1:0", 2);
    assert_refused(listener_group_at(group, 0)->address, -EADDRINUSE, "cannot listen on");
    listener_group_free(group);
}

static void a_socket_without_a_host_serves_both_families(void **state)
{
    (void)state;
    struct listener_group *group = open_group(":0", 2);
    const char *port = strrchr(listener_group_at(group, 0)->address, ':');
    char address[64];
    (void)snprintf(address, sizeof(address), "127.0.0.1%s", port);
    int client = connect_to(address);
    int fd = accept_from(group);
    char peer[ADDRESS_TEXT_MAX];
    (void)socket_format_peer(fd, peer);
    assert_int_equal(strncmp(peer, "127.0.0.1:", 10), 0);
    (void)close(fd);
    (void)close(client);
    listener_group_free(group);
}

static void accepted_sockets_have_the_options_of_their_listener(void **state)
{
    (void)state;
    struct listener_group *group = open_group("127.0.0.1:0", 1);
    struct listener *listener = listener_group_at(group, 0);
    const struct socket_options options = {.unsent_max = 12345, .peer_timeout_ms = 21000};
    assert_int_equal(socket_set_options(listener->fd, &options), HUB_OK);
    int client = connect_to(listener->address);
    int fd = accept_from(group);
    assert_int_equal(option(fd, IPPROTO_TCP, TCP_NODELAY), 1);
    assert_int_equal(option(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT), 12345);
    assert_int_equal(option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 21000);
    assert_int_equal(option(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
    assert_int_equal(option(fd, IPPROTO_TCP, TCP_KEEPINTVL), 7);
    (void)close(fd);
    (void)close(client);
    listener_group_free(group);
}

static void a_host_name_is_opened_at_each_of_its_addresses(void **state)
{
    (void)state;
    struct buf err;
    buf_init(&err, 256);
    struct address addresses[8];
    size_t count;
    assert_int_equal(address_resolve_all(addresses, 8, &count, STR("localhost:0"), &err), HUB_OK);
    struct listener_group *group = open_group("localhost:0", 3);
    assert_int_equal(listener_group_count(group), 3 * count);
    const char *port = strrchr(listener_group_at(group, 0)->address, ':');
    for (size_t i = 0; i < 3 * count; i++) {
        const struct listener *listener = listener_group_at(group, i);
        assert_int_equal(listener->worker, i % 3);
        assert_string_equal(strrchr(listener->address, ':'), port);
    }
    for (size_t i = 0; i < count; i++) {
        int client = connect_to(listener_group_at(group, 3 * i)->address);
        int accepted = accept_from(group);
        assert_true(accepted >= 0);
        (void)close(accepted);
        (void)close(client);
    }
    listener_group_free(group);
    buf_done(&err);
}

static void a_unix_socket_is_one_listener_that_is_handed_round(void **state)
{
    (void)state;
    struct listener_group *group = open_group(unix_address, 4);
    assert_int_equal(listener_group_count(group), 1);
    struct listener *listener = listener_group_at(group, 0);
    assert_true(listener->handed_round);
    assert_string_equal(listener->address, unix_address);
    const struct socket_options options = {.unsent_max = 12345, .peer_timeout_ms = 21000};
    assert_int_equal(socket_set_options(listener->fd, &options), HUB_OK);
    int client = connect_to(unix_address);
    int fd = accept_from(group);
    char peer[ADDRESS_TEXT_MAX];
    (void)socket_format_peer(fd, peer);
    assert_string_equal(peer, "unix");
    (void)close(fd);
    (void)close(client);
    listener_group_free(group);
    assert_int_equal(access(unix_path, F_OK), -1);
}

static void a_stale_socket_file_is_replaced_and_a_live_one_is_not(void **state)
{
    (void)state;
    struct listener_group *group = open_group(unix_address, 1);
    assert_refused(unix_address, -EADDRINUSE, "cannot listen on");
    assert_int_equal(access(unix_path, F_OK), 0);
    // As after a crash: the file is there, and nobody listens.
    char kept[80];
    (void)snprintf(kept, sizeof(kept), "%s.kept", unix_path);
    assert_int_equal(link(unix_path, kept), 0);
    listener_group_free(group);
    assert_int_equal(rename(kept, unix_path), 0);
    group = open_group(unix_address, 1);
    (void)close(connect_to(unix_address));
    listener_group_free(group);
}

static void a_file_that_is_no_socket_is_left_alone(void **state)
{
    (void)state;
    int fd = open(unix_path, O_CREAT | O_WRONLY, 0600);
    assert_true(fd >= 0);
    (void)close(fd);
    assert_refused(unix_address, -EEXIST, "cannot listen on");
    assert_int_equal(unlink(unix_path), 0);
}

static void what_is_no_address_is_refused(void **state)
{
    (void)state;
    assert_refused("nonsense", HUB_E_INVALID, "host:port");
    assert_refused("192.0.2.77:80", -EADDRNOTAVAIL, "cannot listen on");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_worker_gets_a_socket_on_the_same_port),
        cmocka_unit_test(a_port_that_somebody_has_is_refused),
        cmocka_unit_test(a_socket_without_a_host_serves_both_families),
        cmocka_unit_test(accepted_sockets_have_the_options_of_their_listener),
        cmocka_unit_test(a_host_name_is_opened_at_each_of_its_addresses),
        cmocka_unit_test(a_unix_socket_is_one_listener_that_is_handed_round),
        cmocka_unit_test(a_stale_socket_file_is_replaced_and_a_live_one_is_not),
        cmocka_unit_test(a_file_that_is_no_socket_is_left_alone),
        cmocka_unit_test(what_is_no_address_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
