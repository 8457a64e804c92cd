#include "net/inherited.h"

#include "base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define FIRST_FD 3

static bool is_for_us(const char *pid)
{
    uint64_t number;
    return pid && str_to_u64(str_from_c(pid), &number) == HUB_OK && number == (uint64_t)getpid();
}

static int read_count(const char *text, size_t *ret_count, struct buf *reterr)
{
    uint64_t count = 0;
    if (text && str_to_u64(str_from_c(text), &count) == HUB_OK && count <= INHERITED_MAX) {
        *ret_count = (size_t)count;
        return HUB_OK;
    }
    buf_printf(reterr, "LISTEN_FDS is not a number up to %d: %s", INHERITED_MAX,
               text ? text : "it is not set");
    return HUB_E_INVALID;
}

static int ask(int fd, int option)
{
    int value = -1;
    socklen_t len = sizeof(value);
    return getsockopt(fd, SOL_SOCKET, option, &value, &len) == 0 ? value : -1;
}

static const char *fault_of(int fd)
{
    if (fcntl(fd, F_GETFD) < 0)
        return "is not open";
    int domain = ask(fd, SO_DOMAIN);
    if (domain < 0)
        return "is not a socket";
    if (domain != AF_INET && domain != AF_INET6 && domain != AF_UNIX)
        return "is a socket of another family than IPv4, IPv6 and unix";
    if (ask(fd, SO_TYPE) != SOCK_STREAM)
        return "is not a stream socket";
    return ask(fd, SO_ACCEPTCONN) == 1 ? NULL : "does not listen";
}

static int prepare(int fd, struct buf *reterr)
{
    const char *fault = fault_of(fd);
    if (fault) {
        buf_printf(reterr, "the inherited descriptor %d %s", fd, fault);
        return HUB_E_INVALID;
    }
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
        return -errno;
    return HUB_OK;
}

static int take(struct inherited *inherited, size_t count, struct str names, struct buf *reterr)
{
    for (int fd = FIRST_FD; fd < FIRST_FD + (int)count; fd++) {
        struct str name = STR("");
        (void)str_split(&names, ':', &name);
        int err = prepare(fd, reterr);
        if (err)
            return err;
        if (str_eq(name, STR("ops")))
            inherited->operations[inherited->operations_count++] = fd;
        else
            inherited->hub[inherited->hub_count++] = fd;
    }
    return HUB_OK;
}

int inherited_take(struct inherited *ret_inherited, struct buf *reterr)
{
    *ret_inherited = (struct inherited){0};
    const char *names = getenv("LISTEN_FDNAMES");
    size_t count = 0;
    int err = HUB_OK;
    if (is_for_us(getenv("LISTEN_PID"))) {
        err = read_count(getenv("LISTEN_FDS"), &count, reterr);
        if (!err)
            err = take(ret_inherited, count, str_from_c(names ? names : ""), reterr);
    }
    (void)unsetenv("LISTEN_PID");
    (void)unsetenv("LISTEN_FDS");
    (void)unsetenv("LISTEN_FDNAMES");
    return err;
}
