// Signals of the process as events of a loop.
#pragma once

#include "base/attr.h"

#include <uv.h>

struct loop;
struct signal_watch;
typedef void signal_fn(struct signal_watch *watch);

struct signal_watch {
    uv_signal_t _uv;
    signal_fn *fn;
};

// Calls `fn` on the loop's thread for each arrival of the signal. A negative errno on failure; nothing is
// left to undo then.
MUST_CHECK int signal_watch_open(struct signal_watch *watch, struct loop *loop, int signal, signal_fn *fn);
// Before loop_done.
void signal_watch_close(struct signal_watch *watch);
