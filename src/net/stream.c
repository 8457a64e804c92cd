#include "net/stream.h"

#include "base/err.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

static struct stream *stream_of(struct watch *watch)
{
    return CONTAINER_OF(watch, struct stream, _watch);
}

static void on_ready(struct watch *watch, int err, unsigned events)
{
    struct stream *stream = stream_of(watch);
    stream->_ready(stream, err, events);
}

void stream_open(struct stream *stream, struct loop *loop, int fd, const struct stream_ops *ops,
                 stream_ready_fn *ready)
{
    *stream = (struct stream){.ops = ops, ._ready = ready};
    watch_open(&stream->_watch, loop, fd, on_ready);
}

void stream_set_owner(struct stream *stream, void *owner)
{
    stream->_owner = owner;
}

void *stream_owner(const struct stream *stream)
{
    return stream->_owner;
}

int stream_fd(const struct stream *stream)
{
    return stream->_watch.fd;
}

struct walk {
    void *owner;
    void (*fn)(struct stream *stream);
};

// Streams are all that is watched on a loop.
static void visit(struct watch *watch, void *arg)
{
    const struct walk *walk = arg;
    struct stream *stream = stream_of(watch);
    if (stream->_owner == walk->owner)
        walk->fn(stream);
}

void stream_walk(struct loop *loop, void *owner, void (*fn)(struct stream *stream))
{
    struct walk walk = {.owner = owner, .fn = fn};
    watch_each(loop, visit, &walk);
}

int stream_watch(struct stream *stream, unsigned events)
{
    return watch_set(&stream->_watch, events);
}

static void on_closed(struct watch *watch)
{
    struct stream *stream = stream_of(watch);
    stream->_closed(stream);
}

void stream_close(struct stream *stream, stream_closed_fn *closed)
{
    stream->ops->release(stream);
    watch_close(&stream->_watch, on_closed);
    (void)close(stream->_watch.fd);
    stream->_closed = closed;
}

static ssize_t plain_read(struct stream *stream, void *to, size_t len)
{
    ssize_t got;
    do
        got = recv(stream_fd(stream), to, len, 0);
    while (got < 0 && errno == EINTR);
    return got < 0 ? -errno : got;
}

static ssize_t plain_sendv(struct stream *stream, const struct iovec *iov, size_t count)
{
    ssize_t sent;
    do {
        if (count == 1) {
            sent = send(stream_fd(stream), iov->iov_base, iov->iov_len, MSG_NOSIGNAL);
        } else {
            // sendmsg does not write through iov, its type only says so.
            struct msghdr msg = {.msg_iov = (struct iovec *)(uintptr_t)iov, .msg_iovlen = count};
            sent = sendmsg(stream_fd(stream), &msg, MSG_NOSIGNAL);
        }
    } while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : sent;
}

static bool plain_pending(const struct stream *stream)
{
    (void)stream;
    return false;
}

static int plain_shutdown(struct stream *stream)
{
    return shutdown(stream_fd(stream), SHUT_WR) < 0 ? -errno : HUB_OK;
}

static void plain_release(struct stream *stream)
{
    (void)stream;
}

const struct stream_ops stream_plain_ops = {
    .read = plain_read,
    .sendv = plain_sendv,
    .pending = plain_pending,
    .shutdown = plain_shutdown,
    .release = plain_release,
};
