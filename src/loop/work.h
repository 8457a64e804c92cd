// Work that takes longer than a turn may, on the threads of libuv's pool: at a lower priority than that of
// the loops, so that a flood of it makes itself slow and not them. The pool is the process's (four threads,
// or UV_THREADPOOL_SIZE), and takes work in the order in which it comes.
//
// All functions belong to the loop's thread. Whoever gives work bounds how much of it is under way.
#pragma once

#include "base/attr.h"

#include <stdbool.h>
#include <uv.h>

struct loop;
struct work;
typedef void work_run_fn(struct work *work);
typedef void work_done_fn(struct work *work, bool cancelled);

// Embedded in its owner; must stay until `done`.
struct work {
    uv_work_t _uv;
    struct loop *_loop;
    work_run_fn *run;
    work_done_fn *done;
};

// `run` is called on a thread of the pool, `done` on the loop's afterwards: once, never from inside the call.
void work_post(struct loop *loop, struct work *work);
// Work that no thread has begun yet is not done: `done` follows with `cancelled`. False: it has been begun.
bool work_cancel(struct work *work);
// Waits for all work of a loop that does not run any more; `done` of each is called. Before loop_done.
void work_finish(struct loop *loop);
