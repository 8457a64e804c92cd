#include "net/socket.h"

#include "base/err.h"

#include <errno.h>
#include <netinet/tcp.h>

// A connection that is silent for so long is probed; the heartbeat of a stream usually comes first.
#define PROBE_IDLE_S 60
#define PROBES 3

static int set(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof(value)) < 0 ? -errno : HUB_OK;
}

static bool is_tcp(int fd)
{
    int domain = AF_UNSPEC;
    socklen_t len = sizeof(domain);
    return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 &&
           (domain == AF_INET || domain == AF_INET6);
}

static int set_probes(int fd, unsigned peer_timeout_ms)
{
    int interval_s = (int)(peer_timeout_ms / 1000 / PROBES);
    int err = set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    if (!err)
        err = set(fd, IPPROTO_TCP, TCP_KEEPIDLE, PROBE_IDLE_S);
    if (!err)
        err = set(fd, IPPROTO_TCP, TCP_KEEPINTVL, interval_s > 0 ? interval_s : 10);
    if (!err)
        err = set(fd, IPPROTO_TCP, TCP_KEEPCNT, PROBES);
    return err;
}

int socket_set_options(int fd, const struct socket_options *options)
{
    if (!is_tcp(fd))
        return HUB_OK;
    int err = set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    if (!err && options->unsent_max)
        err = set(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, (int)options->unsent_max);
    if (!err)
        err = set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, (int)options->peer_timeout_ms);
    if (!err)
        err = set_probes(fd, options->peer_timeout_ms);
    return err;
}

static size_t format(int (*ask)(int fd, struct sockaddr *to, socklen_t *len), int fd,
                     char to[ADDRESS_TEXT_MAX])
{
    struct address address = {.len = sizeof(struct sockaddr_un)};
    if (ask(fd, &address.any, &address.len) < 0)
        address.any.sa_family = AF_UNSPEC;
    return address_format(&address, to);
}

size_t socket_format_peer(int fd, char to[ADDRESS_TEXT_MAX])
{
    return format(getpeername, fd, to);
}

size_t socket_format_bound(int fd, char to[ADDRESS_TEXT_MAX])
{
    return format(getsockname, fd, to);
}
