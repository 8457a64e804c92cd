#include "hub/tail.h"

#include "base/assert.h"
#include "base/err.h"
#include "base/hash.h"
#include "mercure/update.h"

#include <errno.h>
#include <stdlib.h>

#define TAIL_RING_MIN 64U

void tail_init(struct tail *tail, struct topics *topics)
{
    *tail = (struct tail){.first = TAIL_FIRST_OFFSET, .next = TAIL_FIRST_OFFSET, ._topics = topics};
}

static struct tail_entry **slot_of(const struct tail *tail, uint64_t offset)
{
    return &tail->_ring[offset & tail->_mask];
}

static int grow_ring(struct tail *tail)
{
    size_t size = tail->_ring ? 2 * (tail->_mask + 1) : TAIL_RING_MIN;
    struct tail_entry **ring = calloc(size, sizeof(*ring));
    if (!ring)
        return -ENOMEM;
    for (uint64_t offset = tail->first; offset < tail->next; offset++)
        ring[offset & (size - 1)] = *slot_of(tail, offset);
    free(tail->_ring);
    tail->_ring = ring;
    tail->_mask = size - 1;
    return HUB_OK;
}

static void unchain(struct tail *tail, struct tail_entry *entry)
{
    for (uint16_t i = 0; i < entry->topic_count; i++) {
        topic_drop_offset(entry->topics[i], entry->offset);
        topics_release(tail->_topics, entry->topics[i]);
    }
}

static void free_entry(struct tail_entry *entry)
{
    ref_put(&entry->update->ref);
    free(entry);
}

// Puts the offset into the chain of each topic; one that the update names twice gets it once.
static int chain(struct tail *tail, struct tail_entry *entry)
{
    struct record_topics walk = {0};
    struct str text;
    uint32_t hash;
    while (record_next_topic(&entry->update->record, &walk, &text, &hash)) {
        struct topic *topic = topics_get(tail->_topics, text);
        if (!topic)
            return -ENOMEM;
        if (topic_last_offset(topic) == entry->offset)
            continue;
        int err = topic_push_offset(tail->_topics, topic, entry->offset);
        if (err) {
            topics_release(tail->_topics, topic);
            return err;
        }
        entry->topics[entry->topic_count++] = topic;
    }
    return HUB_OK;
}

static struct tail_entry *find_id(const struct tail *tail, struct str id, uint64_t hash)
{
    struct table_node *node = table_first(&tail->_ids, hash);
    for (; node; node = table_next(node)) {
        struct tail_entry *entry = CONTAINER_OF(node, struct tail_entry, _id_node);
        if (str_eq(entry->update->record.id, id))
            return entry;
    }
    return NULL;
}

// However often one id is used, each of these costs the same.
static int index_id(struct tail *tail, struct tail_entry *entry)
{
    const struct record *record = &entry->update->record;
    uint64_t hash = hash_keyed(record->id);
    // Nobody has used an id of the hub's own making before: looking for it would only wait for cold memory.
    struct tail_entry *earliest =
        record->flags & RECORD_GENERATED_ID ? NULL : find_id(tail, record->id, hash);
    if (earliest) {
        earliest->_id_latest->_id_next = entry;
        earliest->_id_latest = entry;
        return HUB_OK;
    }
    entry->_id_latest = entry;
    return table_insert(&tail->_ids, &entry->_id_node, hash);
}

// The entry is the oldest of the tail, so it is the earliest with its id.
static void unindex_id(struct tail *tail, struct tail_entry *entry)
{
    struct tail_entry *next = entry->_id_next;
    uint64_t hash = entry->_id_node.hash;
    table_remove(&tail->_ids, &entry->_id_node);
    if (!next)
        return;
    next->_id_latest = entry->_id_latest;
    int err = table_insert(&tail->_ids, &next->_id_node, hash);
    HUB_ASSERT(err == HUB_OK); // the table has its buckets
}

int tail_push(struct tail *tail, const struct feed_entry *fed)
{
    struct update *update = fed->update;
    struct tail_entry *entry = NULL;
    if (!tail->_ring || tail->next - tail->first > tail->_mask) {
        if (grow_ring(tail) != HUB_OK)
            goto fail;
    }
    entry = malloc(tail_entry_memory(update->record.topic_count));
    if (!entry)
        goto fail;
    *entry = (struct tail_entry){.update = update, .position = fed->position, .offset = tail->next};
    if (chain(tail, entry) != HUB_OK || index_id(tail, entry) != HUB_OK) {
        unchain(tail, entry);
        goto fail;
    }
    *slot_of(tail, tail->next) = entry;
    tail->next++;
    return HUB_OK;

fail:
    free(entry);
    ref_put(&update->ref);
    return -ENOMEM;
}

static void drop_first(struct tail *tail)
{
    struct tail_entry *entry = *slot_of(tail, tail->first);
    HUB_ASSERT(entry->_holds == 0);
    tail->before = entry->position;
    tail->first++;
    unindex_id(tail, entry);
    unchain(tail, entry);
    free_entry(entry);
}

void tail_hold(struct tail *tail, uint64_t offset)
{
    tail_at(tail, offset)->_holds++;
}

void tail_release(struct tail *tail, uint64_t offset)
{
    struct tail_entry *entry = tail_at(tail, offset);
    HUB_ASSERT(entry->_holds > 0);
    entry->_holds--;
}

void tail_trim(struct tail *tail, uint64_t first)
{
    while (tail->first < first && tail->first < tail->next && !tail_at(tail, tail->first)->_holds)
        drop_first(tail);
}

static void drop_all(struct tail *tail)
{
    while (tail->first < tail->next)
        drop_first(tail);
}

void tail_reset(struct tail *tail, uint64_t next, const struct position *before)
{
    drop_all(tail);
    tail->first = tail->next = next;
    tail->before = *before;
}

void tail_done(struct tail *tail)
{
    drop_all(tail);
    free(tail->_ring);
    table_done(&tail->_ids);
}

struct tail_entry *tail_at(const struct tail *tail, uint64_t offset)
{
    HUB_ASSERT(offset >= tail->first && offset < tail->next);
    return *slot_of(tail, offset);
}

const struct position *tail_before(const struct tail *tail, uint64_t offset)
{
    return offset == tail->first ? &tail->before : &tail_at(tail, offset - 1)->position;
}

const struct position *tail_head(const struct tail *tail)
{
    return tail_before(tail, tail->next);
}

struct tail_entry *tail_find_id(const struct tail *tail, struct str id)
{
    return find_id(tail, id, hash_keyed(id));
}

bool tail_covers(const struct tail *tail, const struct position *position)
{
    return position_cmp(position, &tail->before) >= 0;
}

uint64_t tail_offset_of(const struct tail *tail, const struct position *position)
{
    uint64_t low = tail->first;
    uint64_t high = tail->next;
    while (low < high) { // the first offset whose position is beyond
        uint64_t middle = low + (high - low) / 2;
        if (position_cmp(&tail_at(tail, middle)->position, position) > 0)
            high = middle;
        else
            low = middle + 1;
    }
    return low - 1;
}

size_t tail_entry_memory(size_t topic_count)
{
    return sizeof(struct tail_entry) + topic_count * sizeof(struct topic *);
}
