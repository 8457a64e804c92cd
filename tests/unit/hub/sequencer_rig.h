// A sequencer between a transport that does what the test says and two workers that have nothing but their
// shards. All loops turn by hand, on the test's thread.
#pragma once

#include "base/err.h"
#include "conf/conf.h"
#include "hub/hub.h"
#include "hub/messages.h"
#include "hub/sequencer.h"
#include "hub/shard.h"
#include "loop/loop.h"
#include "mercure/update.h"
#include "transport/number.h"
#include "transport/slice.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define WORKERS 2U

// What was asked of the transport and is not answered yet.
struct fake {
    struct transport transport;
    struct transport_config config;
    struct transport_health health;
    uint64_t head;
    struct publish_group *group;
    size_t groups; // so far
    int publish_err;
    struct find_request *find;
    struct head_request *head_asked;
    struct replay_request *replay;
    bool paused;
    bool closed; // close was asked for
};

struct sequencer_rig {
    struct loop hub_loop;
    struct loop worker_loops[WORKERS];
    struct list collecting;
    struct conf conf;
    struct hub hub;
    struct shard shards[WORKERS];
    struct shard *table[WORKERS];
    struct sequencer *sequencer;
    struct fake fake;
    int opened;                  // 1 before
    struct history_slice *slice; // for the test to keep
    bool closed;
};

// ---- The transport ----

static inline struct fake *fake_of(struct transport *transport)
{
    return CONTAINER_OF(transport, struct fake, transport);
}

static struct sequencer_rig *rig_of(const struct transport_config *config)
{
    return CONTAINER_OF(config->loop, struct sequencer_rig, hub_loop);
}

static int fake_check(struct str url, struct buf *notes, struct buf *reterr)
{
    (void)url;
    (void)notes;
    (void)reterr;
    return HUB_OK;
}

extern const struct transport_ops fake_driver;
extern const struct transport_ops fake_driver_with_history;

static int open_fake(struct transport **ret_transport, const struct transport_config *config,
                     const struct transport_ops *ops)
{
    struct fake *fake = &rig_of(config)->fake;
    *fake = (struct fake){.transport.ops = ops, .config = *config, .health = {.ready = true, .live = true}};
    *ret_transport = &fake->transport;
    return HUB_OK;
}

static int fake_open(struct transport **ret_transport, const struct transport_config *config,
                     struct buf *reterr)
{
    (void)reterr;
    return open_fake(ret_transport, config, &fake_driver);
}

static int fake_open_with_history(struct transport **ret_transport, const struct transport_config *config,
                                  struct buf *reterr)
{
    (void)reterr;
    return open_fake(ret_transport, config, &fake_driver_with_history);
}

static void fake_close(struct transport *transport)
{
    fake_of(transport)->closed = true;
}

static int fake_publish(struct transport *transport, struct publish_group *group)
{
    struct fake *fake = fake_of(transport);
    assert_null(fake->group); // one group in flight
    fake->groups++;
    if (fake->publish_err)
        return fake->publish_err;
    fake->group = group;
    return HUB_OK;
}

static void fake_pause(struct transport *transport, bool paused)
{
    fake_of(transport)->paused = paused;
}

static int fake_head(struct transport *transport, struct head_request *request)
{
    fake_of(transport)->head_asked = request;
    return HUB_OK;
}

static int fake_find(struct transport *transport, struct find_request *request)
{
    fake_of(transport)->find = request;
    return HUB_OK;
}

static int fake_replay(struct transport *transport, struct replay_request *request)
{
    fake_of(transport)->replay = request;
    return HUB_OK;
}

static void fake_health(struct transport *transport, struct transport_health *ret_health)
{
    *ret_health = fake_of(transport)->health;
}

static void fake_metrics(struct transport *transport, struct buf *buf)
{
    (void)transport;
    (void)buf;
}

#define FAKE_OPS \
    .check = fake_check, .close = fake_close, .publish = fake_publish, .pause = fake_pause, \
    .head = fake_head, .find = fake_find, .replay = fake_replay, .health = fake_health, \
    .metrics = fake_metrics
const struct transport_ops fake_driver = {FAKE_OPS, .open = fake_open};
const struct transport_ops fake_driver_with_history = {FAKE_OPS, .open = fake_open_with_history,
                                                       .has_history = true};

// The feed of one update, which is `update` or a new one.
static inline void fake_feed(struct fake *fake, struct update *update)
{
    struct feed_entry entry = {.position = position_from_number(++fake->head), .update = update};
    fake->config.events->feed(fake->config.arg, &entry, 1);
}

// Stores the group in flight and feeds it.
static inline void fake_store(struct fake *fake)
{
    struct publish_group *group = fake->group;
    fake->group = NULL;
    for (size_t i = 0; i < group->count; i++) {
        ref_get(&group->updates[i]->ref);
        fake_feed(fake, group->updates[i]);
        group->results[i] = PUBLISH_STORED;
    }
    group->done(group);
}

// Answers the group in flight without feeding it.
static inline void fake_answer(struct fake *fake, enum publish_result result, const char *reason)
{
    struct publish_group *group = fake->group;
    fake->group = NULL;
    group->reason = reason;
    for (size_t i = 0; i < group->count; i++)
        group->results[i] = result;
    group->done(group);
}

// ---- The rig ----

static bool rig_end_turn(void *arg)
{
    struct sequencer_rig *rig = arg;
    sequencer_end_turn(&rig->collecting);
    return false;
}

static void rig_opened(void *arg, int err, const char *reason)
{
    (void)reason;
    struct sequencer_rig *rig = arg;
    rig->opened = err;
}

static void rig_closed(void *arg)
{
    struct sequencer_rig *rig = arg;
    rig->closed = true;
}

static void turn(struct loop *loop)
{
    // The end of a turn runs before the kernel is asked for the events of the next.
    (void)uv_run(&loop->uv, UV_RUN_NOWAIT);
    (void)uv_run(&loop->uv, UV_RUN_NOWAIT);
}

static inline void turn_workers(struct sequencer_rig *rig)
{
    for (size_t i = 0; i < WORKERS; i++)
        turn(&rig->worker_loops[i]);
}

static inline void turn_all(struct sequencer_rig *rig)
{
    turn(&rig->hub_loop);
    turn_workers(rig);
    turn(&rig->hub_loop);
}

// Loops allocate through a library's own calls, which are not failed: they are made once, outside of
// scenarios.
static inline void rig_init(struct sequencer_rig *rig)
{
    *rig = (struct sequencer_rig){.opened = 1};
    assert_int_equal(loop_init(&rig->hub_loop), HUB_OK);
    for (size_t i = 0; i < WORKERS; i++)
        assert_int_equal(loop_init(&rig->worker_loops[i]), HUB_OK);
    list_init(&rig->collecting);
    loop_add_hook(&rig->hub_loop, rig_end_turn, rig);
    rig->hub.conf = &rig->conf;
}

static inline void rig_done(struct sequencer_rig *rig)
{
    loop_done(&rig->hub_loop);
    for (size_t i = 0; i < WORKERS; i++)
        loop_done(&rig->worker_loops[i]);
}

// Up to the transport's having been asked to open.
static inline int rig_start(struct sequencer_rig *rig, const struct transport_ops *driver,
                            size_t tail_max_bytes, size_t worker_lag_max)
{
    for (size_t i = 0; i < WORKERS; i++)
        rig->table[i] = &rig->shards[i];
    rig->hub.shards = rig->table;
    rig->conf.tail_max_bytes = tail_max_bytes;
    rig->conf.worker_lag_max = worker_lag_max;
    struct sequencer_config config = {
        .hub = &rig->hub,
        .shard_count = WORKERS,
        .loop = &rig->hub_loop,
        .collecting = &rig->collecting,
        .opened = rig_opened,
        .closed = rig_closed,
        .arg = rig,
    };
    rig->opened = 1;
    rig->closed = false;
    int err = sequencer_new(&rig->sequencer, &config);
    if (err)
        return err;
    rig->hub.sequencer = rig->sequencer;
    for (size_t i = 0; i < WORKERS; i++)
        shard_init(&rig->shards[i], &rig->hub, &rig->worker_loops[i]);
    err = sequencer_open(rig->sequencer, driver, NULL);
    assert_int_equal(err, HUB_OK);
    return HUB_OK;
}

static inline void rig_open_transport(struct sequencer_rig *rig)
{
    rig->fake.config.events->opened(rig->fake.config.arg, HUB_OK, "", 1);
    turn_all(rig);
}

// After sequencer_close.
static inline void rig_finish(struct sequencer_rig *rig)
{
    turn_all(rig);
    if (rig->fake.closed)
        rig->fake.config.events->closed(rig->fake.config.arg);
    turn_all(rig);
    assert_true(rig->closed);
    for (size_t i = 0; i < WORKERS; i++)
        shard_done(&rig->shards[i]);
    sequencer_free(rig->sequencer);
}

static inline void rig_stop(struct sequencer_rig *rig)
{
    sequencer_close(rig->sequencer);
    rig_finish(rig);
}

// ---- Publishes ----

struct published {
    struct publish_request request;
    bool settled;
    size_t rank; // the how manieth to be settled, from 1
};

static size_t settled_so_far;

static void note_settled(struct message *message)
{
    struct published *published = CONTAINER_OF(message, struct published, request.message);
    published->settled = true;
    published->rank = ++settled_so_far;
}

// NULL when there is no memory.
static inline struct update *make_update(const char *id, size_t frame_size)
{
    struct str topic = STR("topic");
    struct record_fields fields = {
        .topics = &topic, .topic_count = 1, .id = str_from_c(id), .frame_size = frame_size};
    struct update *update;
    char *frame;
    if (update_new(&update, &fields, &frame) != HUB_OK)
        return NULL;
    memset(frame, '\n', frame_size);
    return update;
}

// As a worker does; the hub thread takes it in its next turn.
static inline void publish(struct sequencer_rig *rig, struct published *published, struct update *update)
{
    *published = (struct published){.request = {
                                        .message.handle = sequencer_handle_publish,
                                        .sequencer = rig->sequencer,
                                        .shard = &rig->shards[0],
                                        .settled = note_settled,
                                        .queued.update = update,
                                    }};
    list_init(&published->request.queued.node);
    sequencer_post(rig->sequencer, &published->request.message);
}

// The updates with these ids behind the one with number `after`.
static inline struct history_slice *make_slice(uint64_t after, const char *const *ids, size_t count, bool end)
{
    struct slice_builder builder = {0};
    struct history_slice *slice;
    struct position before = position_from_number(after);
    struct update *updates[4]; // their bytes are borrowed until the slice is finished
    assert_true(count <= ARRAY_LEN(updates));
    slice_begin(&builder);
    for (size_t i = 0; i < count; i++) {
        updates[i] = make_update(ids[i], 1);
        struct position position = position_from_number(after + i + 1);
        assert_int_equal(slice_add(&builder, &position, updates[i]->record.bytes), HUB_OK);
    }
    assert_int_equal(slice_finish(&builder, &before, false, end, &slice), HUB_OK);
    slice_done(&builder);
    for (size_t i = 0; i < count; i++)
        ref_put(&updates[i]->ref);
    return slice;
}
