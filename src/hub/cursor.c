#include "hub/cursor.h"

#include "base/assert.h"
#include "base/err.h"
#include "hub/hub.h"
#include "hub/sequencer.h"
#include "hub/shard.h"
#include "hub/subscriber.h"
#include "mercure/update.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

// Slices that one flush asks for at most; as many as a connection hands to the kernel in one call.
#define DUE_MAX 256
// Updates that one flush looks at for a subscriber that wants few of them, before others get their turn; so
// many fewer where each takes a look at many chains.
#define SCAN_MAX 8192
// What the latest `next` of this thread has given, until its `taken`: at most one subscriber is between the
// two, so it stands here once and not in each.
struct due {
    bool comment; // the first slice is a comment
    size_t count; // updates
    bool more;    // there was more than fitted, or than was looked at
    uint64_t offset[DUE_MAX];
    const struct position *position[DUE_MAX];
    // Where the cursor stands when all of it has been taken.
    uint64_t end_offset;
    struct position end;
};

static _Thread_local struct due due;

// ---- Pending ----

static uint32_t *pending_slots(struct subscriber *subscriber)
{
    return subscriber->pending_block ? subscriber->pending_block->offsets : subscriber->pending;
}

// Offsets of the tail differ by less than 2^32, so the low half says which.
static uint64_t pending_offset(struct subscriber *subscriber, unsigned i)
{
    uint64_t head = subscriber->shard->tail.next - 1;
    return head - (uint32_t)((uint32_t)head - pending_slots(subscriber)[i]);
}

static struct pending_block *take_block(struct pending_pool *pool)
{
    struct pending_block *block = pool->free;
    if (block) {
        pool->free = block->next;
    } else if (pool->left) {
        block = malloc(sizeof(*block));
        if (block)
            pool->left--;
    }
    return block;
}

static void clear_pending(struct subscriber *subscriber)
{
    subscriber->shard->pending_subscribers -= subscriber->pending_count > 0;
    subscriber->pending_count = 0;
    if (!subscriber->pending_block)
        return;
    subscriber->pending_block->next = subscriber->shard->pool.free;
    subscriber->shard->pool.free = subscriber->pending_block;
    subscriber->pending_block = NULL;
}

// Room for one more; false when the list or the pool is full.
static bool pending_has_room(struct subscriber *subscriber)
{
    if (subscriber->pending_block)
        return subscriber->pending_count < PENDING_MAX;
    if (subscriber->pending_count < PENDING_INLINE)
        return true;
    struct pending_block *block = take_block(&subscriber->shard->pool);
    if (!block)
        return false;
    memcpy(block->offsets, subscriber->pending, sizeof(subscriber->pending));
    subscriber->pending_block = block;
    return true;
}

// ---- Live and behind ----

int cursor_fall_behind(struct subscriber *subscriber, uint64_t offset, const struct position *position)
{
    struct backlog *backlog = malloc(sizeof(*backlog));
    if (!backlog)
        return -ENOMEM;
    *backlog = (struct backlog){.offset = offset, .position = *position, .subscriber = subscriber};
    list_init(&backlog->waiting);
    subscriber->backlog = backlog;
    clear_pending(subscriber);
    return HUB_OK;
}

// A live subscriber was sent everything before `offset`, and not the update there.
static void fall_behind_at(struct subscriber *subscriber, uint64_t offset)
{
    struct shard *shard = subscriber->shard;
    counter_add(&shard->metrics.behind, 1);
    if (cursor_fall_behind(subscriber, offset - 1, tail_before(&shard->tail, offset)) != HUB_OK)
        subscriber_cut(subscriber, "out of memory");
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
    unsigned count = subscriber->pending_count;
    if (count && pending_slots(subscriber)[count - 1] == (uint32_t)offset)
        return; // another matcher has hit already
    if (!pending_has_room(subscriber)) {
        fall_behind_at(subscriber, pending_offset(subscriber, 0));
        return;
    }
    pending_slots(subscriber)[count] = (uint32_t)offset;
    subscriber->pending_count++;
    if (count == 0) {
        subscriber->shard->pending_subscribers++;
        http_stream_wake(subscriber->stream);
    }
}

// ---- What is due ----

static void add_due(struct http_slice *slice, const struct record *record, struct ref *owner, uint64_t offset,
                    const struct position *position)
{
    *slice = (struct http_slice){.bytes = record->frame, .owner = owner};
    due.offset[due.count] = offset;
    due.position[due.count] = position;
    due.count++;
}

static void add_tail_entry(struct http_slice *slice, const struct tail_entry *entry)
{
    add_due(slice, &entry->update->record, &entry->update->ref, entry->offset, &entry->position);
}

// The room that one call of `next` was given.
struct room {
    struct http_slice *slices;
    size_t max;
    size_t budget; // bytes
};

static bool has_room(const struct room *room)
{
    return due.count < room->max && (due.count == 0 || room->budget > 0);
}

static void use_room(struct room *room, const struct record *record)
{
    room->budget -= record->frame.len < room->budget ? record->frame.len : room->budget;
}

static void gather_pending(struct subscriber *subscriber, struct room *room)
{
    struct tail *tail = &subscriber->shard->tail;
    unsigned i = 0;
    for (; i < subscriber->pending_count && has_room(room); i++) {
        const struct tail_entry *entry = tail_at(tail, pending_offset(subscriber, i));
        add_tail_entry(&room->slices[due.count], entry);
        use_room(room, &entry->update->record);
    }
    due.more = i < subscriber->pending_count;
    due.end_offset = tail->next - 1;
}

// The first offset of the tail after `after` that may concern the subscriber; tail.next when there is none.
// Exact matchers follow the chains of their topics, all others look at each update.
static uint64_t next_candidate(const struct subscriber *subscriber, uint64_t after)
{
    const struct tail *tail = &subscriber->shard->tail;
    if (subscriber->star)
        return after + 1;
    uint64_t least = tail->next;
    for (uint16_t i = 0; i < subscriber->matcher_count; i++) {
        uint64_t offset = topic_next_offset(subscriber->matchers[i].topic, after);
        if (offset && offset < least)
            least = offset;
    }
    return least;
}

static void gather_from_tail(struct subscriber *subscriber, struct room *room)
{
    const struct tail *tail = &subscriber->shard->tail;
    uint64_t at = subscriber->backlog->offset;
    unsigned looks = subscriber->star ? 1 : subscriber->matcher_count;
    for (unsigned looked = 0; at + 1 < tail->next; looked += looks) {
        uint64_t candidate = next_candidate(subscriber, at);
        if (candidate == tail->next) {
            at = tail->next - 1;
            break;
        }
        if (!has_room(room) || looked >= SCAN_MAX) {
            due.more = true;
            break;
        }
        const struct tail_entry *entry = tail_at(tail, candidate);
        const struct record *record = &entry->update->record;
        at = candidate;
        // A chain says that a matcher matches; a private update needs a grant as well.
        if ((record->flags & RECORD_PRIVATE) && !subscriber_wants(subscriber, record))
            continue;
        add_tail_entry(&room->slices[due.count], entry);
        use_room(room, record);
    }
    due.end_offset = at;
    due.end = *tail_before(tail, at + 1);
}

static void gather_from_slice(struct subscriber *subscriber, struct room *room, struct history_slice *slice)
{
    const struct position *head = tail_head(&subscriber->shard->tail);
    due.more = true;
    size_t i = history_index_after(slice, &due.end);
    size_t first = i;
    for (; i < slice->count && i - first < SCAN_MAX && has_room(room); i++) {
        const struct history_entry *entry = &slice->entries[i];
        if (position_cmp(&entry->position, head) > 0)
            return; // not fed yet: it will be in the tail
        due.end = entry->position;
        if (!subscriber_wants(subscriber, &entry->record))
            continue;
        add_due(&room->slices[due.count], &entry->record, &slice->ref, 0, &entry->position);
        use_room(room, &entry->record);
    }
    if (slice->count == 0)
        due.end = subscriber->shard->tail.before; // nothing is kept between the cursor and the tail
    if (i > slice->count / 2)
        history_prefetch(subscriber->shard, slice);
}

static void lose_history(struct subscriber *subscriber)
{
    counter_add(&subscriber->shard->metrics.lost_history, 1);
    subscriber_cut(subscriber, "what it was still to be sent is no longer kept");
}

static void gather_from_history(struct subscriber *subscriber, struct room *room)
{
    struct shard *shard = subscriber->shard;
    struct backlog *backlog = subscriber->backlog;
    due.end_offset = 0;
    // The empty position asks for everything that is kept, so nothing can be missing before it.
    if (!sequencer_has_history(shard->hub->sequencer)) {
        if (backlog->position.len) {
            lose_history(subscriber);
            return;
        }
        due.end = shard->tail.before;
        due.more = true;
        return;
    }
    struct history_slice *slice = history_get(shard, backlog);
    if (!slice)
        return;
    if (slice->gap && backlog->position.len) {
        lose_history(subscriber);
        return;
    }
    gather_from_slice(subscriber, room, slice);
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

static void gather_backlog(struct subscriber *subscriber, struct room *room)
{
    struct backlog *backlog = subscriber->backlog;
    if (backlog->offset == 0 && is_ahead(subscriber)) {
        list_remove(&backlog->waiting);
        list_append(&subscriber->shard->ahead, &backlog->waiting);
        return;
    }
    if (resolve_offset(subscriber))
        gather_from_tail(subscriber, room);
    else
        gather_from_history(subscriber, room);
}

static void begin_due(const struct subscriber *subscriber)
{
    due.comment = false;
    due.count = 0;
    due.more = false;
    due.end_offset = 0;
    if (subscriber->backlog) {
        due.end_offset = subscriber->backlog->offset;
        due.end = subscriber->backlog->position;
    }
}

// ---- What went ----

static void drop_pending(struct subscriber *subscriber, unsigned count)
{
    uint32_t *slots = pending_slots(subscriber);
    if (count == subscriber->pending_count) {
        clear_pending(subscriber);
        return;
    }
    subscriber->pending_count = (uint8_t)(subscriber->pending_count - count);
    memmove(slots, slots + count, subscriber->pending_count * sizeof(*slots));
}

static void taken_live(struct subscriber *subscriber, size_t count, bool full)
{
    const struct tail *tail = &subscriber->shard->tail;
    drop_pending(subscriber, (unsigned)count);
    if (full)
        fall_behind_at(subscriber, subscriber->pending_count ? pending_offset(subscriber, 0) : tail->next);
    else if (subscriber->pending_count)
        http_stream_wake(subscriber->stream);
}

static void taken_behind(struct subscriber *subscriber, size_t count, bool full)
{
    struct backlog *backlog = subscriber->backlog;
    bool all = count == due.count;
    if (all) {
        backlog->offset = due.end_offset;
        backlog->position = due.end;
    } else if (count) {
        backlog->offset = due.offset[count - 1];
        backlog->position = *due.position[count - 1];
    }
    counter_add(&subscriber->shard->metrics.replayed, count);
    if (full)
        return; // asked again when the socket takes bytes
    if (all && !due.more && backlog->offset && backlog->offset + 1 == subscriber->shard->tail.next)
        catch_up(subscriber);
    else if (due.more)
        http_stream_wake(subscriber->stream);
}

// ---- The calls of the stream ----

size_t cursor_next(struct subscriber *subscriber, struct http_slice *slices, size_t max, size_t budget)
{
    begin_due(subscriber);
    if (subscriber->comment_due) {
        *slices++ = (struct http_slice){.bytes = STR(":\n")};
        max--;
        due.comment = true;
    }
    struct room room = {.slices = slices, .max = max < DUE_MAX ? max : DUE_MAX, .budget = budget};
    if (!subscriber->backlog)
        gather_pending(subscriber, &room);
    else if (!subscriber->ending)
        gather_backlog(subscriber, &room);
    // What was looked at and concerns it not needs no sending, but the cursor moves on.
    if (subscriber->backlog && due.count == 0 && !due.comment)
        taken_behind(subscriber, 0, false);
    return due.count + due.comment;
}

void cursor_taken(struct subscriber *subscriber, size_t count, bool full)
{
    if (count)
        subscriber->last_sent_ms = loop_now_ms(subscriber->shard->loop);
    if (due.comment && count) {
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
    clear_pending(subscriber);
    if (subscriber->backlog)
        catch_up(subscriber);
}
