#include "hub/sequencer.h"

#include "base/assert.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/random.h"
#include "conf/conf.h"
#include "hub/hub.h"
#include "hub/messages.h"
#include "hub/shard.h"
#include "hub/tail.h"
#include "loop/loop.h"
#include "mercure/update.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

// A group is one transaction or round trip of the transport. Its bounds keep the time of one in hand.
#define GROUP_MAX 1024
#define GROUP_BYTES_MAX (4U << 20)
// How often the log is told of the transport's health at most.
#define HEALTH_LOG_MS 1000
// About what a topic and its chain take in the index of one worker, besides its text.
#define TOPIC_MEMORY 96

// What the tails hold, oldest first: for the decision of what goes.
struct held_update {
    struct position position;
    uint32_t cost; // bytes in this process, every worker's index with it
};

struct sequencer {
    struct sequencer_config config;
    const struct transport_ops *ops;
    struct transport *transport;
    bool open; // publishes are taken
    bool closing;
    const char *not_open; // why, when it is not
    struct message close_message;

    uint64_t node; // of records of this process
    uint64_t boot;
    uint64_t sequence;
    struct list queue;      // publish_requests that wait for the next group
    struct list collecting; // in config.collecting
    bool in_flight;
    struct publish_group group;
    struct publish_request *requests[GROUP_MAX]; // of the group
    struct update *updates[GROUP_MAX];
    enum publish_result results[GROUP_MAX];

    struct held_update *held; // a ring by offset
    size_t held_mask;
    uint64_t first_offset; // of the oldest held
    uint64_t next_offset;
    size_t held_bytes;
    struct position head;   // of the newest fed
    struct position oldest; // that the transport keeps, once it has dropped some
    bool started;           // the workers' tails have their beginning

    uint64_t posted_bytes;
    atomic_bool is_held; // a worker lags too far: no publishes are taken and the feed is paused

    bool is_ready; // as last logged
    bool has_warning;
    uint64_t health_checked_ms;

    struct list locating;       // locate_requests that wait for the feed to reach their head
    struct replay_request fill; // of the tail, at the start
    struct sequencer_metrics metrics;
};

static void pump(struct sequencer *sequencer);

// ---- Batches to the workers ----

static int grow_held(struct sequencer *sequencer)
{
    size_t size = sequencer->held ? 2 * (sequencer->held_mask + 1) : 1024;
    struct held_update *held = malloc(size * sizeof(*held));
    if (!held)
        return -ENOMEM;
    for (uint64_t offset = sequencer->first_offset; offset < sequencer->next_offset; offset++)
        held[offset & (size - 1)] = sequencer->held[offset & sequencer->held_mask];
    free(sequencer->held);
    sequencer->held = held;
    sequencer->held_mask = size - 1;
    return HUB_OK;
}

static struct held_update *held_at(const struct sequencer *sequencer, uint64_t offset)
{
    return &sequencer->held[offset & sequencer->held_mask];
}

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

static uint32_t cost_of(const struct sequencer *sequencer, const struct update *update)
{
    size_t per_worker = tail_entry_memory(update->record.topic_count) + topics_size(&update->record);
    size_t cost = update_memory(update) + sequencer->config.shard_count * per_worker;
    return cost < UINT32_MAX ? (uint32_t)cost : UINT32_MAX;
}

static void drop_oldest(struct sequencer *sequencer)
{
    sequencer->held_bytes -= held_at(sequencer, sequencer->first_offset)->cost;
    sequencer->first_offset++;
}

static int hold(struct sequencer *sequencer, const struct feed_entry *entry)
{
    if (!sequencer->held || sequencer->next_offset - sequencer->first_offset > sequencer->held_mask) {
        int err = grow_held(sequencer);
        if (err)
            return err;
    }
    struct held_update *held = held_at(sequencer, sequencer->next_offset);
    *held = (struct held_update){.position = entry->position, .cost = cost_of(sequencer, entry->update)};
    sequencer->next_offset++;
    sequencer->held_bytes += held->cost;
    while (sequencer->held_bytes > sequencer->config.tail_max_bytes)
        drop_oldest(sequencer);
    return HUB_OK;
}

static struct batch *new_batch(struct sequencer *sequencer, size_t count)
{
    size_t shards = sequencer->config.shard_count;
    size_t head = sizeof(struct batch) + shards * sizeof(struct batch_post);
    struct batch *batch = malloc(head + count * sizeof(struct feed_entry));
    // What is stored and cannot be told to the workers would be missing from streams that go on: better none.
    HUB_ASSERT(batch);
    *batch =
        (struct batch){.entries = (void *)((char *)batch + head), .first_offset = sequencer->next_offset};
    atomic_init(&batch->workers_left, (unsigned)shards);
    return batch;
}

static void add_to_batch(struct sequencer *sequencer, struct batch *batch, const struct feed_entry *entry)
{
    int err = hold(sequencer, entry);
    HUB_ASSERT(err == HUB_OK); // as above
    // One reference for each worker; the first is the feed's.
    ref_get_many(&entry->update->ref, (unsigned)sequencer->config.shard_count - 1);
    batch->memory += update_memory(entry->update);
    batch->entries[batch->count++] = *entry;
    sequencer->head = entry->position;
}

static uint64_t slowest_applied(const struct sequencer *sequencer)
{
    uint64_t least = UINT64_MAX;
    for (size_t i = 0; i < sequencer->config.shard_count; i++) {
        uint64_t applied = atomic_load(&sequencer->config.shards[i]->applied_bytes);
        if (applied < least)
            least = applied;
    }
    return least;
}

static bool lags(const struct sequencer *sequencer, size_t bound)
{
    return sequencer->posted_bytes - slowest_applied(sequencer) > bound;
}

// The transport pauses while the tails are filled and while a worker lags, and is left alone once it is
// closed.
static void update_pause(struct sequencer *sequencer)
{
    if (sequencer->open)
        sequencer->ops->pause(sequencer->transport, atomic_load(&sequencer->is_held));
}

static void release_hold(struct sequencer *sequencer)
{
    atomic_store(&sequencer->is_held, false);
    update_pause(sequencer);
    pump(sequencer);
}

// Holds publishing back when the slowest worker lags too far.
static void check_lag(struct sequencer *sequencer)
{
    if (atomic_load(&sequencer->is_held) || !lags(sequencer, sequencer->config.worker_lag_max))
        return;
    counter_add(&sequencer->metrics.held, 1);
    atomic_store(&sequencer->is_held, true);
    update_pause(sequencer);
    // A worker that applied its last batch just before has not seen the flag, so it is asked once more.
    if (!lags(sequencer, sequencer->config.worker_lag_max / 2))
        release_hold(sequencer);
}

static void post_batch(struct sequencer *sequencer, struct batch *batch)
{
    batch->trim_to = sequencer->first_offset;
    batch->oldest = sequencer->oldest;
    sequencer->posted_bytes += batch->memory;
    counter_add(&sequencer->metrics.fed, batch->count);
    counter_set(&sequencer->metrics.tail_updates, sequencer->next_offset - sequencer->first_offset);
    counter_set(&sequencer->metrics.tail_bytes, sequencer->held_bytes);
    for (size_t i = 0; i < sequencer->config.shard_count; i++) {
        struct shard *shard = sequencer->config.shards[i];
        batch->posts[i] =
            (struct batch_post){.message.handle = shard_handle_batch, .batch = batch, .shard = shard};
    }
    // From the first post on the batch belongs to the workers, the last of which frees it.
    size_t shards = sequencer->config.shard_count;
    for (size_t i = 0; i < shards; i++)
        mailbox_post(&sequencer->config.shards[i]->loop->mailbox, &batch->posts[i].message);
    check_lag(sequencer);
}

// Tells the workers where their tails begin.
static void post_start(struct sequencer *sequencer, const struct position *before, bool epoch_changed)
{
    struct batch *batch = new_batch(sequencer, 0);
    batch->starts = true;
    batch->epoch_changed = epoch_changed;
    batch->before = *before;
    sequencer->head = *before;
    sequencer->started = true;
    post_batch(sequencer, batch);
}

// ---- Publishing ----

// Answers go into the outbox of their worker's shard; post_settled follows.
static void settle(struct publish_request *request, enum publish_result result, const char *reason)
{
    ref_put(&request->update->ref);
    request->update = NULL;
    request->result = result;
    request->reason = reason;
    request->message.handle = request->settled;
    outbox_add(&request->shard->settled, &request->message);
}

static void post_settled(struct sequencer *sequencer)
{
    for (size_t i = 0; i < sequencer->config.shard_count; i++) {
        struct shard *shard = sequencer->config.shards[i];
        outbox_post(&shard->settled, &shard->loop->mailbox);
    }
}

static void refuse(struct sequencer *sequencer, struct publish_request *request, const char *reason)
{
    counter_add(&sequencer->metrics.refused, 1);
    settle(request, PUBLISH_REFUSED, reason);
}

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

static void group_done(struct publish_group *group)
{
    struct sequencer *sequencer = CONTAINER_OF(group, struct sequencer, group);
    sequencer->in_flight = false;
    log_health(sequencer);
    for (size_t i = 0; i < group->count; i++) {
        if (group->results[i] == PUBLISH_REFUSED) {
            refuse(sequencer, sequencer->requests[i], group->reason);
            continue;
        }
        if (group->results[i] == PUBLISH_STORED)
            counter_add(&sequencer->metrics.stored, 1);
        settle(sequencer->requests[i], group->results[i], group->reason);
    }
    post_settled(sequencer);
    if (sequencer->closing)
        sequencer->ops->close(sequencer->transport);
    else
        pump(sequencer);
}

// Takes what waits into the group, up to its bounds.
static void fill_group(struct sequencer *sequencer)
{
    size_t count = 0;
    size_t bytes = 0;
    struct list *node;
    while (count < GROUP_MAX && bytes < GROUP_BYTES_MAX && (node = list_first(&sequencer->queue)) != NULL) {
        struct publish_request *request = CONTAINER_OF(node, struct publish_request, queued);
        list_remove(node);
        update_stamp(request->update, sequencer->node, sequencer->boot, ++sequencer->sequence);
        bytes += update_memory(request->update);
        sequencer->requests[count] = request;
        sequencer->updates[count++] = request->update;
    }
    sequencer->group = (struct publish_group){
        .updates = sequencer->updates, .results = sequencer->results, .count = count, .done = group_done};
}

static void pump(struct sequencer *sequencer)
{
    if (!sequencer->open || sequencer->in_flight || atomic_load(&sequencer->is_held) ||
        list_empty(&sequencer->queue))
        return;
    fill_group(sequencer);
    counter_add(&sequencer->metrics.groups, 1);
    sequencer->in_flight = true;
    int err = sequencer->ops->publish(sequencer->transport, &sequencer->group);
    if (err) {
        sequencer->in_flight = false;
        for (size_t i = 0; i < sequencer->group.count; i++)
            refuse(sequencer, sequencer->requests[i], err_text(err));
        post_settled(sequencer);
    }
}

void sequencer_handle_publish(struct message *message)
{
    struct publish_request *request = CONTAINER_OF(message, struct publish_request, message);
    struct sequencer *sequencer = request->sequencer;
    if (!sequencer->open) {
        refuse(sequencer, request, sequencer->not_open);
        post_settled(sequencer);
        return;
    }
    list_append(&sequencer->queue, &request->queued);
    list_remove(&sequencer->collecting);
    list_append(sequencer->config.collecting, &sequencer->collecting);
}

void sequencer_end_turn(struct list *collecting)
{
    struct list *node;
    while ((node = list_first(collecting)) != NULL) {
        list_remove(node);
        pump(CONTAINER_OF(node, struct sequencer, collecting));
    }
}

void sequencer_handle_resume(struct message *message)
{
    struct resume_request *resume = CONTAINER_OF(message, struct resume_request, message);
    struct sequencer *sequencer = resume->sequencer;
    atomic_store(&resume->posted, false);
    // Half of the bound, so that it does not stop and go with each batch.
    if (atomic_load(&sequencer->is_held) && !lags(sequencer, sequencer->config.worker_lag_max / 2))
        release_hold(sequencer);
}

// ---- Looking an id up ----

static void reply_located(struct locate_request *request)
{
    request->message.handle = request->located;
    mailbox_post(&request->shard->loop->mailbox, &request->message);
}

static void look_up(struct locate_request *request)
{
    struct sequencer *sequencer = request->sequencer;
    int err = sequencer->open ? sequencer->ops->find(sequencer->transport, &request->find) : HUB_E_CLOSED;
    if (err) {
        request->find.err = err;
        reply_located(request);
    }
}

static void look_up_again(struct locate_request *request)
{
    request->last_try = true;
    look_up(request);
}

// The feed may be behind what the client has seen through a faster node: an id that is not there is looked up
// again once the feed has come to where the transport is now.
static void head_known(struct head_request *head)
{
    struct locate_request *request = CONTAINER_OF(head, struct locate_request, head);
    if (head->err) {
        request->find.err = head->err;
        reply_located(request);
    } else if (position_cmp(&head->head, &request->sequencer->head) > 0) {
        list_append(&request->sequencer->locating, &request->waiting);
    } else {
        look_up_again(request);
    }
}

static void found(struct find_request *find)
{
    struct locate_request *request = CONTAINER_OF(find, struct locate_request, find);
    struct sequencer *sequencer = request->sequencer;
    if (find->err || find->found || request->last_try) {
        reply_located(request);
        return;
    }
    request->head.done = head_known;
    int err = sequencer->open ? sequencer->ops->head(sequencer->transport, &request->head) : HUB_E_CLOSED;
    if (err) {
        find->err = err;
        reply_located(request);
    }
}

void sequencer_handle_locate(struct message *message)
{
    struct locate_request *request = CONTAINER_OF(message, struct locate_request, message);
    list_init(&request->waiting);
    request->find.done = found;
    look_up(request);
}

static void wake_locating(struct sequencer *sequencer)
{
    LIST_FOREACH (node, &sequencer->locating) {
        struct locate_request *request = CONTAINER_OF(node, struct locate_request, waiting);
        if (sequencer->open && position_cmp(&request->head.head, &sequencer->head) > 0)
            continue;
        list_remove(node);
        look_up_again(request);
    }
}

// ---- Slices of history ----

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
    struct batch *batch = new_batch(sequencer, count);
    for (size_t i = 0; i < count; i++) {
        // What came with the filling of the tail may come by once more.
        if (sequencer->head.len && position_cmp(&entries[i].position, &sequencer->head) <= 0)
            ref_put(&entries[i].update->ref);
        else
            add_to_batch(sequencer, batch, &entries[i]);
    }
    post_batch(sequencer, batch);
    wake_locating(sequencer);
}

static void on_trimmed(void *arg, const struct position *oldest)
{
    struct sequencer *sequencer = arg;
    sequencer->oldest = *oldest;
    while (sequencer->first_offset < sequencer->next_offset &&
           position_cmp(&held_at(sequencer, sequencer->first_offset)->position, oldest) < 0)
        drop_oldest(sequencer);
}

static void on_epoch(void *arg, uint64_t epoch)
{
    struct sequencer *sequencer = arg;
    LOG(LOG_LEVEL_WARN, "The transport has gone back to an older state: streams are cut and come back",
        LOG_U64("epoch", epoch));
    while (sequencer->first_offset < sequencer->next_offset)
        drop_oldest(sequencer);
    post_start(sequencer, &(struct position){0}, true);
}

static void on_closed(void *arg)
{
    struct sequencer *sequencer = arg;
    sequencer->transport = NULL;
    sequencer->config.closed(sequencer->config.arg);
}

static void fail_open(struct sequencer *sequencer, int err, const char *reason)
{
    sequencer->not_open = "the transport could not be opened";
    sequencer->config.opened(sequencer->config.arg, err, reason);
}

static void finish_open(struct sequencer *sequencer)
{
    LOG(LOG_LEVEL_INFO, "The newest updates of the history are in memory",
        LOG_U64("updates", sequencer->next_offset - sequencer->first_offset),
        LOG_U64("bytes", sequencer->held_bytes));
    sequencer->open = sequencer->is_ready = true;
    update_pause(sequencer);
    sequencer->config.opened(sequencer->config.arg, HUB_OK, "");
}

static int post_slice(struct sequencer *sequencer, const struct history_slice *slice)
{
    struct batch *batch = new_batch(sequencer, slice->count);
    for (size_t i = 0; i < slice->count; i++) {
        struct feed_entry entry = {.position = slice->entries[i].position};
        int err = update_from_record(&entry.update, slice->entries[i].record.bytes);
        if (err) {
            post_batch(sequencer, batch);
            return err;
        }
        add_to_batch(sequencer, batch, &entry);
    }
    post_batch(sequencer, batch);
    return HUB_OK;
}

static void filled(struct replay_request *fill)
{
    struct sequencer *sequencer = CONTAINER_OF(fill, struct sequencer, fill);
    struct history_slice *slice = fill->slice;
    int err = sequencer->closing ? HUB_E_CLOSED : fill->err;
    bool end = false;
    if (!err) {
        if (!sequencer->started)
            post_start(sequencer, &slice->after, false);
        err = post_slice(sequencer, slice);
        end = slice->end;
        fill->from = REPLAY_AFTER;
        fill->after = sequencer->head;
    }
    if (slice)
        ref_put(&slice->ref);
    if (!err && !end)
        err = sequencer->ops->replay(sequencer->transport, fill);
    if (err)
        fail_open(sequencer, err, err_text(err));
    else if (end)
        finish_open(sequencer);
}

static void on_opened(void *arg, int err, const char *reason, uint64_t epoch)
{
    struct sequencer *sequencer = arg;
    if (err || sequencer->closing) {
        fail_open(sequencer, err ? err : HUB_E_CLOSED, reason);
        return;
    }
    LOG(LOG_LEVEL_DEBUG, "The transport is open", LOG_U64("epoch", epoch));
    if (!sequencer->ops->has_history) {
        post_start(sequencer, &(struct position){0}, false);
        finish_open(sequencer);
        return;
    }
    sequencer->ops->pause(sequencer->transport, true);
    sequencer->fill = (struct replay_request){
        .from = REPLAY_NEWEST, .max_bytes = sequencer->config.tail_max_bytes / 2, .done = filled};
    err = sequencer->ops->replay(sequencer->transport, &sequencer->fill);
    if (err)
        fail_open(sequencer, err, err_text(err));
}

static const struct transport_events events = {
    .opened = on_opened,
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
    sequencer->config = *config;
    sequencer->not_open = "the transport is being opened";
    sequencer->first_offset = sequencer->next_offset = TAIL_FIRST_OFFSET;
    sequencer->boot = clock_real_ms();
    random_bytes(&sequencer->node, sizeof(sequencer->node));
    list_init(&sequencer->queue);
    list_init(&sequencer->collecting);
    list_init(&sequencer->locating);
    *ret_sequencer = sequencer;
    return HUB_OK;
}

void sequencer_free(struct sequencer *sequencer)
{
    if (!sequencer)
        return;
    list_remove(&sequencer->collecting);
    free(sequencer->held);
    free(sequencer);
}

#define NOTES_MAX 4096U

// Checks the URL, and logs what is to be known of it though it is good.
static int check_url(const struct transport_ops *ops, struct str url, struct buf *reterr)
{
    struct buf notes;
    buf_init(&notes, NOTES_MAX);
    int err = ops->check(url, &notes, reterr);
    struct str left = buf_str(&notes);
    struct str note;
    while (!err && str_split(&left, '\n', &note)) {
        if (note.len)
            LOG(LOG_LEVEL_WARN, "The transport's URL", LOG_STR("note", note));
    }
    buf_done(&notes);
    return err;
}

int sequencer_open(struct sequencer *sequencer, struct buf *reterr)
{
    const struct hub *hub = sequencer->config.hub;
    struct str url = hub->conf->transport_url;
    sequencer->ops = transport_driver_find(url, reterr);
    if (!sequencer->ops)
        return HUB_E_UNSUPPORTED;
    int err = check_url(sequencer->ops, url, reterr);
    if (err)
        return err;
    struct transport_config config = {
        .loop = sequencer->config.loop,
        .hub = hub->number,
        .url = url,
        .events = &events,
        .arg = sequencer,
    };
    return sequencer->ops->open(&sequencer->transport, &config, reterr);
}

static void handle_closed(struct message *message)
{
    on_closed(CONTAINER_OF(message, struct sequencer, close_message));
}

void sequencer_close(struct sequencer *sequencer)
{
    sequencer->closing = true;
    sequencer->open = false;
    sequencer->not_open = "the hub stops";
    struct list *node;
    while ((node = list_first(&sequencer->queue)) != NULL) {
        list_remove(node);
        refuse(sequencer, CONTAINER_OF(node, struct publish_request, queued), sequencer->not_open);
    }
    post_settled(sequencer);
    wake_locating(sequencer);
    if (!sequencer->transport) {
        sequencer->close_message.handle = handle_closed;
        sequencer_post(sequencer, &sequencer->close_message);
    } else if (!sequencer->in_flight) {
        sequencer->ops->close(sequencer->transport);
    }
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
