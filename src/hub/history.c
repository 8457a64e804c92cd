#include "hub/history.h"

#include "base/assert.h"
#include "base/err.h"
#include "base/log.h"
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
    uint64_t used_ms;
};

// ---- What is kept ----

static void drop(struct history *history, struct kept_slice *kept)
{
    list_remove(&kept->node);
    if (--history->_kept_count == 0)
        timer_cancel(&history->_unused);
    ref_put(&kept->slice->ref);
    free(kept);
}

static struct kept_slice *least_used(const struct history *history)
{
    struct list *node = list_first(&history->_kept);
    return node ? CONTAINER_OF(node, struct kept_slice, node) : NULL;
}

static void drop_unused(struct timer *timer)
{
    struct history *history = CONTAINER_OF(timer, struct history, _unused);
    uint64_t now_ms = loop_now_ms(history->_loop);
    struct kept_slice *kept;
    while ((kept = least_used(history)) != NULL && kept->used_ms + HISTORY_KEPT_MS <= now_ms)
        drop(history, kept);
    if (kept)
        timer_set(history->_loop, timer, kept->used_ms + HISTORY_KEPT_MS);
}

static void use(struct history *history, struct kept_slice *kept)
{
    kept->used_ms = loop_now_ms(history->_loop);
    list_remove(&kept->node);
    list_append(&history->_kept, &kept->node);
}

static int keep(struct history *history, struct history_slice *slice)
{
    struct kept_slice *kept = malloc(sizeof(*kept));
    if (!kept) {
        ref_put(&slice->ref);
        return -ENOMEM;
    }
    kept->slice = slice;
    list_init(&kept->node);
    use(history, kept);
    if (++history->_kept_count > HISTORY_KEPT_MAX)
        drop(history, least_used(history));
    if (!timer_is_set(&history->_unused))
        timer_set(history->_loop, &history->_unused, kept->used_ms + HISTORY_KEPT_MS);
    return HUB_OK;
}

void history_init(struct history *history, struct loop *loop)
{
    *history = (struct history){._loop = loop};
    list_init(&history->_kept);
    timer_init(&history->_unused, drop_unused);
    list_init(&history->_requests);
    list_init(&history->_queue);
    list_init(&history->_woken);
}

static void drop_all(struct history *history)
{
    struct kept_slice *kept;
    while ((kept = least_used(history)) != NULL)
        drop(history, kept);
}

void history_forget(struct history *history)
{
    drop_all(history);
    LIST_FOREACH (node, &history->_requests) {
        CONTAINER_OF(node, struct slice_request, node)->stale = true;
        list_remove(node);
    }
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
    HUB_ASSERT(history->_request_count == 0 && list_empty(&history->_queue));
    drop_all(history);
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
        use(history, kept);
        return kept->slice;
    }
    return NULL;
}

// ---- What is being read ----

// Those whose slice has come look at it first: else it might be gone by then, for the slices of others.
static bool may_request(const struct history *history)
{
    return history->_request_count < HISTORY_REQUESTS_MAX && list_empty(&history->_woken);
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
    if (request || !may_request(history))
        return request;
    request = calloc(1, sizeof(*request));
    if (!request)
        return NULL;
    request->message.handle = sequencer_handle_slice;
    request->sequencer = shard->hub->sequencer;
    request->shard = shard;
    request->replay.from = REPLAY_AFTER;
    request->replay.after = *after;
    request->head = *tail_head(&shard->tail);
    list_init(&request->waiting);
    list_append(&history->_requests, &request->node);
    history->_request_count++;
    sequencer_post(request->sequencer, &request->message);
    return request;
}

struct history_slice *history_get(struct shard *shard, struct backlog *backlog)
{
    struct history *history = &shard->history;
    struct history_slice *slice = find_kept(history, &backlog->position);
    if (slice)
        return slice;
    // Nobody overtakes those that wait already.
    struct slice_request *request = list_empty(&history->_queue) ? request_slice(shard, &backlog->position)
                                                                 : find_request(history, &backlog->position);
    list_append(request ? &request->waiting : &history->_queue, &backlog->waiting);
    return NULL;
}

void history_prefetch(struct shard *shard, const struct history_slice *slice)
{
    if (!slice->end && list_empty(&shard->history._queue) && !find_kept(&shard->history, slice_last(slice)))
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

static void wake(struct history *history, struct list *node)
{
    list_remove(node);
    list_append(&history->_woken, node);
    http_stream_wake_later(CONTAINER_OF(node, struct backlog, waiting)->subscriber->stream);
}

static void wake_all(struct history *history, struct list *waiting)
{
    LIST_FOREACH (node, waiting)
        wake(history, node);
}

// Nothing that was kept when it was asked for lies behind the position. That is true of this moment alone, so
// the slice is not kept.
static void pass_over(struct history *history, struct slice_request *request)
{
    LIST_FOREACH (node, &request->waiting) {
        CONTAINER_OF(node, struct backlog, waiting)->position = request->head;
        wake(history, node);
    }
    ref_put(&request->replay.slice->ref);
}

static bool is_empty(const struct replay_request *replay)
{
    const struct history_slice *slice = replay->slice;
    return slice->count == 0 && (!slice->gap || replay->after.len == 0);
}

static void cut_all(struct list *waiting, int err)
{
    uint64_t count = 0;
    for (struct list *node; (node = list_first(waiting)) != NULL; count++)
        subscriber_cut(CONTAINER_OF(node, struct backlog, waiting)->subscriber);
    LOG(LOG_LEVEL_ERROR, "History cannot be read: streams are cut", LOG_C("reason", err_text(err)),
        LOG_U64("streams", count));
}

void history_handle_slice(struct message *message)
{
    struct slice_request *request = CONTAINER_OF(message, struct slice_request, message);
    struct history *history = &request->shard->history;
    struct history_slice *slice = request->replay.slice;
    int err = request->replay.err;
    list_remove(&request->node);
    history->_request_count--;
    if (request->stale) { // who waited for it was cut
        if (slice)
            ref_put(&slice->ref);
    } else if (!err && is_empty(&request->replay)) {
        pass_over(history, request);
    } else if (!err && !(err = keep(history, slice))) {
        wake_all(history, &request->waiting);
    } else {
        cut_all(&request->waiting, err);
    }
    free(request);
}

bool history_end_turn(struct shard *shard)
{
    struct history *history = &shard->history;
    bool more = false;
    struct list *node;
    while ((node = list_first(&history->_queue)) != NULL) {
        const struct position *position = &CONTAINER_OF(node, struct backlog, waiting)->position;
        struct slice_request *request = NULL;
        if (find_kept(history, position)) {
            wake(history, node);
            more = true; // the flush of this turn has been
        } else if ((request = request_slice(shard, position)) != NULL) {
            list_remove(node);
            list_append(&request->waiting, node);
        } else {
            return more || may_request(history); // if it may, then only memory is missing
        }
    }
    return more;
}
