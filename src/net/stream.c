#include "net/stream.h"

#include "base/assert.h"
#include "base/err.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#define NOT_WATCHED UINT32_MAX

static struct stream *stream_of(uv_poll_t *poll)
{
    return CONTAINER_OF(poll, struct stream, _poll);
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct stream *stream = stream_of(poll);
    // Urgent data is asked for only to hear of errors; nobody has a reason to send any.
    if (events & UV_PRIORITIZED)
        status = UV_ECONNRESET;
    if (status) {
        (void)uv_poll_stop(poll);
        stream->_events = NOT_WATCHED;
        stream->_ready(stream, -ECONNRESET, 0);
        return;
    }
    unsigned ready =
        (events & UV_READABLE ? STREAM_READABLE : 0U) | (events & UV_WRITABLE ? STREAM_WRITABLE : 0U);
    stream->_ready(stream, HUB_OK, ready);
}

int stream_open(struct stream *stream, struct loop *loop, int fd, const struct stream_ops *ops,
                stream_ready_fn *ready)
{
    stream->ops = ops;
    stream->fd = fd;
    stream->_events = NOT_WATCHED;
    stream->_ready = ready;
    stream->_poll.data = NULL;
    return uv_poll_init(&loop->uv, &stream->_poll, fd);
}

void stream_set_owner(struct stream *stream, void *owner)
{
    stream->_poll.data = owner;
}

void *stream_owner(const struct stream *stream)
{
    return stream->_poll.data;
}

struct walk {
    void *owner;
    void (*fn)(struct stream *stream);
};

static void visit(uv_handle_t *handle, void *arg)
{
    const struct walk *walk = arg;
    if (handle->data == walk->owner && handle->type == UV_POLL && !uv_is_closing(handle))
        walk->fn(stream_of((uv_poll_t *)handle));
}

void stream_walk(struct loop *loop, void *owner, void (*fn)(struct stream *stream))
{
    struct walk walk = {.owner = owner, .fn = fn};
    uv_walk(&loop->uv, visit, &walk);
}

void stream_watch(struct stream *stream, unsigned events)
{
    if (stream->_events == events)
        return;
    int wanted = (events & STREAM_READABLE ? UV_READABLE : 0) | (events & STREAM_WRITABLE ? UV_WRITABLE : 0);
    // The kernel reports a broken connection with whatever is watched, but libuv wants something to watch.
    if (!wanted)
        wanted = UV_PRIORITIZED;
    int err = uv_poll_start(&stream->_poll, wanted, on_ready);
    HUB_ASSERT(err == 0);
    stream->_events = events;
}

static void on_closed(uv_handle_t *handle)
{
    struct stream *stream = CONTAINER_OF(handle, struct stream, _poll);
    stream->_closed(stream);
}

void stream_close(struct stream *stream, stream_closed_fn *closed)
{
    stream->ops->release(stream);
    uv_close((uv_handle_t *)&stream->_poll, on_closed);
    (void)close(stream->fd);
    stream->fd = -1;
    stream->_closed = closed;
}

static ssize_t plain_read(struct stream *stream, void *to, size_t len)
{
    ssize_t got;
    do
        got = recv(stream->fd, to, len, 0);
    while (got < 0 && errno == EINTR);
    return got < 0 ? -errno : got;
}

static ssize_t plain_sendv(struct stream *stream, const struct iovec *iov, size_t count)
{
    ssize_t sent;
    do {
        if (count == 1) {
            sent = send(stream->fd, iov->iov_base, iov->iov_len, MSG_NOSIGNAL);
        } else {
            // sendmsg does not write through iov, its type only says so.
            struct msghdr msg = {.msg_iov = (struct iovec *)(uintptr_t)iov, .msg_iovlen = count};
            sent = sendmsg(stream->fd, &msg, MSG_NOSIGNAL);
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
    return shutdown(stream->fd, SHUT_WR) < 0 ? -errno : HUB_OK;
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
