#include "loop/mailbox.h"

#include "base/attr.h"

#include <errno.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <unistd.h>

static void receive(uv_poll_t *watch, int status, int events)
{
    (void)status;
    (void)events;
    struct mailbox *mailbox = CONTAINER_OF(watch, struct mailbox, _watch);
    eventfd_t wakes;
    (void)eventfd_read(mailbox->_wake, &wakes); // before the messages: a later wake is for later ones
    // Acquire pairs with the release in mailbox_post: the messages are seen whole.
    struct message *message = atomic_exchange_explicit(&mailbox->_newest, NULL, memory_order_acquire);
    struct message *oldest = NULL;
    while (message) { // the stack has the newest on top: turn it round
        struct message *next = message->_next;
        message->_next = oldest;
        oldest = message;
        message = next;
    }
    while (oldest) {
        message = oldest;
        oldest = message->_next;
        message->handle(message);
    }
}

int mailbox_init(struct mailbox *mailbox, uv_loop_t *uv)
{
    atomic_init(&mailbox->_newest, NULL);
    mailbox->_wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (mailbox->_wake < 0)
        return -errno;
    int err = uv_poll_init(uv, &mailbox->_watch, mailbox->_wake);
    if (err) {
        (void)close(mailbox->_wake);
        return err;
    }
    return uv_poll_start(&mailbox->_watch, UV_READABLE, receive);
}

void mailbox_close(struct mailbox *mailbox)
{
    uv_close((uv_handle_t *)&mailbox->_watch, NULL);
    (void)close(mailbox->_wake);
}

// The stack holds the newest message on top; so does the chain from `newest` down to `oldest`.
static void push(struct mailbox *mailbox, struct message *newest, struct message *oldest)
{
    // The messages are the consumer's from the moment they are in: what was below is kept in a local.
    struct message *below = atomic_load_explicit(&mailbox->_newest, memory_order_relaxed);
    do
        oldest->_next = below;
    while (!atomic_compare_exchange_weak_explicit(&mailbox->_newest, &below, newest, memory_order_release,
                                                  memory_order_relaxed));
    // Only the first message on an empty stack wakes: the consumer takes the whole stack at once, and whoever
    // finds it empty afterwards is first again.
    if (!below)
        (void)eventfd_write(mailbox->_wake, 1);
}

void mailbox_post(struct mailbox *mailbox, struct message *message)
{
    push(mailbox, message, message);
}

void outbox_add(struct outbox *outbox, struct message *message)
{
    message->_next = outbox->_newest;
    outbox->_newest = message;
    if (!outbox->_oldest)
        outbox->_oldest = message;
}

void outbox_post(struct outbox *outbox, struct mailbox *mailbox)
{
    if (!outbox->_newest)
        return;
    struct outbox taken = *outbox;
    *outbox = (struct outbox){0};
    push(mailbox, taken._newest, taken._oldest);
}
