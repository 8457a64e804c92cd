#include "hub/history.h"

#include "base/assert.h"
#include "base/err.h"
#include "hub/hub.h"
#include "hub/messages.h"
#include "hub/sequencer.h"
#include "hub/shard.h"
#include "hub/subscriber.h"

#include <errno.h>
#include <stdlib.h>

struct kept_slice {
    struct list node;
    struct history_slice *slice; // one reference
};

void history_init(struct history *history)
{
    *history = (struct history){0};
    list_init(&history->_kept);
    list_init(&history->_requests);
    list_init(&history->_queue);
}

static void drop(struct history *history, struct kept_slice *kept)
{
    list_remove(&kept->node);
    history->_kept_count--;
    ref_put(&kept->slice->ref);
    free(kept);
}

void history_forget(struct history *history)
{
    LIST_FOREACH (node, &history->_kept)
        drop(history, CONTAINER_OF(node, struct kept_slice, node));
}

void history_forget_before(struct history *history, const struct position *oldest)
{
    LIST_FOREACH (node, &history->_kept) {
        struct kept_slice *kept = CONTAINER_OF(node, struct kept_slice, node);
        const struct history_slice *slice = kept->slice;
        if (slice->count && position_cmp(&slice->entries[0].position, oldest) < 0)
            drop(history, kept);
    }
}

void history_done(struct history *history)
{
    HUB_ASSERT(list_empty(&history->_requests) && list_empty(&history->_queue));
    history_forget(history);
}

static const struct position *slice_last(const struct history_slice *slice)
{
    return slice->count ? &slice->entries[slice->count - 1].position : &slice->after;
}

// Whether the slice says what comes right after the position.
static bool holds(const struct history_slice *slice, const struct position *position)
{
    if (position_cmp(&slice->after, position) == 0)
        return true;
    return !slice->gap && position_cmp(&slice->after, position) < 0 &&
           position_cmp(position, slice_last(slice)) < 0;
}

static struct history_slice *find_kept(struct history *history, const struct position *position)
{
    LIST_FOREACH (node, &history->_kept) {
        struct kept_slice *kept = CONTAINER_OF(node, struct kept_slice, node);
        if (!holds(kept->slice, position))
            continue;
        list_remove(&kept->node);
        list_append(&history->_kept, &kept->node);
        return kept->slice;
    }
    return NULL;
}

static struct slice_request *find_request(const struct history *history, const struct position *after)
{
    LIST_FOREACH (node, &history->_requests) {
        struct slice_request *request = CONTAINER_OF(node, struct slice_request, node);
        if (position_cmp(&request->replay.after, after) == 0)
            return request;
    }
    return NULL;
}

// The request for what follows the position, under way already or started here; NULL when there is no room.
static struct slice_request *request_slice(struct shard *shard, const struct position *after)
{
    struct history *history = &shard->history;
    struct slice_request *request = find_request(history, after);
    if (request || history->_request_count == HISTORY_REQUESTS_MAX)
        return request;
    request = calloc(1, sizeof(*request));
    if (!request)
        return NULL;
    request->message.handle = sequencer_handle_slice;
    request->sequencer = shard->hub->sequencer;
    request->shard = shard;
    request->replay.from = REPLAY_AFTER;
    request->replay.after = *after;
    list_init(&request->waiting);
    list_append(&history->_requests, &request->node);
    history->_request_count++;
    sequencer_post(request->sequencer, &request->message);
    return request;
}

struct history_slice *history_get(struct shard *shard, struct backlog *backlog)
{
    struct history_slice *slice = find_kept(&shard->history, &backlog->position);
    if (slice)
        return slice;
    struct slice_request *request = request_slice(shard, &backlog->position);
    list_remove(&backlog->waiting);
    list_append(request ? &request->waiting : &shard->history._queue, &backlog->waiting);
    return NULL;
}

void history_prefetch(struct shard *shard, const struct history_slice *slice)
{
    if (!slice->end && !find_kept(&shard->history, slice_last(slice)))
        (void)request_slice(shard, slice_last(slice));
}

size_t history_index_after(const struct history_slice *slice, const struct position *position)
{
    size_t low = 0;
    size_t high = slice->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (position_cmp(&slice->entries[middle].position, position) > 0)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static int keep(struct history *history, struct history_slice *slice)
{
    struct kept_slice *kept = malloc(sizeof(*kept));
    if (!kept) {
        ref_put(&slice->ref);
        return -ENOMEM;
    }
    kept->slice = slice;
    list_append(&history->_kept, &kept->node);
    if (++history->_kept_count > HISTORY_KEPT_MAX)
        drop(history, CONTAINER_OF(list_first(&history->_kept), struct kept_slice, node));
    return HUB_OK;
}

static void wake_up_to(struct list *waiting, size_t count)
{
    struct list *node;
    while (count-- && (node = list_first(waiting)) != NULL) {
        list_remove(node);
        http_stream_wake_later(CONTAINER_OF(node, struct backlog, waiting)->subscriber->stream);
    }
}

static void cut_all(struct list *waiting)
{
    struct list *node;
    while ((node = list_first(waiting)) != NULL) {
        list_remove(node);
        subscriber_cut(CONTAINER_OF(node, struct backlog, waiting)->subscriber, "history cannot be read");
    }
}

void history_handle_slice(struct message *message)
{
    struct slice_request *request = CONTAINER_OF(message, struct slice_request, message);
    struct history *history = &request->shard->history;
    list_remove(&request->node);
    history->_request_count--;
    if (request->replay.err == HUB_OK && keep(history, request->replay.slice) == HUB_OK)
        wake_up_to(&request->waiting, SIZE_MAX);
    else
        cut_all(&request->waiting);
    free(request);
}

bool history_end_turn(struct history *history)
{
    if (history->_request_count == HISTORY_REQUESTS_MAX || list_empty(&history->_queue))
        return false;
    wake_up_to(&history->_queue, HISTORY_KEPT_MAX);
    return true; // the flush of this turn has been
}
