// A shard on its own: what comes by the feed and what the store keeps are the test's, and in reader.h its
// subscribers. The hub thread is played by functions of this file instead of those of hub/sequencer.c, so
// that each step happens when the test says so.
//
// Updates are numbered from 1: the frame of the third is "3 ", its position 30 (stores leave gaps).
#pragma once

#include "base/err.h"
#include "conf/conf.h"
#include "hub/broadcast.h"
#include "hub/hub.h"
#include "hub/sequencer.h"
#include "hub/shard.h"
#include "mercure/update.h"
#include "transport/slice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define RIG_UPDATES_MAX 1024U
#define RIG_REQUESTS_MAX 16U

// The hub thread: what the workers have asked it, in that order.
struct sequencer {
    bool has_history;
    struct slice_request *requests[RIG_REQUESTS_MAX];
    size_t request_count;
};

struct rig {
    struct conf conf;
    struct sequencer sequencer;
    struct hub hub;
    struct loop loop;
    struct shard shard;
    // The store.
    struct update *updates[RIG_UPDATES_MAX + 1]; // by number
    uint64_t newest;
    uint64_t oldest;
    uint64_t fed;          // the newest that has come by the feed
    uint64_t before_first; // the offset before that of the first
    unsigned reads;
};

// ---- The feed ----

static inline struct position position_of(uint64_t number)
{
    struct position position = {.len = number ? 8 : 0};
    for (unsigned i = 0; i < position.len; i++)
        position.bytes[i] = (uint8_t)(number * 10 >> (56 - 8 * i));
    return position;
}

// The update of that number, on topics that are separated by commas.
static inline struct update *make_update(uint64_t number, const char *topics, unsigned flags)
{
    struct str list[1000];
    size_t count = 0;
    struct str left = str_from_c(topics);
    while (str_split(&left, ',', &list[count]))
        count++;
    char text[24];
    int len = snprintf(text, sizeof(text), "%u ", (unsigned)number);
    struct record_fields fields = {.flags = (uint8_t)flags,
                                   .topics = list,
                                   .topic_count = count,
                                   .id = str_make(text, (size_t)len - 1),
                                   .frame_size = (size_t)len};
    struct update *update;
    char *frame;
    assert_int_equal(update_new(&update, &fields, &frame), HUB_OK);
    memcpy(frame, text, (size_t)len);
    return update;
}

// Stores the next update, without feeding it.
static inline void store_flagged(struct rig *rig, const char *topics, unsigned flags)
{
    assert_true(rig->newest < RIG_UPDATES_MAX);
    uint64_t number = ++rig->newest;
    rig->updates[number] = make_update(number, topics, flags);
}

static inline void store(struct rig *rig, const char *topics)
{
    store_flagged(rig, topics, 0);
}

static inline struct batch *new_batch(struct rig *rig, size_t count)
{
    struct batch *batch = calloc(1, sizeof(*batch) + sizeof(struct batch_post));
    assert_non_null(batch);
    batch->entries = calloc(count + 1, sizeof(*batch->entries));
    atomic_init(&batch->workers_left, 1);
    batch->posts[0] = (struct batch_post){.batch = batch, .shard = &rig->shard};
    return batch;
}

static inline void post(struct batch *batch)
{
    struct feed_entry *entries = batch->entries;
    shard_handle_batch(&batch->posts[0].message); // frees the batch
    free(entries);
}

// The offset of an update in the tail.
static inline uint64_t offset_of(const struct rig *rig, uint64_t number)
{
    return rig->before_first + number;
}

// Feeds what is stored, in one batch.
static inline void feed(struct rig *rig)
{
    struct batch *batch = new_batch(rig, rig->newest - rig->fed);
    while (rig->fed < rig->newest) {
        struct update *update = rig->updates[++rig->fed];
        ref_get(&update->ref);
        batch->entries[batch->count++] =
            (struct feed_entry){.position = position_of(rig->fed), .update = update};
    }
    post(batch);
}

static inline void publish(struct rig *rig, const char *topics)
{
    store(rig, topics);
    feed(rig);
}

static inline void publish_private(struct rig *rig, const char *topics)
{
    store_flagged(rig, topics, RECORD_PRIVATE);
    feed(rig);
}

static inline void publish_series(struct rig *rig, const char *topic, size_t count)
{
    for (size_t i = 0; i < count; i++)
        store(rig, topic);
    feed(rig);
}

// The hub thread says that the tail need only reach back to that update, and the turn ends.
static inline void trim(struct rig *rig, uint64_t number)
{
    struct batch *batch = new_batch(rig, 0);
    batch->trim_to = offset_of(rig, number);
    post(batch);
    shard_end_turn(&rig->shard);
}

// The number of the oldest update in the tail; one above the newest when it is empty.
static inline uint64_t tail_begin(const struct rig *rig)
{
    return rig->shard.tail.first - rig->before_first;
}

// The store goes back to its beginning: it is empty, and positions mean something else.
static inline void begin_anew(struct rig *rig)
{
    struct batch *batch = new_batch(rig, 0);
    batch->starts = true;
    batch->cut = "the store begins anew";
    batch->first_offset = rig->shard.tail.next;
    rig->before_first = rig->shard.tail.next - 1;
    for (; rig->newest; rig->newest--)
        ref_put(&rig->updates[rig->newest]->ref);
    rig->fed = 0;
    post(batch);
}

// ---- The hub thread ----

void sequencer_handle_slice(struct message *message)
{
    (void)message;
}

void sequencer_handle_leave(struct message *message)
{
    (void)message;
}

void sequencer_handle_resume(struct message *message)
{
    (void)message;
}

void sequencer_post(struct sequencer *sequencer, struct message *message)
{
    assert_true(sequencer->request_count < RIG_REQUESTS_MAX);
    sequencer->requests[sequencer->request_count++] = CONTAINER_OF(message, struct slice_request, message);
}

void sequencer_post_all(struct sequencer *sequencer, struct outbox *messages)
{
    (void)sequencer;
    (void)messages;
}

void broadcast_handle_returned(struct message *message)
{
    (void)message;
}

bool sequencer_has_history(const struct sequencer *sequencer)
{
    return sequencer->has_history;
}

bool sequencer_is_held(const struct sequencer *sequencer)
{
    (void)sequencer;
    return false;
}

static inline struct slice_request *take_request(struct rig *rig)
{
    struct sequencer *sequencer = &rig->sequencer;
    assert_true(sequencer->request_count > 0);
    struct slice_request *request = sequencer->requests[0];
    sequencer->request_count--;
    memmove(sequencer->requests, sequencer->requests + 1, sequencer->request_count * sizeof(request));
    rig->reads++;
    return request;
}

static inline uint64_t number_of(const struct position *position)
{
    uint64_t number = 0;
    for (unsigned i = 0; i < position->len; i++)
        number = number << 8 | position->bytes[i];
    return number / 10;
}

// Which update the oldest request for a slice begins behind.
static inline uint64_t requested(const struct rig *rig)
{
    assert_true(rig->sequencer.request_count > 0);
    return number_of(&rig->sequencer.requests[0]->replay.after);
}

// Reads at most `max` updates of the store for the oldest request.
static inline struct slice_request *read_slice(struct rig *rig, size_t max)
{
    struct slice_request *request = take_request(rig);
    struct replay_request *replay = &request->replay;
    struct slice_builder builder = {0};
    slice_begin(&builder);
    uint64_t first = number_of(&replay->after) + 1;
    bool gap = first < rig->oldest;
    if (gap)
        first = rig->oldest;
    uint64_t number = first;
    for (; number <= rig->newest && number - first < max; number++) {
        struct position position = position_of(number);
        assert_int_equal(slice_add(&builder, &position, rig->updates[number]->record.bytes), HUB_OK);
    }
    assert_int_equal(slice_finish(&builder, &replay->after, gap, number > rig->newest, &replay->slice),
                     HUB_OK);
    slice_done(&builder);
    return request;
}

// Answers the oldest request at once.
static inline void answer(struct rig *rig, size_t max)
{
    history_handle_slice(&read_slice(rig, max)->message);
}

static inline void answer_error(struct rig *rig)
{
    struct slice_request *request = take_request(rig);
    request->replay.err = HUB_E_CORRUPT;
    history_handle_slice(&request->message);
}

// ---- The rig ----

static inline struct rig *rig_new(void)
{
    struct rig *rig = calloc(1, sizeof(*rig));
    assert_non_null(rig);
    rig->sequencer.has_history = true;
    rig->conf.max_matcher_bytes = 1U << 20;
    rig->oldest = 1;
    rig->before_first = TAIL_FIRST_OFFSET - 1;
    rig->hub = (struct hub){.conf = &rig->conf, .sequencer = &rig->sequencer};
    assert_int_equal(url_parse(&rig->hub.url, STR("https://hub.example/.well-known/mercure"), NULL), HUB_OK);
    assert_int_equal(loop_init(&rig->loop), HUB_OK);
    shard_init(&rig->shard, &rig->hub, &rig->loop);
    return rig;
}

static inline void rig_free(struct rig *rig)
{
    while (rig->sequencer.request_count)
        answer(rig, 1);
    shard_done(&rig->shard);
    url_done(&rig->hub.url);
    loop_done(&rig->loop);
    for (uint64_t number = 1; number <= rig->newest; number++)
        ref_put(&rig->updates[number]->ref);
    free(rig);
}
