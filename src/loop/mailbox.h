// The one way in which threads talk: typed messages into another thread's loop.
//
// Lock-free, many producers, one consumer. Messages of one producer arrive in the order in which they were
// posted. A batch of messages costs one wake-up. The mailbox has no bound of its own: what may be under way
// is bounded where it starts (pending publishes, the lag of a worker), so that a post never fails.
#pragma once

#include <stdatomic.h>
#include <uv.h>

struct loop;
struct message;
typedef void message_handle_fn(struct message *message);

// Embedded in what is sent. The poster gives the memory away; the handler, on the thread of the loop, owns
// it.
struct message {
    struct message *_next;
    message_handle_fn *handle;
};

// An eventfd of its own wakes the loop: with uv_async_t the receiver, once awake, spins until the system call
// that woke it has returned to the poster. A publish that is alone costs 71 µs of processor time instead
// of 88.
struct mailbox {
    uv_poll_t _watch;
    int _wake;
    _Atomic(struct message *) _newest;
};

// Called by loop_init and loop_done.
int mailbox_init(struct mailbox *mailbox, uv_loop_t *uv);
void mailbox_close(struct mailbox *mailbox);

// From any thread, until the loop of the mailbox has ended.
void mailbox_post(struct mailbox *mailbox, struct message *message);

// Messages of one thread that are posted together: one atomic operation and at most one wake-up for all of
// them. Zeroed when empty.
struct outbox {
    struct message *_newest;
    struct message *_oldest;
};

void outbox_add(struct outbox *outbox, struct message *message);
// Posts them in the order in which they were added, and leaves the outbox empty.
void outbox_post(struct outbox *outbox, struct mailbox *mailbox);
