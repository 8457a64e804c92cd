#include "hub/shard.h"

#include "base/assert.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "hub/broadcast.h"
#include "hub/cursor.h"
#include "hub/hub.h"
#include "hub/sequencer.h"
#include "hub/subscriber.h"
#include "jwt/keyset.h"
#include "mercure/update.h"

#include <errno.h>
#include <stdlib.h>

static const char *reason_of(int err)
{
    switch (err) {
    case HUB_E_TOO_BIG:
        return "the pattern takes too long to be matched";
    case HUB_E_FULL:
        return "patterns that take long to be matched have had their time";
    default:
        return err_text(err);
    }
}

static void note_undecided(const struct pattern *pattern)
{
    static struct log_limit limit;
    LOG_LIMITED(&limit, LOG_LEVEL_WARN, "A long topic does not match a pattern",
                LOG_C("reason", "it would take too long to tell"), LOG_STR("pattern", pattern->text));
}

// Who has asked for a pattern that cannot be matched may have missed an update: it is cut, and refused when
// it comes back with a pattern that takes too long. Nobody else pays for it.
static void pattern_failed(struct pattern *pattern, int err, void *arg)
{
    static struct log_limit limit;
    struct shard *shard = arg;
    const struct pattern_use *use = pattern->user;
    if (err != -ENOMEM)
        counter_add(&shard->metrics.costly_patterns, 1);
    if (err == HUB_E_UNSUPPORTED) {
        note_undecided(pattern);
        return;
    }
    LOG_LIMITED(&limit, LOG_LEVEL_WARN, "Streams with a pattern are cut", LOG_C("reason", reason_of(err)),
                LOG_STR("pattern", pattern->text));
    if (!use)
        return;
    for (uint32_t i = 0; i < use->subscriptions.count; i++)
        subscriber_cut(use->subscriptions.items[i].subscriber);
    grants_each_with(use, subscriber_cut);
}

void shard_init(struct shard *shard, struct hub *hub, struct loop *loop)
{
    *shard = (struct shard){.hub = hub, .loop = loop, .keys = hub->keys};
    if (shard->keys)
        ref_get(&shard->keys->ref);
    topics_init(&shard->topics);
    patterns_init(&shard->patterns, &hub->url, pattern_failed, shard);
    shard->patterns.now_ns = clock_mono_ns;
    tail_init(&shard->tail, &shard->topics);
    grants_init(&shard->grants);
    history_init(&shard->history, loop);
    list_init(&shard->subscribers);
    slab_init(&shard->slab, sizeof(struct subscriber) + sizeof(struct matcher_slot));
    list_init(&shard->ahead);
    pending_pool_init(&shard->pool);
    shard->resume.message.handle = sequencer_handle_resume;
    shard->resume.sequencer = hub->sequencer;
}

void shard_done(struct shard *shard)
{
    HUB_ASSERT(list_empty(&shard->subscribers));
    if (shard->keys)
        ref_put(&shard->keys->ref);
    free(shard->key_waits);
    tail_done(&shard->tail);
    topics_done(&shard->topics);
    grants_done(&shard->grants);
    pattern_matches_done(&shard->matches);
    patterns_done(&shard->patterns);
    history_done(&shard->history);
    slab_done(&shard->slab);
    free(shard->stars);
    pending_pool_done(&shard->pool);
}

int shard_add_star(struct shard *shard, struct subscriber *subscriber, uint32_t *ret_index)
{
    if (shard->star_count == shard->_star_cap) {
        uint32_t cap = shard->_star_cap ? 2 * shard->_star_cap : 16;
        struct subscriber **grown = realloc(shard->stars, cap * sizeof(struct subscriber *));
        if (!grown)
            return -ENOMEM;
        shard->stars = grown;
        shard->_star_cap = cap;
    }
    *ret_index = shard->star_count++;
    shard->stars[*ret_index] = subscriber;
    return HUB_OK;
}

void shard_remove_star(struct shard *shard, uint32_t index)
{
    struct subscriber *last = shard->stars[--shard->star_count];
    shard->stars[index] = last;
    last->star_index = index;
}

// ---- Matching ----

struct match_search {
    struct pattern_matches *matches;
    int err;
};

static void note_match(struct pattern *pattern, void *arg)
{
    struct match_search *search = arg;
    if (!search->err)
        search->err = pattern_matches_add(search->matches, pattern->user);
}

// Finds the patterns that match the entry. -ENOMEM: not all of them.
static int find_patterns(struct shard *shard, const struct tail_entry *entry)
{
    struct match_search search = {.matches = &shard->matches};
    shard->matches.count = 0;
    for (uint16_t i = 0; i < entry->topic_count && !search.err; i++) {
        const struct topic *topic = entry->topics[i];
        int err = patterns_visit(&shard->patterns, str_make(topic->text, topic->len), note_match, &search);
        if (err)
            return err;
    }
    return search.err;
}

static void match_public(struct shard *shard, const struct tail_entry *entry)
{
    for (uint16_t i = 0; i < entry->topic_count; i++) {
        const struct topic *topic = entry->topics[i];
        for (uint32_t j = 0; j < topic->subscriptions.count; j++)
            cursor_offer(topic->subscriptions.items[j].subscriber, entry->offset);
    }
    for (size_t i = 0; i < shard->matches.count; i++) {
        const struct subscription_list *list = &shard->matches.uses[i]->subscriptions;
        for (uint32_t j = 0; j < list->count; j++)
            cursor_offer(list->items[j].subscriber, entry->offset);
    }
    for (uint32_t i = 0; i < shard->star_count; i++)
        cursor_offer(shard->stars[i], entry->offset);
}

static void offer_private(struct subscriber *subscriber, const struct tail_entry *entry)
{
    const struct record *record = &entry->update->record;
    if (record->flags & RECORD_SUBSCRIPTION && !subscriber_takes_event(subscriber, record))
        return;
    if (subscriber->grant && grant_covers(subscriber->grant, record, entry->offset))
        cursor_offer(subscriber, entry->offset);
}

static void match_by_topic(struct shard *shard, const struct tail_entry *entry)
{
    for (uint16_t i = 0; i < entry->topic_count; i++) {
        const struct topic *topic = entry->topics[i];
        for (uint32_t j = 0; j < topic->subscriptions.count; j++)
            offer_private(topic->subscriptions.items[j].subscriber, entry);
    }
    for (size_t i = 0; i < shard->matches.count; i++) {
        const struct subscription_list *list = &shard->matches.uses[i]->subscriptions;
        for (uint32_t j = 0; j < list->count; j++)
            offer_private(list->items[j].subscriber, entry);
    }
    for (uint32_t i = 0; i < shard->star_count; i++)
        offer_private(shard->stars[i], entry);
}

static void offer_granted(struct grant *grant, void *arg)
{
    const struct tail_entry *entry = arg;
    const struct record *record = &entry->update->record;
    if (!grant_covers(grant, record, entry->offset))
        return;
    bool is_event = record->flags & RECORD_SUBSCRIPTION;
    for (uint32_t i = 0; i < grant->subscriber_count; i++) {
        if (is_event ? subscriber_takes_event(grant->subscribers[i], record)
                     : subscriber_matches(grant->subscribers[i], record))
            cursor_offer(grant->subscribers[i], entry->offset);
    }
}

static size_t count_by_topic(const struct shard *shard, const struct tail_entry *entry)
{
    size_t count = shard->star_count;
    for (uint16_t i = 0; i < entry->topic_count; i++)
        count += entry->topics[i]->subscriptions.count;
    for (size_t i = 0; i < shard->matches.count; i++)
        count += shard->matches.uses[i]->subscriptions.count;
    return count;
}

// The candidates come from whichever index has fewer: 100,000 subscribers of "*" with one private topic each
// cost a private update one look-up.
static void match_private(struct shard *shard, struct tail_entry *entry)
{
    const struct record *record = &entry->update->record;
    size_t by_topic = count_by_topic(shard, entry);
    if (by_topic == 0)
        return;
    if (grants_count(&shard->grants, record, &shard->matches, by_topic) < by_topic)
        grants_visit(&shard->grants, record, entry->offset, &shard->matches, offer_granted, entry);
    else
        match_by_topic(shard, entry);
}

// ---- Batches ----

// Who finds that it has to be so tells the log, once.
static void cut_streams(struct shard *shard)
{
    LIST_FOREACH (node, &shard->subscribers)
        subscriber_cut(CONTAINER_OF(node, struct subscriber, node));
}

static void start_tail(struct shard *shard, const struct batch *batch)
{
    if (batch->cut)
        cut_streams(shard);
    shard->beginnings++;
    history_forget(&shard->history);
    tail_reset(&shard->tail, batch->first_offset, &batch->before);
}

// An update that cannot be kept would be missing from every stream: they are cut, and come back for it.
static void cut_for_memory(struct shard *shard)
{
    LOG(LOG_LEVEL_ERROR, "Out of memory: the streams of a worker are cut and come back for what they miss");
    cut_streams(shard);
}

static void lose_entry(struct shard *shard, const struct feed_entry *entry)
{
    cut_for_memory(shard);
    tail_reset(&shard->tail, shard->tail.next + 1, &entry->position);
}

static void apply(struct shard *shard, const struct feed_entry *fed)
{
    if (tail_push(&shard->tail, fed) != HUB_OK) {
        lose_entry(shard, fed);
        return;
    }
    struct tail_entry *entry = tail_at(&shard->tail, shard->tail.next - 1);
    if (find_patterns(shard, entry) != HUB_OK)
        cut_for_memory(shard);
    else if (entry->update->record.flags & RECORD_PRIVATE)
        match_private(shard, entry);
    else
        match_public(shard, entry);
}

static void wake_ahead(struct shard *shard)
{
    LIST_FOREACH (node, &shard->ahead) {
        list_remove(node);
        http_stream_wake_later(CONTAINER_OF(node, struct backlog, waiting)->subscriber->stream);
    }
}

// Tells the hub thread how far this worker is; if publishing is held back for it, also by a message.
static void report_applied(struct shard *shard, uint64_t memory)
{
    uint64_t applied = atomic_load_explicit(&shard->applied_bytes, memory_order_relaxed) + memory;
    // Sequentially consistent, as is the hub thread's side: either it sees this sum when it decides to hold,
    // or this worker sees that it holds.
    atomic_store(&shard->applied_bytes, applied);
    if (sequencer_is_held(shard->hub->sequencer) && !atomic_exchange(&shard->resume.posted, true))
        sequencer_post(shard->hub->sequencer, &shard->resume.message);
}

static void release_batch(struct shard *shard, struct batch *batch)
{
    if (atomic_fetch_sub_explicit(&batch->workers_left, 1, memory_order_acq_rel) > 1)
        return;
    if (!batch->spare_of) {
        free(batch);
        return;
    }
    batch->posts[0].message.handle = broadcast_handle_returned;
    sequencer_post(shard->hub->sequencer, &batch->posts[0].message);
}

void shard_handle_batch(struct message *message)
{
    struct batch_post *post = CONTAINER_OF(message, struct batch_post, message);
    struct batch *batch = post->batch;
    struct shard *shard = post->shard;
    if (batch->starts)
        start_tail(shard, batch);
    for (size_t i = 0; i < batch->count; i++)
        apply(shard, &batch->entries[i]);
    if (batch->oldest.len)
        history_forget_before(&shard->history, &batch->oldest);
    if (batch->trim_to > shard->trim_to)
        shard->trim_to = batch->trim_to;
    wake_ahead(shard);
    report_applied(shard, batch->memory);
    release_batch(shard, batch);
}

void shard_post_requests(struct shard *shard)
{
    sequencer_post_all(shard->hub->sequencer, &shard->requests);
}

void shard_end_turn(struct shard *shard)
{
    // Flushing may take several turns; what it still needs is held. Those that are behind find their place
    // again.
    tail_trim(&shard->tail, shard->trim_to);
}

void shard_end_streams(struct shard *shard)
{
    shard->draining = true;
    LIST_FOREACH (node, &shard->subscribers)
        subscriber_end(CONTAINER_OF(node, struct subscriber, node));
}
