// History as one worker reads it for its late subscribers of one hub: slices that the hub thread fetches from
// the transport, kept for a while so that equally late subscribers share them. Bounded: so many slices are
// kept, so many requests are under way, and who comes beyond that waits its turn, in the order of coming.
#pragma once

#include "base/list.h"
#include "loop/loop.h"
#include "transport/transport.h"

#include <stdbool.h>
#include <stddef.h>

struct backlog;
struct message;
struct shard;

#define HISTORY_KEPT_MAX 16U
#define HISTORY_REQUESTS_MAX 4U
// How long a slice is kept after its last use.
#define HISTORY_KEPT_MS 5000U

struct history {
    struct loop *_loop;
    struct list _kept; // the least recently used first
    size_t _kept_count;
    struct timer _unused;  // set while slices are kept
    struct list _requests; // slice_requests under way, but for those from before history_forget
    size_t _request_count; // all that are under way
    struct list _queue;    // backlogs that wait until a request may start
    struct list _woken;    // backlogs whose slice has come, until they look at it
};

void history_init(struct history *history, struct loop *loop);
// Nothing may wait, and no request may be under way.
void history_done(struct history *history);
// The slice that holds what follows the position, valid until the end of the turn; or NULL: it is being read,
// and the stream of the backlog's subscriber is woken when it is there, or cut when it cannot be read. The
// backlog is in a list of this module until then, and from the wake until the stream is asked: one whose
// socket is full, so that it will not be asked, must be taken out.
struct history_slice *history_get(struct shard *shard, struct backlog *backlog);
// Asks for what follows this slice, if nobody has yet and nobody waits: a long replay alone then never waits.
void history_prefetch(struct shard *shard, const struct history_slice *slice);
// The index in the slice of the first entry after the position.
size_t history_index_after(const struct history_slice *slice, const struct position *position);
// A slice has come back from the hub thread.
void history_handle_slice(struct message *message);
// The end of a turn: starts requests for those that wait, the first first, while there is room. True when
// that is worth another turn at once.
bool history_end_turn(struct shard *shard);
// Forgets slices that hold updates before this position: they are no longer kept.
void history_forget_before(struct history *history, const struct position *oldest);
// Forgets every slice that is kept: positions mean something else now.
void history_forget(struct history *history);
