#include "hub/cursor.h"

#include "base/assert.h"
#include "base/err.h"
#include "base/log.h"
#include "hub/hub.h"
#include "hub/sequencer.h"
#include "hub/shard.h"
#include "hub/subscriber.h"
#include "mercure/update.h"

#include <errno.h>
#include <stdlib.h>

// What one flush looks at for a subscriber that wants few updates, before others get their turn; counted in
// comparisons of hashes, about a tenth of a millisecond.
#define LOOKS_MAX 131072U
// What an update, the chain of a topic, or the question whether a grant covers a topic costs in these.
#define LOOK_COST 16U
// What a pattern costs in the latter.
#define PATTERN_COST 8U

// ---- Live and behind ----

int cursor_fall_behind(struct subscriber *subscriber, uint64_t offset, const struct position *position)
{
    struct backlog *backlog = malloc(sizeof(*backlog));
    if (!backlog)
        return -ENOMEM;
    *backlog = (struct backlog){.offset = offset, .position = *position, .subscriber = subscriber};
    list_init(&backlog->waiting);
    subscriber->backlog = backlog;
    pending_clear(subscriber);
    return HUB_OK;
}

static void cut(struct subscriber *subscriber, const char *reason)
{
    static struct log_limit limit;
    LOG_LIMITED(&limit, LOG_LEVEL_WARN, "A stream is cut", LOG_C("reason", reason));
    subscriber_cut(subscriber);
}

// A live subscriber was sent everything before `offset`, and not the update there.
static void fall_behind_at(struct subscriber *subscriber, uint64_t offset)
{
    struct shard *shard = subscriber->shard;
    counter_add(&shard->metrics.behind, 1);
    if (cursor_fall_behind(subscriber, offset - 1, tail_before(&shard->tail, offset)) != HUB_OK)
        cut(subscriber, "out of memory");
}

static void catch_up(struct subscriber *subscriber)
{
    list_remove(&subscriber->backlog->waiting);
    free(subscriber->backlog);
    subscriber->backlog = NULL;
}

void cursor_offer(struct subscriber *subscriber, uint64_t offset)
{
    if (subscriber->backlog || subscriber->ending)
        return;
    bool first = subscriber->pending_count == 0;
    if (!pending_add(subscriber, offset))
        fall_behind_at(subscriber, pending_offset(subscriber, 0));
    else if (first)
        http_stream_wake(subscriber->stream);
}

// ---- What is due ----

static void add_due(struct due *due, const struct http_slice *slice, uint64_t offset,
                    const struct position *position)
{
    due->slices[due->count] = *slice;
    due->offset[due->count] = offset;
    due->position[due->count] = position;
    due->count++;
    due->budget -= slice->bytes.len < due->budget ? slice->bytes.len : due->budget;
}

static enum generation generation_of(const struct subscriber *subscriber)
{
    return subscriber->legacy ? GENERATION_LEGACY : GENERATION_MODERN;
}

static void add_tail_entry(const struct subscriber *subscriber, const struct tail_entry *entry)
{
    struct update *update = entry->update;
    struct due *due = &subscriber->shard->due;
    struct http_slice slice = {.bytes = record_frame(&update->record, generation_of(subscriber)),
                               .owner = &update->ref,
                               .memory = update_memory(update)};
    add_due(due, &slice, entry->offset, &entry->position);
}

static bool has_room(const struct due *due)
{
    return due->count < due->max && (due->count == 0 || due->budget > 0);
}

static void look(struct due *due, size_t cost)
{
    due->looks -= cost < due->looks ? cost : due->looks;
}

static void gather_pending(struct subscriber *subscriber)
{
    struct tail *tail = &subscriber->shard->tail;
    struct due *due = &subscriber->shard->due;
    for (unsigned i = 0; i < subscriber->pending_count && has_room(due); i++)
        add_tail_entry(subscriber, tail_at(tail, pending_offset(subscriber, i)));
}

// The first offset of the tail after `after` that may concern the subscriber; tail.next when there is none.
// Exact matchers follow the chains of their topics, all others look at each update.
static uint64_t next_candidate(const struct subscriber *subscriber, uint64_t after)
{
    const struct tail *tail = &subscriber->shard->tail;
    if (subscriber->star || subscriber->patterns)
        return after + 1;
    uint64_t least = tail->next;
    for (uint16_t i = 0; i < subscriber->matcher_count; i++) {
        uint64_t offset = topic_next_offset(subscriber->matchers[i].topic, after);
        if (offset && offset < least)
            least = offset;
    }
    return least;
}

// A private update needs a grant as well as a matcher.
static bool is_granted(const struct subscriber *subscriber, const struct tail_entry *entry)
{
    const struct record *record = &entry->update->record;
    if (!(record->flags & RECORD_PRIVATE))
        return true;
    if (!subscriber->grant)
        return false;
    if (record->flags & RECORD_SUBSCRIPTION && !subscriber_takes_event(subscriber, record))
        return false;
    look(&subscriber->shard->due, record->topic_count * LOOK_COST);
    return grant_covers(subscriber->grant, record, entry->offset);
}

// A chain says that a matcher matches; who has patterns has followed none.
static bool is_wanted(const struct subscriber *subscriber, const struct tail_entry *entry)
{
    const struct record *record = &entry->update->record;
    return (!subscriber->patterns || subscriber_matches(subscriber, record)) && is_granted(subscriber, entry);
}

// What it costs to look at an update of the tail.
static size_t look_at_entry(const struct subscriber *subscriber, const struct tail_entry *entry)
{
    if (subscriber->star)
        return LOOK_COST;
    size_t cost = subscriber->matcher_count * LOOK_COST;
    return subscriber->patterns ? cost * PATTERN_COST * entry->topic_count : cost;
}

static void gather_from_tail(struct subscriber *subscriber)
{
    const struct tail *tail = &subscriber->shard->tail;
    struct due *due = &subscriber->shard->due;
    uint64_t at = subscriber->backlog->offset;
    while (at + 1 < tail->next) {
        uint64_t candidate = next_candidate(subscriber, at);
        if (candidate == tail->next) {
            at = tail->next - 1;
            break;
        }
        if (!has_room(due) || due->looks == 0) {
            due->more = true;
            break;
        }
        const struct tail_entry *entry = tail_at(tail, candidate);
        look(due, look_at_entry(subscriber, entry));
        at = candidate;
        if (is_wanted(subscriber, entry))
            add_tail_entry(subscriber, entry);
    }
    due->end_offset = at;
    due->end = *tail_before(tail, at + 1);
}

// What subscriber_wants costs.
static size_t look_at_record(const struct subscriber *subscriber, const struct record *record)
{
    bool is_private = record->flags & RECORD_PRIVATE;
    if (is_private && !subscriber->grant)
        return LOOK_COST;
    size_t per_topic = subscriber->star ? 0 : subscriber->matcher_count;
    if (subscriber->patterns)
        per_topic *= PATTERN_COST * LOOK_COST;
    return LOOK_COST + record->topic_count * (per_topic + (is_private ? LOOK_COST : 0));
}

static void gather_from_slice(struct subscriber *subscriber, struct history_slice *slice)
{
    const struct position *head = tail_head(&subscriber->shard->tail);
    struct due *due = &subscriber->shard->due;
    due->more = true;
    size_t i = history_index_after(slice, &due->end);
    for (; i < slice->count && due->looks && has_room(due); i++) {
        const struct history_entry *entry = &slice->entries[i];
        if (position_cmp(&entry->position, head) > 0)
            return; // not fed yet: it will be in the tail
        due->end = entry->position;
        look(due, look_at_record(subscriber, &entry->record));
        struct http_slice frame = {.bytes = record_frame(&entry->record, generation_of(subscriber)),
                                   .owner = &slice->ref,
                                   .memory = slice->memory};
        if (subscriber_wants(subscriber, &entry->record))
            add_due(due, &frame, 0, &entry->position);
    }
    if (i > slice->count / 2)
        history_prefetch(subscriber->shard, slice);
}

static void lose_history(struct subscriber *subscriber)
{
    counter_add(&subscriber->shard->metrics.lost_history, 1);
    cut(subscriber, "what it was still to be sent is no longer kept");
}

static void gather_from_history(struct subscriber *subscriber)
{
    struct shard *shard = subscriber->shard;
    struct backlog *backlog = subscriber->backlog;
    struct due *due = &shard->due;
    due->end_offset = 0;
    // The empty position asks for everything that is kept, so nothing can be missing before it.
    if (!sequencer_has_history(shard->hub->sequencer)) {
        if (backlog->position.len) {
            lose_history(subscriber);
            return;
        }
        due->end = shard->tail.before;
        due->more = true;
        return;
    }
    struct history_slice *slice = history_get(shard, backlog);
    if (!slice)
        return;
    if (slice->gap && backlog->position.len) {
        lose_history(subscriber);
        return;
    }
    gather_from_slice(subscriber, slice);
}

// Finds the offset of a cursor that so far is a position. False: it is ahead of the head, or in history.
static bool resolve_offset(struct subscriber *subscriber)
{
    struct tail *tail = &subscriber->shard->tail;
    struct backlog *backlog = subscriber->backlog;
    if (backlog->offset + 1 >= tail->first && backlog->offset)
        return true;
    backlog->offset = 0;
    if (!tail_covers(tail, &backlog->position))
        return false;
    backlog->offset = tail_offset_of(tail, &backlog->position);
    return true;
}

static bool is_ahead(const struct subscriber *subscriber)
{
    return position_cmp(&subscriber->backlog->position, tail_head(&subscriber->shard->tail)) > 0;
}

static void gather_backlog(struct subscriber *subscriber)
{
    struct backlog *backlog = subscriber->backlog;
    list_remove(&backlog->waiting);
    if (backlog->offset == 0 && is_ahead(subscriber)) {
        list_append(&subscriber->shard->ahead, &backlog->waiting);
        return;
    }
    if (resolve_offset(subscriber))
        gather_from_tail(subscriber);
    else
        gather_from_history(subscriber);
}

static void begin_due(const struct subscriber *subscriber, struct http_slice *slices, size_t max,
                      size_t budget)
{
    struct due *due = &subscriber->shard->due;
    due->slices = slices;
    due->max = max < DUE_MAX ? max : DUE_MAX;
    due->budget = budget;
    due->looks = LOOKS_MAX;
    due->comment = false;
    due->count = 0;
    due->more = false;
    if (!subscriber->backlog)
        return;
    due->end_offset = subscriber->backlog->offset;
    due->end = subscriber->backlog->position;
}

static void add_comment(struct due *due)
{
    *due->slices++ = (struct http_slice){.bytes = STR(":\n")};
    due->max--;
    due->comment = true;
}

// ---- What went ----

// A flush leaves nothing pending: what it had no room for is found as for all that are behind.
static void taken_live(struct subscriber *subscriber, size_t count, bool full)
{
    uint64_t left = full ? subscriber->shard->tail.next : 0;
    if (count < subscriber->pending_count)
        left = pending_offset(subscriber, (unsigned)count);
    pending_clear(subscriber);
    if (!left)
        return;
    fall_behind_at(subscriber, left);
    if (!full)
        http_stream_wake_later(subscriber->stream);
}

static void taken_behind(struct subscriber *subscriber, size_t count, bool full)
{
    const struct due *due = &subscriber->shard->due;
    struct backlog *backlog = subscriber->backlog;
    bool all = count == due->count;
    if (all) {
        backlog->offset = due->end_offset;
        backlog->position = due->end;
    } else if (count) {
        backlog->offset = due->offset[count - 1];
        backlog->position = *due->position[count - 1];
    }
    counter_add(&subscriber->shard->metrics.replayed, count);
    if (full) { // asked again when the socket takes bytes, and not by a wake
        list_remove(&backlog->waiting);
        return;
    }
    if (all && !due->more && backlog->offset && backlog->offset + 1 == subscriber->shard->tail.next)
        catch_up(subscriber);
    else if (due->more)
        http_stream_wake_later(subscriber->stream);
}

// ---- The calls of the stream ----

size_t cursor_next(struct subscriber *subscriber, struct http_slice *slices, size_t max, size_t budget)
{
    struct due *due = &subscriber->shard->due;
    begin_due(subscriber, slices, max, budget);
    if (subscriber->comment_due)
        add_comment(due);
    if (!subscriber->backlog)
        gather_pending(subscriber);
    else if (!subscriber->ending)
        gather_backlog(subscriber);
    // What was looked at and concerns it not needs no sending, but the cursor moves on.
    if (subscriber->backlog && due->count == 0 && !due->comment)
        taken_behind(subscriber, 0, false);
    return due->count + due->comment;
}

void cursor_taken(struct subscriber *subscriber, size_t count, bool full)
{
    const struct due *due = &subscriber->shard->due;
    if (count)
        subscriber->last_sent_ms = loop_now_ms(subscriber->shard->loop);
    if (due->comment && count) {
        subscriber->comment_due = false;
        count--;
    }
    counter_add(&subscriber->shard->metrics.deliveries, count);
    if (subscriber->backlog)
        taken_behind(subscriber, count, full);
    else
        taken_live(subscriber, count, full);
}

void cursor_done(struct subscriber *subscriber)
{
    pending_clear(subscriber);
    if (subscriber->backlog)
        catch_up(subscriber);
}
