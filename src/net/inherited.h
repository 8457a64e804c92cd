// Listening sockets that whoever starts the process has opened for it, as systemd does for a service with a
// socket unit (sd_listen_fds(3)): the descriptors from 3 on, as many as LISTEN_FDS says, for the process that
// LISTEN_PID names. They stay open elsewhere when we end, so that no connection is lost during a restart.
#pragma once

#include "base/attr.h"
#include "base/buf.h"

#include <stddef.h>

#define INHERITED_MAX 64

struct inherited {
    int hub[INHERITED_MAX]; // descriptors of the main listeners
    size_t hub_count;
    int operations[INHERITED_MAX]; // those that LISTEN_FDNAMES calls "ops"
    size_t operations_count;
};

// Finds out what there is, and removes the variables, so that no child takes them for its own. To be called
// before threads start. Each socket is non-blocking and closed on exec afterwards, and the caller's.
// HUB_E_INVALID with a sentence in `reterr` when one of them is no listening stream socket or a variable is
// malformed; a negative errno.
MUST_CHECK int inherited_take(struct inherited *ret_inherited, struct buf *reterr);
