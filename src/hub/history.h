// History as one worker reads it for its late subscribers of one hub: slices that the hub thread fetches from
// the transport, kept for a while so that equally late subscribers share them. Bounded: so many slices are
// kept, so many requests are under way, and who comes beyond that waits its turn.
#pragma once

#include "base/list.h"
#include "transport/transport.h"

#include <stdbool.h>
#include <stddef.h>

struct backlog;
struct message;
struct shard;

#define HISTORY_KEPT_MAX 16U
#define HISTORY_REQUESTS_MAX 4U

struct history {
    struct list _kept; // the least recently used first
    size_t _kept_count;
    struct list _requests; // slice_requests under way
    size_t _request_count;
    struct list _queue; // backlogs that wait until a request may start
};

void history_init(struct history *history);
// Nothing may wait, and no request may be under way.
void history_done(struct history *history);
// The slice that holds what follows the position, valid until the end of the turn; or NULL: it is being read,
// and the stream of the backlog's subscriber is woken when it is there, or cut when it cannot be read.
struct history_slice *history_get(struct shard *shard, struct backlog *backlog);
// Asks for what follows this slice, if nobody has yet and there is room: a long replay then never waits.
void history_prefetch(struct shard *shard, const struct history_slice *slice);
// The index in the slice of the first entry after the position.
size_t history_index_after(const struct history_slice *slice, const struct position *position);
// A slice has come back from the hub thread.
void history_handle_slice(struct message *message);
// The end of a turn: lets some of those that wait for room try again. True when that is worth another turn at
// once.
bool history_end_turn(struct history *history);
// Forgets slices that hold updates before this position: they are no longer kept.
void history_forget_before(struct history *history, const struct position *oldest);
// Forgets every slice that is kept: positions mean something else now.
void history_forget(struct history *history);
