#include "hub/broadcast.h"

#include "base/err.h"
#include "base/log.h"
#include "hub/messages.h"
#include "hub/shard.h"
#include "hub/tail.h"
#include "mercure/update.h"

#include <errno.h>
#include <stdlib.h>

// About what a topic and its chain take in the index of one worker, besides its text.
#define TOPIC_MEMORY 96

// ---- Batches ----

static size_t batch_head(const struct broadcast *broadcast)
{
    return sizeof(struct batch) + broadcast->_shard_count * sizeof(struct batch_post);
}

// An empty batch that follows what was posted. A cut that is due goes with it.
static void init_batch(struct broadcast *broadcast, struct batch *batch)
{
    *batch = (struct batch){
        .entries = (void *)((char *)batch + batch_head(broadcast)),
        .first_offset = broadcast->tail.next,
        .starts = broadcast->_cut != NULL,
        .cut = broadcast->_cut,
        .before = broadcast->head,
    };
    atomic_init(&batch->workers_left, (unsigned)broadcast->_shard_count);
    broadcast->_cut = NULL;
}

// With room for `count` entries; NULL when there is no memory.
static struct batch *new_batch(struct broadcast *broadcast, size_t count)
{
    struct batch *batch = malloc(batch_head(broadcast) + count * sizeof(struct feed_entry));
    if (batch)
        init_batch(broadcast, batch);
    return batch;
}

// From the first post on the batch belongs to the workers.
static void post_batch(struct broadcast *broadcast, struct batch *batch)
{
    batch->trim_to = broadcast->tail.first;
    batch->oldest = broadcast->_oldest;
    broadcast->_posted_bytes += batch->memory;
    broadcast->fed += batch->count;
    size_t shards = broadcast->_shard_count;
    for (size_t i = 0; i < shards; i++) {
        struct shard *shard = broadcast->_shards[i];
        batch->posts[i] =
            (struct batch_post){.message.handle = shard_handle_batch, .batch = batch, .shard = shard};
    }
    for (size_t i = 0; i < shards; i++)
        mailbox_post(&broadcast->_shards[i]->loop->mailbox, &batch->posts[i].message);
}

// ---- Entries ----

// Each worker has a copy of a topic's text; that others of the tail may share it is not counted on.
static size_t topics_size(const struct record *record)
{
    size_t size = 0;
    struct record_topics walk = {0};
    struct str topic;
    uint32_t hash;
    while (record_next_topic(record, &walk, &topic, &hash))
        size += TOPIC_MEMORY + topic.len;
    return size;
}

// In bytes of this process, with every worker's index.
static size_t cost_of(const struct broadcast *broadcast, const struct update *update)
{
    size_t per_worker = tail_entry_memory(update->record.topic_count) + topics_size(&update->record);
    return update_memory(update) + broadcast->_shard_count * per_worker;
}

static void add_to_batch(struct broadcast *broadcast, struct batch *batch, const struct feed_entry *entry)
{
    tail_budget_add(&broadcast->tail, &entry->position, cost_of(broadcast, entry->update));
    // One reference for each worker; the first is the feed's.
    ref_get_many(&entry->update->ref, (unsigned)broadcast->_shard_count - 1);
    batch->memory += update_memory(entry->update);
    batch->entries[batch->count++] = *entry;
    broadcast->head = entry->position;
}

static void keep_newest(struct broadcast *broadcast, struct update *update)
{
    if (broadcast->newest)
        ref_put(&broadcast->newest->ref);
    if (update)
        ref_get(&update->ref);
    broadcast->newest = update;
}

static bool is_new(const struct broadcast *broadcast, const struct feed_entry *entry)
{
    return broadcast->head.len == 0 || position_cmp(&entry->position, &broadcast->head) > 0;
}

// ---- Cuts ----

static void post_spare(struct broadcast *broadcast)
{
    broadcast->_spare_is_away = true;
    init_batch(broadcast, broadcast->_spare);
    broadcast->_spare->spare_of = broadcast;
    post_batch(broadcast, broadcast->_spare);
}

void broadcast_cut(struct broadcast *broadcast, const struct position *before, const char *reason)
{
    tail_budget_clear(&broadcast->tail);
    broadcast->head = *before;
    broadcast->_cut = reason;
    // If the workers still have it from a cut before, this one goes with the next batch, or when it is back.
    if (!broadcast->_spare_is_away)
        post_spare(broadcast);
}

void broadcast_handle_returned(struct message *message)
{
    struct broadcast *broadcast = CONTAINER_OF(message, struct batch_post, message)->batch->spare_of;
    broadcast->_spare_is_away = false;
    if (broadcast->_cut)
        post_spare(broadcast);
}

// Updates that cannot be handed on for want of memory.
static void lose(struct broadcast *broadcast, const struct feed_entry *entries, size_t count)
{
    LOG(LOG_LEVEL_ERROR, "Out of memory: streams are cut and come back for what they miss",
        LOG_U64("updates", count));
    struct position head = broadcast->head;
    for (size_t i = 0; i < count; i++) {
        if (is_new(broadcast, &entries[i]))
            head = entries[i].position;
        ref_put(&entries[i].update->ref);
    }
    broadcast_cut(broadcast, &head, "out of memory");
}

// ---- For the sequencer ----

int broadcast_init(struct broadcast *broadcast, struct shard *const *shards, size_t shard_count,
                   size_t tail_max_bytes)
{
    *broadcast = (struct broadcast){._shards = shards, ._shard_count = shard_count};
    int err = tail_budget_init(&broadcast->tail, tail_max_bytes);
    if (err)
        return err;
    broadcast->_spare = new_batch(broadcast, 0);
    if (!broadcast->_spare) {
        tail_budget_done(&broadcast->tail);
        return -ENOMEM;
    }
    return HUB_OK;
}

void broadcast_done(struct broadcast *broadcast)
{
    keep_newest(broadcast, NULL);
    free(broadcast->_spare);
    tail_budget_done(&broadcast->tail);
}

int broadcast_start(struct broadcast *broadcast, const struct position *before)
{
    struct batch *batch = new_batch(broadcast, 0);
    if (!batch)
        return -ENOMEM;
    batch->starts = true;
    batch->before = broadcast->head = *before;
    post_batch(broadcast, batch);
    return HUB_OK;
}

void broadcast_feed(struct broadcast *broadcast, const struct feed_entry *entries, size_t count)
{
    struct batch *batch = new_batch(broadcast, count);
    if (!batch) {
        lose(broadcast, entries, count);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (is_new(broadcast, &entries[i]))
            add_to_batch(broadcast, batch, &entries[i]);
        else
            ref_put(&entries[i].update->ref);
    }
    post_batch(broadcast, batch);
}

int broadcast_slice(struct broadcast *broadcast, const struct history_slice *slice)
{
    struct batch *batch = new_batch(broadcast, slice->count);
    if (!batch)
        return -ENOMEM;
    int err = HUB_OK;
    for (size_t i = 0; i < slice->count && !err; i++) {
        struct feed_entry entry = {.position = slice->entries[i].position};
        err = update_from_record(&entry.update, slice->entries[i].record.bytes);
        if (!err)
            add_to_batch(broadcast, batch, &entry);
    }
    if (broadcast->keeps_newest && batch->count)
        keep_newest(broadcast, batch->entries[batch->count - 1].update);
    post_batch(broadcast, batch);
    return err;
}

void broadcast_trim(struct broadcast *broadcast, const struct position *oldest)
{
    broadcast->_oldest = *oldest;
    tail_budget_drop_before(&broadcast->tail, oldest);
}

static uint64_t slowest_applied(const struct broadcast *broadcast)
{
    uint64_t least = UINT64_MAX;
    for (size_t i = 0; i < broadcast->_shard_count; i++) {
        uint64_t applied = atomic_load(&broadcast->_shards[i]->applied_bytes);
        if (applied < least)
            least = applied;
    }
    return least;
}

bool broadcast_lags(const struct broadcast *broadcast, size_t bound)
{
    return broadcast->_posted_bytes - slowest_applied(broadcast) > bound;
}
