// Fills the tails of the workers with the newest updates of the history, before a hub takes publishes. Hub
// thread.
#pragma once

#include "base/attr.h"
#include "transport/transport.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct broadcast;

struct tail_fill {
    struct replay_request _request;
    struct broadcast *_broadcast;
    struct transport *_transport;
    bool _started; // the workers' tails have their beginning
    bool _cancelled;
    uint64_t _logged_ms; // when progress was last told
    void (*_done)(struct tail_fill *fill, int err);
};

// Reads updates of at most `max_bytes` of memory and hands them on. `done` follows with the result, not from
// inside the call, unless a code is returned. What takes more than one slice is logged as it goes on.
MUST_CHECK int tail_fill_start(struct tail_fill *fill, struct broadcast *broadcast,
                               struct transport *transport, size_t max_bytes,
                               void (*done)(struct tail_fill *fill, int err));
// If it is under way, it ends with HUB_E_CLOSED at the next slice.
void tail_fill_cancel(struct tail_fill *fill);
