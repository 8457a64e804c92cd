#include "hub/sequencer_priv.h"

#include "base/err.h"
#include "base/log.h"
#include "conf/conf.h"
#include "hub/attendance.h"
#include "hub/hub.h"
#include "hub/messages.h"
#include "hub/shard.h"
#include "loop/loop.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

// How often the log is told of the transport's health at most.
#define HEALTH_LOG_MS 1000

// ---- Holding back ----

static void send_publishes(struct sequencer *sequencer)
{
    if (sequencer->sends && (sequencer->closing || !atomic_load(&sequencer->is_held)))
        publish_queue_send(&sequencer->publishes, sequencer->transport);
}

void sequencer_update_pause(struct sequencer *sequencer)
{
    if (sequencer->open)
        sequencer->ops->pause(sequencer->transport, atomic_load(&sequencer->is_held));
}

static void release_hold(struct sequencer *sequencer)
{
    atomic_store(&sequencer->is_held, false);
    sequencer_update_pause(sequencer);
    send_publishes(sequencer);
}

// Whether the slowest worker is near enough to go on: half of the bound, so that it does not stop and go with
// each batch.
static bool has_caught_up(const struct sequencer *sequencer)
{
    return !broadcast_lags(&sequencer->broadcast, sequencer->config.hub->conf->worker_lag_max / 2);
}

// Holds publishing back when the slowest worker lags too far.
static void check_lag(struct sequencer *sequencer)
{
    if (atomic_load(&sequencer->is_held) ||
        !broadcast_lags(&sequencer->broadcast, sequencer->config.hub->conf->worker_lag_max))
        return;
    counter_add(&sequencer->metrics.held, 1);
    atomic_store(&sequencer->is_held, true);
    sequencer_update_pause(sequencer);
    // A worker that applied its last batch just before has not seen the flag, so it is asked once more.
    if (has_caught_up(sequencer))
        release_hold(sequencer);
}

void sequencer_handle_resume(struct message *message)
{
    struct resume_request *resume = CONTAINER_OF(message, struct resume_request, message);
    struct sequencer *sequencer = resume->sequencer;
    atomic_store(&resume->posted, false);
    if (atomic_load(&sequencer->is_held) && has_caught_up(sequencer))
        release_hold(sequencer);
}

void sequencer_batch_posted(struct sequencer *sequencer)
{
    const struct tail_budget *tail = &sequencer->broadcast.tail;
    counter_set(&sequencer->metrics.fed, sequencer->broadcast.fed);
    counter_set(&sequencer->metrics.tail_updates, tail->next - tail->first);
    counter_set(&sequencer->metrics.tail_bytes, tail->bytes);
    check_lag(sequencer);
}

// ---- Publishing ----

// Tells the log, once, that the store takes nothing, that it does again, and what it warns of.
static void log_health(struct sequencer *sequencer)
{
    uint64_t now_ms = loop_now_ms(sequencer->config.loop);
    if (now_ms < sequencer->health_checked_ms + HEALTH_LOG_MS)
        return;
    sequencer->health_checked_ms = now_ms;
    struct transport_health health;
    sequencer->ops->health(sequencer->transport, &health);
    if (sequencer->is_ready && !health.ready)
        LOG(LOG_LEVEL_ERROR, "Updates cannot be stored", LOG_C("reason", health.reason));
    else if (!sequencer->is_ready && health.ready)
        LOG(LOG_LEVEL_INFO, "Updates can be stored again");
    sequencer->is_ready = health.ready;
    if (*health.warning && !sequencer->has_warning)
        LOG(LOG_LEVEL_WARN, "The transport warns", LOG_C("reason", health.warning));
    sequencer->has_warning = *health.warning != 0;
}

// Closes the transport once everything that was begun is settled: what waited to be stored, and the ends of
// streams that had to end for it.
static void close_when_settled(struct sequencer *sequencer)
{
    if (!sequencer->closing || sequencer->transport_closing)
        return;
    send_publishes(sequencer);
    if (sequencer->publishes.in_flight || !publish_queue_is_empty(&sequencer->publishes) ||
        (sequencer->has_presence && !presence_has_ended(&sequencer->presence)))
        return;
    sequencer->sends = false;
    sequencer->transport_closing = true;
    sequencer->ops->close(sequencer->transport);
}

static void group_done(struct publish_queue *queue)
{
    struct sequencer *sequencer = CONTAINER_OF(queue, struct sequencer, publishes);
    log_health(sequencer);
    send_publishes(sequencer);
    close_when_settled(sequencer);
}

// The answers of a worker's publishes are posted together.
static void publish_settled(struct queued_update *queued)
{
    struct publish_request *request = CONTAINER_OF(queued, struct publish_request, queued);
    request->message.handle = request->settled;
    outbox_add(&request->shard->answers, &request->message);
}

static void post_answers(const struct sequencer *sequencer)
{
    for (size_t i = 0; i < sequencer->config.shard_count; i++) {
        struct shard *shard = sequencer->config.hub->shards[i];
        outbox_post(&shard->answers, &shard->loop->mailbox);
    }
}

static void publishes_answered(struct publish_queue *queue)
{
    post_answers(CONTAINER_OF(queue, struct sequencer, publishes));
}

static void add_publish(struct sequencer *sequencer, struct queued_update *queued)
{
    publish_queue_add(&sequencer->publishes, queued);
    list_remove(&sequencer->collecting);
    list_append(sequencer->config.collecting, &sequencer->collecting);
}

void sequencer_handle_publish(struct message *message)
{
    struct publish_request *request = CONTAINER_OF(message, struct publish_request, message);
    struct sequencer *sequencer = request->sequencer;
    request->queued.settled = publish_settled;
    if (sequencer->open)
        add_publish(sequencer, &request->queued);
    else
        publish_queue_refuse(&sequencer->publishes, &request->queued, sequencer->not_open);
}

void sequencer_end_turn(struct list *collecting)
{
    struct list *node;
    while ((node = list_first(collecting)) != NULL) {
        struct sequencer *sequencer = CONTAINER_OF(node, struct sequencer, collecting);
        list_remove(node);
        send_publishes(sequencer);
        close_when_settled(sequencer);
    }
}

// ---- Subscriptions ----

static void publish_event(void *arg, struct queued_update *queued)
{
    add_publish(arg, queued);
}

static bool store_is_ready(void *arg)
{
    const struct sequencer *sequencer = arg;
    struct transport_health health;
    sequencer->ops->health(sequencer->transport, &health);
    return health.ready;
}

static void presence_ended(void *arg)
{
    close_when_settled(arg);
}

void sequencer_handle_attend(struct message *message)
{
    struct attendance *attendance = CONTAINER_OF(message, struct attendance, message);
    struct sequencer *sequencer = attendance->shard->hub->sequencer;
    presence_attend(&sequencer->presence, attendance);
    post_answers(sequencer);
}

void sequencer_handle_leave(struct message *message)
{
    struct attendance *attendance = CONTAINER_OF(message, struct attendance, message);
    presence_leave(&attendance->shard->hub->sequencer->presence, attendance);
}

void sequencer_handle_presence(struct message *message)
{
    struct presence_request *request = CONTAINER_OF(message, struct presence_request, message);
    presence_answer(&request->sequencer->presence, request);
}

static void start_presence(struct sequencer *sequencer)
{
    struct presence_config config = {
        .loop = sequencer->config.loop,
        .serves_legacy = sequencer->config.hub->serves_legacy,
        .publish = publish_event,
        .is_ready = store_is_ready,
        .ended = presence_ended,
        .arg = sequencer,
    };
    presence_init(&sequencer->presence, &config);
    sequencer->has_presence = sequencer->broadcast.keeps_newest = true;
}

// ---- Questions about history ----

void sequencer_handle_locate(struct message *message)
{
    struct locate_request *request = CONTAINER_OF(message, struct locate_request, message);
    lookups_start(&request->sequencer->lookups, request);
}

static void slice_read(struct replay_request *replay)
{
    struct slice_request *request = CONTAINER_OF(replay, struct slice_request, replay);
    request->message.handle = history_handle_slice;
    mailbox_post(&request->shard->loop->mailbox, &request->message);
}

void sequencer_handle_slice(struct message *message)
{
    struct slice_request *request = CONTAINER_OF(message, struct slice_request, message);
    struct sequencer *sequencer = request->sequencer;
    request->replay.done = slice_read;
    int err = sequencer->open ? sequencer->ops->replay(sequencer->transport, &request->replay) : HUB_E_CLOSED;
    if (err) {
        request->replay.err = err;
        slice_read(&request->replay);
    }
}

// ---- What the transport tells ----

static void on_feed(void *arg, struct feed_entry *entries, size_t count)
{
    struct sequencer *sequencer = arg;
    if (sequencer->has_presence)
        presence_note(&sequencer->presence, entries, count);
    broadcast_feed(&sequencer->broadcast, entries, count);
    if (sequencer->has_presence)
        post_answers(sequencer); // behind the updates that they answer
    sequencer_batch_posted(sequencer);
    lookups_wake(&sequencer->lookups);
}

static void on_trimmed(void *arg, const struct position *oldest)
{
    struct sequencer *sequencer = arg;
    broadcast_trim(&sequencer->broadcast, oldest);
}

static void on_epoch(void *arg, uint64_t epoch)
{
    struct sequencer *sequencer = arg;
    LOG(LOG_LEVEL_WARN, "The transport has gone back to an older state: streams are cut and come back",
        LOG_U64("epoch", epoch));
    const struct position nothing = {0};
    broadcast_trim(&sequencer->broadcast, &nothing); // which update is the oldest is not known any more
    broadcast_cut(&sequencer->broadcast, &nothing, "the transport has gone back to an older state");
    sequencer_batch_posted(sequencer);
    lookups_begin_anew(&sequencer->lookups);
}

static void on_closed(void *arg)
{
    struct sequencer *sequencer = arg;
    sequencer->transport = NULL;
    sequencer->config.closed(sequencer->config.arg);
}

const struct transport_events sequencer_transport_events = {
    .opened = sequencer_opened,
    .note = sequencer_opening_note,
    .feed = on_feed,
    .trimmed = on_trimmed,
    .epoch = on_epoch,
    .closed = on_closed,
};

// ---- Life ----

int sequencer_new(struct sequencer **ret_sequencer, const struct sequencer_config *config)
{
    struct sequencer *sequencer = calloc(1, sizeof(*sequencer));
    if (!sequencer)
        return -ENOMEM;
    const struct hub *hub = config->hub;
    int err =
        broadcast_init(&sequencer->broadcast, hub->shards, config->shard_count, hub->conf->tail_max_bytes);
    if (err) {
        free(sequencer);
        return err;
    }
    sequencer->config = *config;
    sequencer->not_open = "the transport is being opened";
    struct publish_queue_config publishes = {
        .metrics = &sequencer->metrics,
        .answered = publishes_answered,
        .done = group_done,
    };
    publish_queue_init(&sequencer->publishes, &publishes);
    lookups_init(&sequencer->lookups, &sequencer->broadcast.head);
    list_init(&sequencer->collecting);
    if (hub->conf->subscriptions)
        start_presence(sequencer);
    *ret_sequencer = sequencer;
    return HUB_OK;
}

void sequencer_free(struct sequencer *sequencer)
{
    if (!sequencer)
        return;
    list_remove(&sequencer->collecting);
    if (sequencer->has_presence)
        presence_done(&sequencer->presence);
    broadcast_done(&sequencer->broadcast);
    free(sequencer);
}

static void handle_closed(struct message *message)
{
    on_closed(CONTAINER_OF(message, struct sequencer, close_message));
}

void sequencer_close(struct sequencer *sequencer)
{
    sequencer->closing = true;
    sequencer->open = false;
    tail_fill_cancel(&sequencer->fill);
    sequencer->not_open = "the hub stops";
    publish_queue_refuse_all(&sequencer->publishes, sequencer->not_open); // ends of subscriptions come back
    sequencer->lookups.transport = NULL;
    lookups_wake(&sequencer->lookups);
    if (!sequencer->transport) {
        sequencer->close_message.handle = handle_closed;
        sequencer_post(sequencer, &sequencer->close_message);
        return;
    }
    if (sequencer->has_presence)
        presence_end(&sequencer->presence);
    close_when_settled(sequencer);
}

// ---- What others ask ----

void sequencer_health(const struct sequencer *sequencer, struct transport_health *ret_health)
{
    if (sequencer->open) {
        sequencer->ops->health(sequencer->transport, ret_health);
        return;
    }
    *ret_health = (struct transport_health){.live = true};
    (void)snprintf(ret_health->reason, sizeof(ret_health->reason), "%s", sequencer->not_open);
}

void sequencer_transport_metrics(const struct sequencer *sequencer, struct buf *buf)
{
    if (sequencer->open)
        sequencer->ops->metrics(sequencer->transport, buf);
}

const struct sequencer_metrics *sequencer_metrics(const struct sequencer *sequencer)
{
    return &sequencer->metrics;
}

bool sequencer_has_history(const struct sequencer *sequencer)
{
    return sequencer->ops->has_history;
}

bool sequencer_is_held(const struct sequencer *sequencer)
{
    return atomic_load(&sequencer->is_held);
}

void sequencer_post(struct sequencer *sequencer, struct message *message)
{
    mailbox_post(&sequencer->config.loop->mailbox, message);
}

void sequencer_post_all(struct sequencer *sequencer, struct outbox *messages)
{
    outbox_post(messages, &sequencer->config.loop->mailbox);
}
