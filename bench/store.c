// How fast bolt:// stores, beside what the disk gives: publishes alone and in groups, and one fdatasync of 4
// KiB in the same folder between them.
//
//     bench_store FOLDER [size=N&sync=off]
#include "base/assert.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/random.h"
#include "loop/loop.h"
#include "mercure/update.h"
#include "transport/bolt/bolt.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROUNDS 7
#define GROUP_MAX 1024
#define FRAME_SIZE 250

struct bench {
    struct loop loop;
    struct transport *transport;
    bool turn_done;
    int open_err;
    struct replay_request replay;
    struct publish_group group;
    struct update *updates[GROUP_MAX];
    enum publish_result results[GROUP_MAX];
    uint64_t number;
};

static void on_opened(void *arg, int err, const char *reason, uint64_t epoch)
{
    (void)epoch;
    struct bench *bench = arg;
    bench->turn_done = true;
    bench->open_err = err;
    if (err)
        fprintf(stderr, "%s\n", reason);
}

static void on_feed(void *arg, struct feed_entry *entries, size_t count)
{
    (void)arg;
    for (size_t i = 0; i < count; i++)
        ref_put(&entries[i].update->ref);
}

static void on_trimmed(void *arg, const struct position *oldest)
{
    (void)arg;
    (void)oldest;
}

static void on_note(void *arg, bool is_warning, const char *text)
{
    (void)arg;
    (void)is_warning;
    (void)text;
}

static void on_closed(void *arg)
{
    ((struct bench *)arg)->turn_done = true;
}

static const struct transport_events events = {
    .opened = on_opened, .note = on_note, .feed = on_feed, .trimmed = on_trimmed, .closed = on_closed};

static void wait_for_turn(struct bench *bench)
{
    bench->turn_done = false;
    while (!bench->turn_done)
        (void)uv_run(&bench->loop.uv, UV_RUN_ONCE);
}

static void group_done(struct publish_group *group)
{
    CONTAINER_OF(group, struct bench, group)->turn_done = true;
}

static struct update *make_update(struct bench *bench, bool in_order)
{
    char id[64];
    uint64_t words[2];
    random_bytes(words, sizeof(words));
    if (in_order)
        words[0] = ++bench->number;
    int len = snprintf(id, sizeof(id), "urn:uuid:%016" PRIx64 "%016" PRIx64 "0000", words[0], words[1]);
    struct str topic = STR("https://example.com/books/1");
    struct record_fields fields = {
        .topics = &topic, .topic_count = 1, .id = str_make(id, (size_t)len), .frame_size = FRAME_SIZE};
    struct update *update;
    char *frame;
    int err = update_new(&update, &fields, &frame);
    HUB_ASSERT(err == HUB_OK);
    memset(frame, 'x', FRAME_SIZE);
    return update;
}

static void publish(struct bench *bench, size_t count, bool in_order)
{
    for (size_t i = 0; i < count; i++)
        bench->updates[i] = make_update(bench, in_order);
    bench->group = (struct publish_group){
        .updates = bench->updates, .results = bench->results, .count = count, .done = group_done};
    int err = bench->transport->ops->publish(bench->transport, &bench->group);
    HUB_ASSERT(err == HUB_OK);
    wait_for_turn(bench);
    for (size_t i = 0; i < count; i++) {
        HUB_ASSERT(bench->results[i] == PUBLISH_STORED);
        ref_put(&bench->updates[i]->ref);
    }
}

static int compare(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

static uint64_t median(uint64_t *values, size_t count)
{
    qsort(values, count, sizeof(*values), compare);
    return values[count / 2];
}

// The median time of a group, in nanoseconds.
static uint64_t time_groups(struct bench *bench, size_t size, size_t groups, bool in_order)
{
    uint64_t *times = calloc(groups, sizeof(*times));
    HUB_ASSERT(times);
    for (size_t i = 0; i < groups; i++) {
        uint64_t started = clock_mono_ns();
        publish(bench, size, in_order);
        times[i] = clock_mono_ns() - started;
    }
    uint64_t result = median(times, groups);
    free(times);
    return result;
}

static uint64_t time_sync(const char *folder, size_t count)
{
    char path[4096];
    (void)snprintf(path, sizeof(path), "%s/sync", folder);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    HUB_ASSERT(fd >= 0);
    char page[4096] = {0};
    uint64_t *times = calloc(count, sizeof(*times));
    HUB_ASSERT(times);
    for (size_t i = 0; i < count; i++) {
        uint64_t started = clock_mono_ns();
        ssize_t len = pwrite(fd, page, sizeof(page), 0);
        HUB_ASSERT(len == (ssize_t)sizeof(page) && fdatasync(fd) == 0);
        times[i] = clock_mono_ns() - started;
    }
    (void)close(fd);
    (void)unlink(path);
    uint64_t result = median(times, count);
    free(times);
    return result;
}

static void measure(struct bench *bench, const char *folder)
{
    static const struct {
        const char *name;
        size_t size;
        size_t groups;
        bool in_order;
    } rows[] = {{"alone, ids in order", 1, 300, true},
                {"alone, random ids", 1, 300, false},
                {"groups of 64, ids in order", 64, 200, true},
                {"groups of 64, random ids", 64, 200, false},
                {"groups of 1024, ids in order", 1024, 20, true}};
    for (size_t row = 0; row < ARRAY_LEN(rows); row++) {
        uint64_t group[ROUNDS], sync[ROUNDS];
        for (size_t i = 0; i < ROUNDS; i++) {
            sync[i] = time_sync(folder, 100);
            group[i] = time_groups(bench, rows[row].size, rows[row].groups, rows[row].in_order);
        }
        double group_ms = (double)median(group, ROUNDS) / 1e6;
        double sync_ms = (double)median(sync, ROUNDS) / 1e6;
        printf("%-30s %8.3f ms a group, %8.0f updates/s; fdatasync %.3f ms; over two of them %+.3f ms\n",
               rows[row].name, group_ms, 1000 * (double)rows[row].size / group_ms, sync_ms,
               group_ms - 2 * sync_ms);
    }
}

static void slice_read(struct replay_request *request)
{
    CONTAINER_OF(request, struct bench, replay)->turn_done = true;
}

// Everything that is kept, slice by slice.
static void measure_replay(struct bench *bench)
{
    uint64_t started = clock_mono_ns();
    size_t count = 0;
    bench->replay = (struct replay_request){.from = REPLAY_AFTER, .done = slice_read};
    for (bool end = false; !end;) {
        int err = bench->transport->ops->replay(bench->transport, &bench->replay);
        HUB_ASSERT(err == HUB_OK);
        wait_for_turn(bench);
        HUB_ASSERT(bench->replay.err == HUB_OK);
        struct history_slice *slice = bench->replay.slice;
        count += slice->count;
        end = slice->end;
        if (slice->count)
            bench->replay.after = slice->entries[slice->count - 1].position;
        ref_put(&slice->ref);
    }
    double seconds = (double)(clock_mono_ns() - started) / 1e9;
    printf("replay of %zu: %.3f s, %.0f updates/s\n", count, seconds, (double)count / seconds);
}

static int open_store(struct bench *bench, struct str url)
{
    struct buf reason;
    buf_init(&reason, 1024);
    struct transport_config config = {.loop = &bench->loop, .url = url, .events = &events, .arg = bench};
    uint64_t started = clock_mono_ns();
    bench->open_err = bolt_transport.open(&bench->transport, &config, &reason);
    if (bench->open_err)
        fprintf(stderr, "%s\n", buf_c(&reason));
    else
        wait_for_turn(bench);
    buf_done(&reason);
    printf("open: %.3f ms\n", (double)(clock_mono_ns() - started) / 1e6);
    return bench->open_err;
}

static void close_store(struct bench *bench)
{
    uint64_t started = clock_mono_ns();
    bolt_transport.close(bench->transport);
    wait_for_turn(bench);
    printf("close: %.3f ms\n", (double)(clock_mono_ns() - started) / 1e6);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: bench_store FOLDER [QUERY]\n");
        return 2;
    }
    static struct bench bench;
    struct buf url;
    buf_init(&url, 8192);
    buf_printf(&url, "bolt://%s/store?%s", argv[1], argc > 2 ? argv[2] : "");
    int err = loop_init(&bench.loop);
    HUB_ASSERT(err == HUB_OK);
    err = open_store(&bench, buf_str(&url));
    if (!err) {
        measure(&bench, argv[1]);
        close_store(&bench);
        err = open_store(&bench, buf_str(&url));
    }
    if (!err) {
        measure_replay(&bench);
        close_store(&bench);
    }
    loop_done(&bench.loop);
    buf_done(&url);
    return err ? 1 : 0;
}
