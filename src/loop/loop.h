// The event loop of one thread: libuv's, with a timer wheel, a mailbox and a defined end of the turn.
//
// One turn, in this order:
//   1. timers that are due fire;
//   2. the kernel is asked for events; it blocks only when nothing waits (no timer due, no hook with more
//      to do); ready descriptors and the mailbox are handled;
//   3. the turn-end hooks run, in the order in which they were added; then who was closed is told.
// Whatever a turn's handlers leave to be sent is sent by the hooks, so that it merges.
//
// All functions belong to the loop's thread, but loop_stop and the posts of mailbox.h; loop_spawn and
// loop_join are for whoever starts that thread.
#pragma once

#include "base/attr.h"
#include "base/wheel.h"
#include "loop/mailbox.h"
#include "loop/poller.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#define LOOP_HOOKS_MAX 4

struct timer;
typedef void timer_fire_fn(struct timer *timer);

// One shot. Embedded in its owner; cheap to set, move and cancel.
struct timer {
    struct wheel_entry _entry;
    timer_fire_fn *fire;
};

// Returns whether it has more to do: then the next turn does not block.
typedef bool loop_hook_fn(void *arg);

struct loop {
    uv_loop_t uv;
    struct mailbox mailbox;
    struct poller poller;
    struct wheel _wheel;
    uv_timer_t _wheel_timer;
    uint64_t _wheel_due_ms;
    uv_prepare_t _turn;
    uv_idle_t _busy;
    struct {
        loop_hook_fn *run;
        void *arg;
    } _hooks[LOOP_HOOKS_MAX];
    unsigned _hook_count;
    unsigned _work_open; // work.h
    bool _stopped;
    struct message _stop;
    atomic_bool _stop_posted;
    uv_thread_t _thread;
};

// A negative errno on failure; nothing is left to undo then.
MUST_CHECK int loop_init(struct loop *loop);
// After loop_run has returned. Every handle that others put on loop->uv must have been closed.
void loop_done(struct loop *loop);
void loop_add_hook(struct loop *loop, loop_hook_fn *run, void *arg);
// Runs until loop_stop.
void loop_run(struct loop *loop);
// From any thread. Messages posted before it are handled first.
void loop_stop(struct loop *loop);
// Runs the loop on a thread of its own, named `name` (15 characters); loop_join waits for its end.
MUST_CHECK int loop_spawn(struct loop *loop, const char *name);
void loop_join(struct loop *loop);
// The monotonic clock as read at the start of the turn, in milliseconds.
uint64_t loop_now_ms(const struct loop *loop);

void timer_init(struct timer *timer, timer_fire_fn *fire);
// Sets or moves it to fire at `deadline_ms` of loop_now_ms, up to WHEEL_TICK_MS late.
void timer_set(struct loop *loop, struct timer *timer, uint64_t deadline_ms);
void timer_cancel(struct timer *timer);
bool timer_is_set(const struct timer *timer);
