#include "hub/subscriber.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/quota.h"
#include "conf/conf.h"
#include "hub/attendance.h"
#include "hub/cursor.h"
#include "hub/hub.h"
#include "hub/pattern_use.h"
#include "hub/shard.h"
#include "mercure/matcher.h"
#include "mercure/pattern.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

// How long a stream that has ended may take to get rid of its last bytes.
#define END_GRACE_MS 5000

static size_t source_next(void *source, struct http_slice *slices, size_t max, size_t budget)
{
    return cursor_next(source, slices, max, budget);
}

static void source_taken(void *source, size_t count, bool full)
{
    cursor_taken(source, count, full);
}

static void send_comment(struct subscriber *subscriber)
{
    subscriber->comment_due = true;
    http_stream_wake(subscriber->stream);
}

// Who has gone for good answers the comment with a reset; who has only finished sending just reads it.
static void source_peer_finished(void *source)
{
    send_comment(source);
}

static struct subscription_list *list_of(const struct matcher_slot *slot)
{
    return slot->is_pattern ? &slot->use->subscriptions : &slot->topic->subscriptions;
}

// What one matcher takes: its places in both lists, and the topic or pattern if nobody else of the worker has
// it.
static size_t matcher_memory(const struct matcher_slot *slot)
{
    size_t memory = sizeof(struct matcher_slot) + sizeof(struct subscription);
    if (list_of(slot)->count > 1)
        return memory;
    if (slot->is_pattern)
        return memory + sizeof(*slot->use) + pattern_memory(slot->use->pattern);
    return memory + sizeof(*slot->topic) + slot->topic->len;
}

static void leave_list(struct shard *shard, struct matcher_slot *slot)
{
    struct subscription *moved = subscription_list_remove(list_of(slot), slot->index);
    if (moved)
        moved->subscriber->matchers[moved->slot].index = slot->index;
    if (slot->is_pattern)
        pattern_use_release(slot->use);
    else
        topics_release(&shard->topics, slot->topic);
}

static void unsubscribe(struct shard *shard, struct matcher_slot *slot)
{
    quota_give(&shard->hub->matcher_bytes, matcher_memory(slot));
    leave_list(shard, slot);
}

static void unregister(struct subscriber *subscriber)
{
    struct shard *shard = subscriber->shard;
    for (uint16_t i = 0; i < subscriber->matcher_count; i++)
        unsubscribe(shard, &subscriber->matchers[i]);
    subscriber->matcher_count = 0;
    if (subscriber->star)
        shard_remove_star(shard, subscriber->star_index);
    subscriber->star = false;
    if (subscriber->grant) {
        struct subscriber *moved = grants_remove(&shard->grants, subscriber->grant, subscriber->grant_index);
        if (moved)
            moved->grant_index = subscriber->grant_index;
        subscriber->grant = NULL;
    }
}

// Most have one matcher: these have a place of their own.
static size_t subscriber_size(size_t matchers)
{
    return sizeof(struct subscriber) + matchers * sizeof(struct matcher_slot);
}

static struct subscriber *take_memory(struct shard *shard, size_t matchers)
{
    struct subscriber *subscriber =
        matchers > 1 ? malloc(subscriber_size(matchers)) : slab_alloc(&shard->slab);
    if (subscriber)
        memset(subscriber, 0, subscriber_size(matchers));
    return subscriber;
}

static void release_memory(struct subscriber *subscriber)
{
    if (subscriber->many)
        free(subscriber);
    else
        slab_free(&subscriber->shard->slab, subscriber);
}

static void free_subscriber(struct subscriber *subscriber)
{
    unregister(subscriber);
    cursor_done(subscriber);
    timer_cancel(&subscriber->timer);
    list_remove(&subscriber->node);
    release_memory(subscriber);
}

static void leave_place(struct hub *hub)
{
    quota_give(&hub->subscribers, 1);
}

static const char *const close_reasons[] = {
    [HTTP_CLOSE_ENDED] = "ended",
    [HTTP_CLOSE_PEER] = "closed by the client",
    [HTTP_CLOSE_STALLED] = "took no byte for dispatch_timeout",
    [HTTP_CLOSE_OVERLOAD] = "max_unsent_bytes is reached",
    [HTTP_CLOSE_SHUTDOWN] = "the hub stops",
};

static void source_closed(void *source, enum http_close_reason reason)
{
    struct subscriber *subscriber = source;
    struct shard *shard = subscriber->shard;
    counter_sub(&shard->metrics.subscribers, 1);
    leave_place(shard->hub);
    if (subscriber->attendance)
        attendance_leave(subscriber->attendance);
    LOG(LOG_LEVEL_DEBUG, "Subscriber disconnected", LOG_C("reason", close_reasons[reason]));
    free_subscriber(subscriber);
}

const struct http_source_ops subscriber_source_ops = {
    .next = source_next,
    .taken = source_taken,
    .peer_finished = source_peer_finished,
    .closed = source_closed,
};

// ---- Life ----

static void set_timer(struct subscriber *subscriber)
{
    uint64_t heartbeat_ms = subscriber->shard->hub->conf->heartbeat_ms;
    uint64_t due_ms = subscriber->end_ms;
    if (heartbeat_ms && subscriber->last_sent_ms + heartbeat_ms < due_ms)
        due_ms = subscriber->last_sent_ms + heartbeat_ms;
    if (due_ms != UINT64_MAX)
        timer_set(subscriber->shard->loop, &subscriber->timer, due_ms);
}

// Deliveries do not touch the timer: when it fires, it looks whether the stream has been silent so long.
static void fire(struct timer *timer)
{
    struct subscriber *subscriber = CONTAINER_OF(timer, struct subscriber, timer);
    uint64_t now_ms = loop_now_ms(subscriber->shard->loop);
    if (subscriber->ending) {
        http_stream_cut(subscriber->stream, HTTP_CLOSE_STALLED);
        return;
    }
    if (now_ms >= subscriber->end_ms) {
        subscriber_end(subscriber);
        return;
    }
    if (now_ms >= subscriber->last_sent_ms + subscriber->shard->hub->conf->heartbeat_ms) {
        send_comment(subscriber);
        subscriber->last_sent_ms = now_ms;
    }
    set_timer(subscriber);
}

void subscriber_end(struct subscriber *subscriber)
{
    if (subscriber->ending)
        return;
    subscriber->ending = true;
    if (subscriber->backlog)
        list_remove(&subscriber->backlog->waiting);
    timer_set(subscriber->shard->loop, &subscriber->timer,
              loop_now_ms(subscriber->shard->loop) + END_GRACE_MS);
    http_stream_end(subscriber->stream);
}

void subscriber_cut(struct subscriber *subscriber)
{
    subscriber->ending = true;
    cursor_done(subscriber); // what was due may be in a tail that is about to go
    if (subscriber->stream)
        http_stream_cut(subscriber->stream, HTTP_CLOSE_ENDED);
}

static int subscribe_exact(struct subscriber *subscriber, struct matcher_slot *slot,
                           struct subscription subscription, struct str text)
{
    struct topics *topics = &subscriber->shard->topics;
    slot->topic = topics_get(topics, text);
    if (!slot->topic)
        return -ENOMEM;
    int err = topic_subscribe(topics, slot->topic, subscription, &slot->index);
    if (err)
        topics_release(topics, slot->topic);
    return err;
}

static int subscribe_pattern(struct matcher_slot *slot, struct subscription subscription,
                             struct pattern *pattern)
{
    slot->use = pattern_use_get(pattern);
    if (!slot->use)
        return -ENOMEM;
    slot->is_pattern = true;
    int err = subscription_list_add(&slot->use->subscriptions, subscription, &slot->index);
    if (err)
        pattern_use_release(slot->use);
    return err;
}

static int subscribe_all(struct subscriber *subscriber)
{
    if (subscriber->star)
        return HUB_OK; // "*" was written in two ways
    int err = shard_add_star(subscriber->shard, subscriber, &subscriber->star_index);
    subscriber->star = err == HUB_OK;
    return err;
}

static int subscribe(struct subscriber *subscriber, const struct matcher *matcher)
{
    if (str_eq(matcher->text, STR("*")))
        return subscribe_all(subscriber);
    struct hub *hub = subscriber->shard->hub;
    struct matcher_slot *slot = &subscriber->matchers[subscriber->matcher_count];
    struct subscription subscription = {.subscriber = subscriber, .slot = subscriber->matcher_count};
    int err = matcher->pattern ? subscribe_pattern(slot, subscription, matcher->pattern)
                               : subscribe_exact(subscriber, slot, subscription, matcher->text);
    if (err)
        return err;
    if (!quota_take(&hub->matcher_bytes, matcher_memory(slot), hub->conf->max_matcher_bytes)) {
        leave_list(subscriber->shard, slot);
        return HUB_E_TOO_BIG;
    }
    subscriber->patterns = subscriber->patterns || matcher->pattern;
    subscriber->matcher_count++;
    return HUB_OK;
}

static int register_subscriber(struct subscriber *subscriber, const struct subscriber_config *config)
{
    struct shard *shard = subscriber->shard;
    for (size_t i = 0; i < config->matcher_count; i++) {
        int err = subscribe(subscriber, &config->matchers[i]);
        if (err)
            return err;
    }
    if (config->authorization) {
        int err = grants_add(&shard->grants, config->authorization, subscriber, &subscriber->grant,
                             &subscriber->grant_index);
        if (err)
            return err;
    }
    return cursor_fall_behind(subscriber, config->offset, &config->position);
}

// A place among max_subscribers; false when there is none.
static bool take_place(struct hub *hub)
{
    uint64_t max = hub->conf->max_subscribers; // 0: any number
    return quota_take(&hub->subscribers, 1, max ? max : SIZE_MAX);
}

static int make(struct subscriber **ret_subscriber, const struct subscriber_config *config)
{
    struct shard *shard = config->shard;
    struct subscriber *subscriber = take_memory(shard, config->matcher_count);
    if (!subscriber)
        return -ENOMEM;
    subscriber->shard = shard;
    subscriber->many = config->matcher_count > 1;
    subscriber->legacy = config->legacy;
    subscriber->end_ms = config->end_ms;
    subscriber->last_sent_ms = loop_now_ms(shard->loop);
    subscriber->comment_due = true; // the greeting
    timer_init(&subscriber->timer, fire);
    list_init(&subscriber->node);
    int err = register_subscriber(subscriber, config);
    if (err) {
        free_subscriber(subscriber);
        return err;
    }
    *ret_subscriber = subscriber;
    return HUB_OK;
}

int subscriber_new(struct subscriber **ret_subscriber, const struct subscriber_config *config)
{
    struct shard *shard = config->shard;
    if (!take_place(shard->hub))
        return HUB_E_FULL;
    int err = make(ret_subscriber, config);
    if (err)
        leave_place(shard->hub);
    return err;
}

void subscriber_attach(struct subscriber *subscriber, struct http_stream *stream)
{
    struct shard *shard = subscriber->shard;
    list_append(&shard->subscribers, &subscriber->node);
    counter_add(&shard->metrics.subscribers, 1);
    counter_add(&shard->metrics.subscribers_total, 1);
    subscriber->stream = stream;
    set_timer(subscriber);
    if (subscriber->ending) // it was cut before it had a stream
        http_stream_cut(stream, HTTP_CLOSE_ENDED);
}

void subscriber_drop(struct subscriber *subscriber)
{
    leave_place(subscriber->shard->hub);
    free_subscriber(subscriber);
}

// ---- Matching one record ----

static bool slot_matches(const struct matcher_slot *slot, struct str topic, uint32_t hash)
{
    if (slot->is_pattern)
        return pattern_matches(slot->use->pattern, topic);
    const struct topic *own = slot->topic;
    return own->stable_hash == hash && str_eq(str_make(own->text, own->len), topic);
}

static bool has_topic(const struct subscriber *subscriber, struct str topic, uint32_t hash)
{
    for (uint16_t i = 0; i < subscriber->matcher_count; i++) {
        if (slot_matches(&subscriber->matchers[i], topic, hash))
            return true;
    }
    return false;
}

// Of a subscription event each generation has a topic of its own.
static bool is_of_other_generation(const struct subscriber *subscriber, const struct record *record,
                                   unsigned index)
{
    return record->flags & RECORD_SUBSCRIPTION && index != subscriber->legacy;
}

bool subscriber_matches(const struct subscriber *subscriber, const struct record *record)
{
    if (subscriber->star)
        return true;
    struct record_topics walk = {0};
    struct str topic;
    uint32_t hash;
    for (unsigned i = 0; record_next_topic(record, &walk, &topic, &hash); i++) {
        if (is_of_other_generation(subscriber, record, i))
            continue;
        if (has_topic(subscriber, topic, hash))
            return true;
    }
    return false;
}

static bool is_expired(const struct subscriber *subscriber, const struct record *record)
{
    uint64_t ttl_ms = subscriber->shard->hub->conf->subscription_event_ttl_ms;
    return record->time_ms + ttl_ms < clock_real_ms();
}

bool subscriber_takes_event(const struct subscriber *subscriber, const struct record *record)
{
    if (subscriber->legacy && record->topic_count < GENERATIONS)
        return false; // written when the hub did not serve 0.x
    return subscriber_matches(subscriber, record) && !is_expired(subscriber, record);
}

bool subscriber_wants(const struct subscriber *subscriber, const struct record *record)
{
    bool is_private = record->flags & RECORD_PRIVATE;
    if (is_private && !subscriber->grant)
        return false;
    bool matches = record->flags & RECORD_SUBSCRIPTION ? subscriber_takes_event(subscriber, record)
                                                       : subscriber_matches(subscriber, record);
    if (!matches)
        return false;
    return !is_private || grant_covers_record(subscriber->grant, record);
}
