#include "net/listener.h"

#include "base/err.h"
#include "net/address.h"
#include "net/socket.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ADDRESSES_MAX 8 // of one host name

struct listener_group {
    struct listener *listeners;
    size_t count;
    char (*texts)[ADDRESS_TEXT_MAX];
    size_t text_count;
    char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)]; // of a unix socket that we have made
};

static int open_socket(int family)
{
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    return fd < 0 ? -errno : fd;
}

static int set_flag(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof(value)) < 0 ? -errno : HUB_OK;
}

static int prepare_tcp(int fd, const struct address *address)
{
    int err = set_flag(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (!err && address->any.sa_family == AF_INET6)
        err = set_flag(fd, IPPROTO_IPV6, IPV6_V6ONLY, !IN6_IS_ADDR_UNSPECIFIED(&address->v6.sin6_addr));
    return err;
}

static int bind_to(int fd, const struct address *address)
{
    return bind(fd, &address->any, address->len) < 0 ? -errno : HUB_OK;
}

// Takes over the socket; the address is that of the latest text.
static int add(struct listener_group *group, int fd, size_t worker)
{
    group->listeners[group->count++] =
        (struct listener){.fd = fd, .worker = worker, .address = group->texts[group->text_count - 1]};
    return listen(fd, SOMAXCONN) < 0 ? -errno : HUB_OK;
}

// The first socket is bound without SO_REUSEPORT, which fails if anybody else has the port, and then opens
// the port to the others.
static int bind_first(struct listener_group *group, int fd, struct address *address)
{
    int err = prepare_tcp(fd, address);
    if (!err)
        err = bind_to(fd, address);
    if (!err)
        err = set_flag(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    if (!err && getsockname(fd, &address->any, &address->len) < 0)
        err = -errno;
    if (!err)
        (void)address_format(address, group->texts[group->text_count++]);
    return err;
}

static int bind_next(int fd, const struct address *address)
{
    int err = prepare_tcp(fd, address);
    if (!err)
        err = set_flag(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    return err ? err : bind_to(fd, address);
}

static int open_tcp(struct listener_group *group, struct address *address, size_t workers)
{
    for (size_t i = 0; i < workers; i++) {
        int fd = open_socket(address->any.sa_family);
        if (fd < 0)
            return fd;
        int err = i == 0 ? bind_first(group, fd, address) : bind_next(fd, address);
        if (err) {
            (void)close(fd);
            return err;
        }
        err = add(group, fd, i);
        if (err)
            return err;
    }
    return HUB_OK;
}

// -EADDRINUSE when somebody listens there; a socket file that nobody listens on is removed.
static int remove_stale(const struct address *address)
{
    struct stat stat;
    if (lstat(address->un.sun_path, &stat) < 0)
        return errno == ENOENT ? HUB_OK : -errno;
    if (!S_ISSOCK(stat.st_mode))
        return -EEXIST;
    int fd = open_socket(AF_UNIX);
    if (fd < 0)
        return fd;
    int err = connect(fd, &address->any, address->len) < 0 ? -errno : HUB_OK;
    (void)close(fd);
    if (err != -ECONNREFUSED)
        return -EADDRINUSE;
    return unlink(address->un.sun_path) < 0 ? -errno : HUB_OK;
}

static int open_unix(struct listener_group *group, const struct address *address)
{
    int err = remove_stale(address);
    if (err)
        return err;
    int fd = open_socket(AF_UNIX);
    if (fd < 0)
        return fd;
    err = bind_to(fd, address);
    if (err) {
        (void)close(fd);
        return err;
    }
    memcpy(group->path, address->un.sun_path, sizeof(group->path));
    (void)address_format(address, group->texts[group->text_count++]);
    err = add(group, fd, 0);
    group->listeners[0].handed_round = true;
    return err;
}

static int open_any(struct listener_group *group, struct address *address, size_t workers)
{
    if (!address_is_tcp(address))
        return open_unix(group, address);
    int err = open_tcp(group, address, workers);
    if (err != -EAFNOSUPPORT || !IN6_IS_ADDR_UNSPECIFIED(&address->v6.sin6_addr))
        return err;
    // A system without IPv6: all addresses are those of IPv4.
    in_port_t port = address->v6.sin6_port;
    *address = (struct address){.len = sizeof(address->v4), .v4 = {.sin_family = AF_INET, .sin_port = port}};
    return open_tcp(group, address, workers);
}

// Whether the host can do without this one of its addresses.
static bool may_be_left_out(int err, bool port_is_ours)
{
    return err == -EADDRNOTAVAIL || err == -EAFNOSUPPORT || (port_is_ours && err == -EADDRINUSE);
}

static in_port_t *port_of(struct address *address)
{
    return address->any.sa_family == AF_INET6 ? &address->v6.sin6_port : &address->v4.sin_port;
}

static void close_from(struct listener_group *group, size_t first)
{
    while (group->count > first)
        (void)close(group->listeners[--group->count].fd);
}

static int open_each(struct listener_group *group, struct address *addresses, size_t count, size_t workers)
{
    int err = HUB_OK;
    in_port_t chosen = 0; // by the system, for the first
    for (size_t i = 0; i < count; i++) {
        size_t before = group->count;
        bool tcp = address_is_tcp(&addresses[i]);
        if (tcp && chosen)
            *port_of(&addresses[i]) = chosen;
        bool chooses = tcp && *port_of(&addresses[i]) == 0;
        err = open_any(group, &addresses[i], workers);
        if (err)
            close_from(group, before);
        else if (chooses)
            chosen = *port_of(&addresses[i]);
        if (err && !may_be_left_out(err, chosen != 0))
            return err;
    }
    return group->count ? HUB_OK : err;
}

// Room for so many addresses, each with so many listeners.
static struct listener_group *group_new(size_t addresses, size_t listeners)
{
    struct listener_group *group = calloc(1, sizeof(*group));
    if (!group)
        return NULL;
    group->listeners = calloc(addresses * listeners, sizeof(*group->listeners));
    group->texts = calloc(addresses, sizeof(*group->texts));
    if (group->listeners && group->texts)
        return group;
    listener_group_free(group);
    return NULL;
}

static int open_group(struct listener_group **ret_group, struct str text, size_t workers, struct buf *cause)
{
    struct address addresses[ADDRESSES_MAX];
    size_t count;
    int err = address_resolve_all(addresses, ADDRESSES_MAX, &count, text, cause);
    if (err)
        return err;
    struct listener_group *group = group_new(count, workers);
    if (!group)
        return -ENOMEM;
    err = open_each(group, addresses, count, workers);
    if (err)
        listener_group_free(group);
    else
        *ret_group = group;
    return err;
}

int listener_group_open(struct listener_group **ret_group, struct str address, size_t workers,
                        struct buf *reterr)
{
    struct buf cause;
    buf_init(&cause, 256);
    int err = open_group(ret_group, address, workers, &cause);
    if (err) {
        if (cause.len == 0)
            buf_append_str(&cause, str_from_c(err_text(err)));
        buf_printf(reterr, "cannot listen on %.*s: %.*s", STR_ARG(address), STR_ARG(buf_str(&cause)));
    }
    buf_done(&cause);
    return err;
}

int listener_group_inherit(struct listener_group **ret_group, const int *fds, size_t count)
{
    struct listener_group *group = group_new(count, 1);
    for (size_t i = 0; i < count; i++) {
        if (!group) {
            (void)close(fds[i]);
            continue;
        }
        (void)socket_format_bound(fds[i], group->texts[i]);
        group->listeners[i] =
            (struct listener){.fd = fds[i], .shared = true, .handed_round = true, .address = group->texts[i]};
    }
    if (!group)
        return -ENOMEM;
    group->count = count;
    *ret_group = group;
    return HUB_OK;
}

void listener_group_free(struct listener_group *group)
{
    if (!group)
        return;
    close_from(group, 0);
    if (group->path[0])
        (void)unlink(group->path);
    free(group->texts);
    free(group->listeners);
    free(group);
}

size_t listener_group_count(const struct listener_group *group)
{
    return group->count;
}

struct listener *listener_group_at(struct listener_group *group, size_t i)
{
    return &group->listeners[i];
}
