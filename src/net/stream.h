// A connected socket as a stream of bytes: what is above neither knows nor asks whether they go over TCP, a
// unix socket or TLS. It belongs to one loop.
#pragma once

#include "base/attr.h"
#include "loop/loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

struct stream;

// Events to watch for. With STREAM_QUIET neither bytes nor room are announced, only that the connection
// is broken.
enum stream_events {
    STREAM_QUIET = WATCH_QUIET,
    STREAM_READABLE = WATCH_READABLE,
    STREAM_WRITABLE = WATCH_WRITABLE,
};

// `err` is a negative errno when the connection is broken: nothing is watched any more.
typedef void stream_ready_fn(struct stream *stream, int err, unsigned events);
typedef void stream_closed_fn(struct stream *stream);

struct stream_ops {
    // The number of bytes read, 0 when the peer has ended its half, -EAGAIN, or another negative errno.
    ssize_t (*read)(struct stream *stream, void *to, size_t len);
    // The number of bytes that the socket took, perhaps not all; -EAGAIN, or another negative errno.
    ssize_t (*sendv)(struct stream *stream, const struct iovec *iov, size_t count);
    // Whether bytes wait in the stream itself, which the kernel announces no more.
    bool (*pending)(const struct stream *stream);
    // Ends our half, after all that was sent.
    int (*shutdown)(struct stream *stream);
    // Frees what the implementation holds. The socket is closed afterwards.
    void (*release)(struct stream *stream);
};

// Embedded; small because every idle subscriber has one.
struct stream {
    const struct stream_ops *ops;
    void *_owner;
    struct watch _watch;
    union {
        stream_ready_fn *_ready;
        stream_closed_fn *_closed;
    };
};

extern const struct stream_ops stream_plain_ops;

// Takes over a descriptor that is non-blocking. Nothing is watched yet.
void stream_open(struct stream *stream, struct loop *loop, int fd, const struct stream_ops *ops,
                 stream_ready_fn *ready);
// A cookie of the owner, and all streams of a loop that have it. `fn` may close the stream.
void stream_set_owner(struct stream *stream, void *owner);
void *stream_owner(const struct stream *stream);
int stream_fd(const struct stream *stream);
void stream_walk(struct loop *loop, void *owner, void (*fn)(struct stream *stream));
// What is watched from now on, any of enum stream_events. Free of charge when nothing changes. A negative
// errno when the kernel cannot.
MUST_CHECK int stream_watch(struct stream *stream, unsigned events);
// Closes the socket at once. `closed` is called by the loop later; until then the memory must stay.
void stream_close(struct stream *stream, stream_closed_fn *closed);
