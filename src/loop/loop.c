#include "loop/loop.h"

#include "base/assert.h"
#include "base/err.h"

#include <pthread.h>

static void fire_entry(struct wheel_entry *entry, uint64_t now_ms)
{
    (void)now_ms;
    struct timer *timer = CONTAINER_OF(entry, struct timer, _entry);
    timer->fire(timer);
}

static void advance_wheel(uv_timer_t *uv_timer)
{
    struct loop *loop = CONTAINER_OF(uv_timer, struct loop, _wheel_timer);
    loop->_wheel_due_ms = UINT64_MAX;
    wheel_advance(&loop->_wheel, loop_now_ms(loop), fire_entry);
}

// One timer of libuv stands for the whole wheel. It is moved only when the next deadline has changed.
static void schedule_wheel(struct loop *loop)
{
    uint64_t due_ms = wheel_next_ms(&loop->_wheel);
    if (due_ms == loop->_wheel_due_ms)
        return;
    loop->_wheel_due_ms = due_ms;
    if (due_ms == UINT64_MAX) {
        (void)uv_timer_stop(&loop->_wheel_timer);
        return;
    }
    uint64_t now_ms = loop_now_ms(loop);
    (void)uv_timer_start(&loop->_wheel_timer, advance_wheel, due_ms > now_ms ? due_ms - now_ms : 0, 0);
}

static void do_nothing(uv_idle_t *idle)
{
    (void)idle; // that it is started keeps the loop from blocking
}

// libuv's prepare handles run right before it may block, after timers and the events of the turn before:
// there is no later point at which work can have come up unseen.
static void end_turn(uv_prepare_t *turn)
{
    struct loop *loop = CONTAINER_OF(turn, struct loop, _turn);
    bool more = false;
    for (unsigned i = 0; i < loop->_hook_count; i++)
        more = loop->_hooks[i].run(loop->_hooks[i].arg) || more;
    // Hooks may be waiting for just that.
    more = poller_reap(&loop->poller) || more;
    if (more)
        (void)uv_idle_start(&loop->_busy, do_nothing);
    else
        (void)uv_idle_stop(&loop->_busy);
    schedule_wheel(loop);
}

static void handle_stop(struct message *message)
{
    struct loop *loop = CONTAINER_OF(message, struct loop, _stop);
    loop->_stopped = true;
    uv_stop(&loop->uv);
}

int loop_init(struct loop *loop)
{
    *loop = (struct loop){._wheel_due_ms = UINT64_MAX, ._stop.handle = handle_stop};
    int err = uv_loop_init(&loop->uv);
    if (err)
        return err;
    err = mailbox_init(&loop->mailbox, &loop->uv);
    if (err) {
        (void)uv_loop_close(&loop->uv);
        return err;
    }
    err = poller_init(&loop->poller, &loop->uv);
    if (err) {
        mailbox_close(&loop->mailbox);
        (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
        (void)uv_loop_close(&loop->uv);
        return err;
    }
    wheel_init(&loop->_wheel, uv_now(&loop->uv));
    (void)uv_timer_init(&loop->uv, &loop->_wheel_timer);
    (void)uv_prepare_init(&loop->uv, &loop->_turn);
    (void)uv_idle_init(&loop->uv, &loop->_busy);
    (void)uv_prepare_start(&loop->_turn, end_turn);
    return HUB_OK;
}

void loop_done(struct loop *loop)
{
    // Sockets may have been closed after the last turn.
    while (poller_reap(&loop->poller))
        continue;
    mailbox_close(&loop->mailbox);
    poller_close(&loop->poller);
    uv_close((uv_handle_t *)&loop->_wheel_timer, NULL);
    uv_close((uv_handle_t *)&loop->_turn, NULL);
    uv_close((uv_handle_t *)&loop->_busy, NULL);
    (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
    int err = uv_loop_close(&loop->uv);
    HUB_ASSERT(err == 0);
}

void loop_add_hook(struct loop *loop, loop_hook_fn *run, void *arg)
{
    HUB_ASSERT(loop->_hook_count < LOOP_HOOKS_MAX);
    loop->_hooks[loop->_hook_count].run = run;
    loop->_hooks[loop->_hook_count].arg = arg;
    loop->_hook_count++;
}

void loop_run(struct loop *loop)
{
    while (!loop->_stopped)
        (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
}

void loop_stop(struct loop *loop)
{
    if (!atomic_exchange(&loop->_stop_posted, true))
        mailbox_post(&loop->mailbox, &loop->_stop);
}

static void thread_main(void *arg)
{
    loop_run(arg);
}

int loop_spawn(struct loop *loop, const char *name)
{
    int err = uv_thread_create(&loop->_thread, thread_main, loop);
    if (err)
        return err;
    (void)pthread_setname_np(loop->_thread, name);
    return HUB_OK;
}

void loop_join(struct loop *loop)
{
    (void)uv_thread_join(&loop->_thread);
}

uint64_t loop_now_ms(const struct loop *loop)
{
    return uv_now(&loop->uv);
}

void timer_init(struct timer *timer, timer_fire_fn *fire)
{
    wheel_entry_init(&timer->_entry);
    timer->fire = fire;
}

void timer_set(struct loop *loop, struct timer *timer, uint64_t deadline_ms)
{
    wheel_set(&loop->_wheel, &timer->_entry, deadline_ms);
}

void timer_cancel(struct timer *timer)
{
    wheel_cancel(&timer->_entry);
}

bool timer_is_set(const struct timer *timer)
{
    return wheel_is_set(&timer->_entry);
}
