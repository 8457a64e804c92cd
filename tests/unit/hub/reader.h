// The subscribers of a rig and their connections, which are played by functions of this file instead of those
// of http/: each flush happens when the test says so.
#pragma once

#include "authorization.h"
#include "rig.h"

#include "hub/subscriber.h"
#include "mercure/matcher.h"
#include "mercure/pattern.h"

#define RIG_SLICES_MAX 256U
#define RIG_BUDGET 262144U

// A connection.
struct http_stream {
    bool woken; // since it was last flushed
    bool later;
    bool cut;
    bool ended;
};

// A subscriber with its connection, and what it has received.
struct reader {
    struct http_stream stream;
    struct subscriber *subscriber;
    char received[8192];
    struct ref *owners[RIG_SLICES_MAX]; // of what the latest flush sent
    size_t owner_count;
};

// ---- The connection ----

void http_stream_wake(struct http_stream *stream)
{
    stream->woken = true;
}

void http_stream_wake_later(struct http_stream *stream)
{
    stream->woken = stream->later = true;
}

void http_stream_end(struct http_stream *stream)
{
    stream->woken = stream->ended = true;
}

void http_stream_cut(struct http_stream *stream, enum http_close_reason reason)
{
    (void)reason;
    stream->cut = true;
}

// The flush of a connection whose socket takes `most` slices: returns how many were sent.
static inline size_t flush_some(struct reader *reader, size_t most)
{
    struct http_slice slices[RIG_SLICES_MAX];
    reader->stream.woken = reader->stream.later = false;
    size_t given = subscriber_source_ops.next(reader->subscriber, slices, RIG_SLICES_MAX, RIG_BUDGET);
    size_t taken = given < most ? given : most;
    size_t len = strlen(reader->received);
    reader->owner_count = taken;
    for (size_t i = 0; i < taken; i++) {
        reader->owners[i] = slices[i].owner;
        if (str_eq(slices[i].bytes, STR(":\n")))
            continue;
        assert_true(len + slices[i].bytes.len < sizeof(reader->received));
        memcpy(reader->received + len, slices[i].bytes.ptr, slices[i].bytes.len);
        len += slices[i].bytes.len;
        reader->received[len] = 0;
    }
    bool full = taken == most;
    if (given || full)
        subscriber_source_ops.taken(reader->subscriber, taken, full);
    return taken;
}

// Flushes while there is something to do.
static inline void flush(struct reader *reader)
{
    while (reader->stream.woken && !reader->stream.cut)
        (void)flush_some(reader, SIZE_MAX);
}

// What has come since it was last asked.
static inline const char *received(struct reader *reader)
{
    static char text[sizeof(reader->received)];
    memcpy(text, reader->received, sizeof(text));
    reader->received[0] = 0;
    return text;
}

static inline bool is_live(const struct reader *reader)
{
    return !reader->subscriber->backlog;
}

// ---- Subscribers ----

// "~" before a matcher makes it a URL Pattern.
static inline struct matcher make_matcher(struct rig *rig, struct str text)
{
    struct matcher matcher = {.text = text};
    if (!str_starts_with(text, STR("~")))
        return matcher;
    matcher.text = str_slice(text, 1, text.len);
    assert_int_equal(patterns_get(&rig->shard.patterns, PATTERN_URL, matcher.text, &matcher.pattern), HUB_OK);
    return matcher;
}

// The matchers are separated by commas. It starts after the update of that number, whose offset it knows or
// not. What subscriber_new says is returned.
static inline int try_to_subscribe(struct rig *rig, struct reader *reader, const char *matchers,
                                   uint64_t number, bool with_offset, struct authorization *authorization)
{
    struct matcher list[1000];
    size_t count = 0;
    struct str left = str_from_c(matchers);
    struct str text;
    while (str_split(&left, ',', &text))
        list[count++] = make_matcher(rig, text);
    struct subscriber_config config = {
        .shard = &rig->shard,
        .matchers = list,
        .matcher_count = count,
        .authorization = authorization,
        .end_ms = UINT64_MAX,
        .offset = with_offset ? offset_of(rig, number) : 0,
        .position = position_of(number),
    };
    *reader = (struct reader){.stream.woken = true}; // a stream is asked once without a wake
    int err = subscriber_new(&reader->subscriber, &config);
    matchers_done(list, count);
    if (!err)
        subscriber_attach(reader->subscriber, &reader->stream);
    return err;
}

static inline void subscribe_after(struct rig *rig, struct reader *reader, const char *matchers,
                                   uint64_t number, bool with_offset, struct authorization *authorization)
{
    int err = try_to_subscribe(rig, reader, matchers, number, with_offset, authorization);
    assert_int_equal(err, HUB_OK);
}

// From now on.
static inline void subscribe(struct rig *rig, struct reader *reader, const char *matchers)
{
    subscribe_after(rig, reader, matchers, rig->fed, true, NULL);
    flush(reader);
    assert_true(is_live(reader));
}

// From after that update on, by its position; 0: from the first that is kept.
static inline void replay(struct rig *rig, struct reader *reader, const char *matchers, uint64_t number)
{
    subscribe_after(rig, reader, matchers, number, false, NULL);
}

// Who may read private updates on a topic.
static inline struct authorization *authorization_for(const char *topic)
{
    char text[256];
    (void)snprintf(text, sizeof(text),
                   "[{\"type\":\"%s\",\"actions\":[\"subscribe\"],\"topics\":[{\"match\":\"%s\"}]}]",
                   AUTHORIZATION_TYPE, topic);
    return parse_authorization(text);
}

static inline void subscribe_granted(struct rig *rig, struct reader *reader, const char *matchers,
                                     const char *grant)
{
    struct authorization *authorization = authorization_for(grant);
    subscribe_after(rig, reader, matchers, rig->fed, true, authorization);
    ref_put(&authorization->ref);
    flush(reader);
}

static inline void leave(struct reader *reader)
{
    subscriber_source_ops.closed(reader->subscriber, HTTP_CLOSE_PEER);
}

// The hub thread, the connection and the turns go on until nothing moves; slices have `max` updates.
static inline void run(struct rig *rig, struct reader *reader, size_t max)
{
    bool more = true;
    while (more) {
        flush(reader);
        more = history_end_turn(&rig->shard);
        while (rig->sequencer.request_count) {
            answer(rig, max);
            more = true;
        }
    }
}
