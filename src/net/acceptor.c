#include "net/acceptor.h"

#include "base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#define ACCEPTS_PER_TURN 64
#define PAUSE_MS 100

static void on_readable(uv_poll_t *poll, int status, int events);

static void open_spare(struct acceptor *acceptor)
{
    if (acceptor->_spare < 0)
        acceptor->_spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static int accept_one(struct acceptor *acceptor)
{
    int fd = accept4(acceptor->_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static void resume(struct timer *timer)
{
    struct acceptor *acceptor = CONTAINER_OF(timer, struct acceptor, _pause);
    open_spare(acceptor);
    (void)uv_poll_start(&acceptor->_poll, UV_READABLE, on_readable);
}

// The socket would be announced again at once, so it is left alone for a while.
static void pause_accepting(struct acceptor *acceptor)
{
    (void)uv_poll_stop(&acceptor->_poll);
    timer_set(acceptor->_loop, &acceptor->_pause, loop_now_ms(acceptor->_loop) + PAUSE_MS);
}

static int refuse_one(struct acceptor *acceptor)
{
    if (acceptor->_spare < 0)
        return -EMFILE;
    (void)close(acceptor->_spare);
    acceptor->_spare = -1;
    int fd = accept_one(acceptor);
    if (fd >= 0) {
        (void)close(fd);
        acceptor->_handler->refused(acceptor->_arg);
    }
    open_spare(acceptor);
    return fd < 0 ? fd : HUB_OK;
}

// Returns whether to go on.
static bool handle_error(struct acceptor *acceptor, int err)
{
    if (err == -EMFILE || err == -ENFILE)
        err = refuse_one(acceptor);
    switch (err) {
    case HUB_OK:
        return true;
    case -EAGAIN:
        return false;
    case -EMFILE:
    case -ENFILE:
    case -ENOMEM:
    case -ENOBUFS:
        pause_accepting(acceptor);
        return false;
    default: // the connection has failed before it was accepted
        return true;
    }
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    struct acceptor *acceptor = CONTAINER_OF(poll, struct acceptor, _poll);
    for (unsigned i = 0; i < ACCEPTS_PER_TURN; i++) {
        int fd = accept_one(acceptor);
        if (fd >= 0)
            acceptor->_handler->accepted(acceptor->_arg, fd);
        else if (!handle_error(acceptor, fd))
            return;
        if (uv_is_closing((uv_handle_t *)poll))
            return;
    }
}

int acceptor_open(struct acceptor *acceptor, struct loop *loop, int fd,
                  const struct acceptor_handler *handler, void *arg)
{
    *acceptor = (struct acceptor){._loop = loop, ._handler = handler, ._arg = arg, ._fd = fd, ._spare = -1};
    timer_init(&acceptor->_pause, resume);
    int err = uv_poll_init(&loop->uv, &acceptor->_poll, fd);
    if (err)
        return err;
    open_spare(acceptor);
    (void)uv_poll_start(&acceptor->_poll, UV_READABLE, on_readable);
    return HUB_OK;
}

static void on_closed(uv_handle_t *handle)
{
    struct acceptor *acceptor = CONTAINER_OF(handle, struct acceptor, _poll);
    acceptor->_handler->closed(acceptor, acceptor->_arg);
}

void acceptor_close(struct acceptor *acceptor)
{
    timer_cancel(&acceptor->_pause);
    if (acceptor->_spare >= 0)
        (void)close(acceptor->_spare);
    acceptor->_spare = -1;
    uv_close((uv_handle_t *)&acceptor->_poll, on_closed);
}
