#include "loop/poller.h"

#include "base/err.h"
#include "loop/loop.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#define NOT_WATCHED UINT32_MAX
#define CLOSING (UINT32_MAX - 1)
// Events taken from the kernel at once, and how often in one turn before others get theirs.
#define EVENTS_MAX 256
#define ROUNDS_MAX 16

static void stop(struct watch *watch)
{
    if (watch->_events != NOT_WATCHED)
        (void)epoll_ctl(watch->_loop->poller._fd, EPOLL_CTL_DEL, watch->fd, NULL);
    watch->_events = NOT_WATCHED;
}

static void dispatch(struct watch *watch, uint32_t events)
{
    if (watch->_events == CLOSING)
        return; // by the handler of an event before
    unsigned ready = (events & EPOLLIN ? WATCH_READABLE : 0U) | (events & EPOLLOUT ? WATCH_WRITABLE : 0U);
    // Both halves have ended: a reader learns it from its read, whoever does not read could only spin.
    if (events & EPOLLHUP)
        ready |= watch->_events & WATCH_READABLE;
    if ((events & EPOLLERR) || ready == 0) {
        stop(watch);
        watch->_ready(watch, -ECONNRESET, 0);
        return;
    }
    watch->_ready(watch, HUB_OK, ready);
}

static void poll_events(uv_poll_t *uv, int status, int uv_events)
{
    (void)status;
    (void)uv_events;
    struct poller *poller = CONTAINER_OF(uv, struct poller, _uv);
    struct epoll_event events[EVENTS_MAX];
    int count = EVENTS_MAX;
    for (unsigned round = 0; round < ROUNDS_MAX && count == EVENTS_MAX; round++) {
        count = epoll_wait(poller->_fd, events, EVENTS_MAX, 0);
        for (int i = 0; i < count; i++)
            dispatch(events[i].data.ptr, events[i].events);
    }
}

int poller_init(struct poller *poller, uv_loop_t *uv)
{
    list_init(&poller->_open);
    list_init(&poller->_closing);
    poller->_fd = epoll_create1(EPOLL_CLOEXEC);
    if (poller->_fd < 0)
        return -errno;
    int err = uv_poll_init(uv, &poller->_uv, poller->_fd);
    if (err) {
        (void)close(poller->_fd);
        return err;
    }
    return uv_poll_start(&poller->_uv, UV_READABLE, poll_events);
}

void poller_close(struct poller *poller)
{
    uv_close((uv_handle_t *)&poller->_uv, NULL);
    (void)close(poller->_fd);
}

bool poller_reap(struct poller *poller)
{
    struct list *node;
    bool any = false;
    while ((node = list_first(&poller->_closing)) != NULL) {
        struct watch *watch = CONTAINER_OF(node, struct watch, _node);
        list_remove(node);
        watch->_closed(watch);
        any = true;
    }
    return any;
}

void watch_open(struct watch *watch, struct loop *loop, int fd, watch_ready_fn *ready)
{
    *watch = (struct watch){._loop = loop, .fd = fd, ._events = NOT_WATCHED, ._ready = ready};
    list_init(&watch->_node);
    list_append(&loop->poller._open, &watch->_node);
}

int watch_set(struct watch *watch, unsigned events)
{
    if (watch->_events == events)
        return HUB_OK;
    struct epoll_event event = {.data.ptr = watch};
    event.events = (events & WATCH_READABLE ? EPOLLIN : 0U) | (events & WATCH_WRITABLE ? EPOLLOUT : 0U);
    int how = watch->_events == NOT_WATCHED ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    if (epoll_ctl(watch->_loop->poller._fd, how, watch->fd, &event) != 0)
        return -errno;
    watch->_events = events;
    return HUB_OK;
}

void watch_close(struct watch *watch, watch_closed_fn *closed)
{
    stop(watch);
    watch->_events = CLOSING;
    watch->_closed = closed;
    list_remove(&watch->_node);
    list_append(&watch->_loop->poller._closing, &watch->_node);
}

void watch_each(struct loop *loop, void (*fn)(struct watch *watch, void *arg), void *arg)
{
    LIST_FOREACH (node, &loop->poller._open)
        fn(CONTAINER_OF(node, struct watch, _node), arg);
}
