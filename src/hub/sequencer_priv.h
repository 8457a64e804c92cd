// A sequencer between its files: sequencer_open.c opens it, sequencer.c does all that comes after.
#pragma once

#include "hub/broadcast.h"
#include "hub/ghosts.h"
#include "hub/lookup.h"
#include "hub/presence.h"
#include "hub/publish_queue.h"
#include "hub/sequencer.h"
#include "hub/tail_fill.h"
#include "loop/loop.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct sequencer {
    struct sequencer_config config;
    const struct transport_ops *ops;
    struct transport *transport;
    bool open;  // publishes are taken
    bool sends; // and handed to the transport, also for a while after that
    bool closing;
    bool transport_closing;
    const char *not_open; // why, when it is not
    struct message close_message;

    struct publish_queue publishes;
    struct list collecting; // in config.collecting
    struct broadcast broadcast;
    struct lookups lookups;
    struct tail_fill fill;
    bool has_presence;
    struct presence presence;
    struct ghosts ghosts;
    atomic_bool is_held; // a worker lags too far: no publishes are taken and the feed is paused

    bool is_ready; // as last logged
    bool has_warning;
    uint64_t health_checked_ms;
    struct sequencer_metrics metrics;
};

// ---- sequencer.c ----

extern const struct transport_events sequencer_transport_events;
// After anything that posts a batch.
void sequencer_batch_posted(struct sequencer *sequencer);
// The transport pauses while the tails are filled and while a worker lags, and is left alone once it is
// closed.
void sequencer_update_pause(struct sequencer *sequencer);

// ---- sequencer_open.c ----

// What the transport tells while it is being opened, and when it has been.
void sequencer_opening_note(void *arg, bool is_warning, const char *text);
void sequencer_opened(void *arg, int err, const char *text, uint64_t epoch);
