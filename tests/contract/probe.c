#include "contract/probe.h"

#include "base/attr.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "contract/driver.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define NOTES_MAX 8192

// ---- Events ----

static void on_opened(void *arg, int err, const char *reason, uint64_t epoch)
{
    struct probe *probe = arg;
    assert_false(probe->opened);
    probe->opened = true;
    probe->open_err = err;
    probe->epoch = epoch;
    (void)snprintf(probe->reason, sizeof(probe->reason), "%s", reason);
}

static void on_note(void *arg, bool is_warning, const char *text)
{
    struct probe *probe = arg;
    assert_false(probe->opened);
    if (!probe->notes)
        probe->notes = calloc(1, NOTES_MAX);
    assert_non_null(probe->notes);
    size_t len = strlen(probe->notes);
    (void)snprintf(probe->notes + len, NOTES_MAX - len, "%s%s\n", is_warning ? "warning: " : "", text);
}

static void keep(struct probe *probe, const struct feed_entry *entry)
{
    if (probe->fed_count == probe->fed_room) {
        probe->fed_room = probe->fed_room ? 2 * probe->fed_room : 64;
        probe->fed = realloc(probe->fed, probe->fed_room * sizeof(*probe->fed));
        assert_non_null(probe->fed);
    }
    if (probe->fed_count)
        assert_true(position_cmp(&probe->fed[probe->fed_count - 1].position, &entry->position) < 0);
    assert_true(entry->position.len > 0 && entry->position.len <= POSITION_MAX);
    probe->fed[probe->fed_count++] = *entry;
}

static void on_feed(void *arg, struct feed_entry *entries, size_t count)
{
    struct probe *probe = arg;
    assert_true(probe->opened && !probe->closed);
    for (size_t i = 0; i < count; i++)
        keep(probe, &entries[i]);
}

static void on_trimmed(void *arg, const struct position *oldest)
{
    struct probe *probe = arg;
    assert_true(probe->opened && !probe->closed);
    assert_true(position_cmp(&probe->trimmed, oldest) < 0);
    probe->trimmed = *oldest;
}

static void on_epoch(void *arg, uint64_t epoch)
{
    struct probe *probe = arg;
    probe->epoch = epoch;
    probe->epochs++;
}

static void on_closed(void *arg)
{
    struct probe *probe = arg;
    assert_false(probe->closed);
    probe->closed = true;
}

static const struct transport_events events = {
    .opened = on_opened,
    .note = on_note,
    .feed = on_feed,
    .trimmed = on_trimmed,
    .epoch = on_epoch,
    .closed = on_closed,
};

const struct transport_events *probe_events(void)
{
    return &events;
}

// ---- Life ----

void probe_init(struct probe *probe, const struct driver *driver)
{
    *probe = (struct probe){.driver = driver, .hub = 1};
    (void)snprintf(probe->folder, sizeof(probe->folder), "/tmp/cinnabar-contract-XXXXXX");
    assert_non_null(mkdtemp(probe->folder));
    assert_int_equal(loop_init(&probe->loop), 0);
}

static void remove_folder(const char *path)
{
    DIR *folder = opendir(path);
    assert_non_null(folder);
    struct dirent *entry;
    while ((entry = readdir(folder)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        char name[PATH_MAX];
        (void)snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
        if (unlink(name) != 0)
            remove_folder(name);
    }
    (void)closedir(folder);
    assert_int_equal(rmdir(path), 0);
}

void probe_done(struct probe *probe)
{
    probe_close(probe);
    loop_done(&probe->loop);
    remove_folder(probe->folder);
    free(probe->fed);
    free(probe->notes);
}

void probe_turn(struct probe *probe)
{
    (void)uv_run(&probe->loop.uv, UV_RUN_ONCE);
}

int probe_open_url(struct probe *probe, const char *url)
{
    probe->opened = probe->closed = false;
    probe->trimmed = (struct position){0};
    struct transport_config config = {.loop = &probe->loop,
                                      .hub = probe->hub,
                                      .url = str_from_c(url),
                                      .events = &events,
                                      .arg = probe,
                                      .event_ttl_ms = PROBE_EVENT_TTL_MS};
    struct buf reason;
    buf_init(&reason, sizeof(probe->reason) - 1);
    int err = probe->driver->ops->open(&probe->transport, &config, &reason);
    (void)snprintf(probe->reason, sizeof(probe->reason), "%s", buf_c(&reason));
    buf_done(&reason);
    assert_false(probe->opened);
    if (err)
        return err;
    while (!probe->opened)
        probe_turn(probe);
    return probe->open_err;
}

int probe_open(struct probe *probe, const char *query)
{
    struct buf url;
    buf_init(&url, 1024);
    probe->driver->make_url(&url, probe->folder);
    if (query)
        buf_printf(&url, "?%s", query);
    int err = probe_open_url(probe, buf_c(&url));
    buf_done(&url);
    return err;
}

void probe_close(struct probe *probe)
{
    if (probe->transport) {
        probe->driver->ops->close(probe->transport);
        assert_false(probe->closed);
        while (!probe->closed)
            probe_turn(probe);
    }
    probe->transport = NULL;
    for (size_t i = 0; i < probe->fed_count; i++)
        ref_put(&probe->fed[i].update->ref);
    probe->fed_count = 0;
}

void probe_reopen(struct probe *probe, const char *query)
{
    probe_close(probe);
    assert_int_equal(probe_open(probe, query), 0);
}

// ---- Updates ----

static char filling(struct str id, size_t i)
{
    return (char)('a' + (i + id.len + (unsigned char)id.ptr[id.len - 1]) % 26);
}

struct update *probe_update(struct str id, size_t size)
{
    struct str topics[] = {STR("https://example.com/first"), id};
    struct record_fields fields = {.time_ms = 1000000 + (unsigned char)id.ptr[id.len - 1],
                                   .topics = topics,
                                   .topic_count = 2,
                                   .id = id,
                                   .frame_size = size};
    struct update *update;
    char *frame;
    assert_int_equal(update_new(&update, &fields, &frame), 0);
    for (size_t i = 0; i < size; i++)
        frame[i] = filling(id, i);
    update_stamp(update, 7, 8, 9);
    return update;
}

static struct str number_id(char id[32], size_t number)
{
    return str_make(id, (size_t)snprintf(id, 32, "urn:update:%zu", number));
}

struct update *probe_event(struct str id, uint64_t age_ms)
{
    struct record_subscription subscription = {
        .match = STR("https://example.com/first"), .subscriber = id, .payload = STR("{}")};
    struct record_fields fields = {.flags = RECORD_PRIVATE | RECORD_SUBSCRIPTION | RECORD_ACTIVE,
                                   .time_ms = clock_real_ms() - age_ms,
                                   .topics = &id,
                                   .topic_count = 1,
                                   .id = id,
                                   .frame_size = 1,
                                   .subscription = &subscription};
    struct update *update;
    char *frame;
    assert_int_equal(update_new(&update, &fields, &frame), 0);
    *frame = '\n';
    update_stamp(update, 7, 8, 9);
    return update;
}

struct update *probe_update_numbered(size_t number)
{
    char id[32];
    return probe_update(number_id(id, number), 20 + number % 200);
}

void probe_check_record(const struct record *record, size_t number)
{
    char text[32];
    struct str id = number_id(text, number);
    assert_true(str_eq(record->id, id));
    assert_int_equal(record->frame.len, 20 + number % 200);
    for (size_t i = 0; i < record->frame.len; i++)
        assert_int_equal(record->frame.ptr[i], filling(id, i));
    assert_int_equal(record->topic_count, 2);
    assert_int_equal(record->node, 7);
}

// ---- Publishing ----

static void sent_done(struct publish_group *group)
{
    struct sent *sent = CONTAINER_OF(group, struct sent, group);
    assert_false(sent->nested || sent->done);
    sent->done = true;
}

struct sent *sent_new(void)
{
    struct sent *sent = calloc(1, sizeof(*sent));
    assert_non_null(sent);
    return sent;
}

void sent_free(struct sent *sent)
{
    sent_clear(sent);
    free(sent);
}

void sent_add(struct sent *sent, struct update *update)
{
    assert_true(sent->group.count < ARRAY_LEN(sent->updates));
    sent->updates[sent->group.count++] = update;
}

int probe_send(struct probe *probe, struct sent *sent)
{
    sent->group.updates = sent->updates;
    sent->group.results = sent->results;
    sent->group.done = sent_done;
    sent->done = false;
    sent->nested = true;
    int err = probe->driver->ops->publish(probe->transport, &sent->group);
    sent->nested = false;
    return err;
}

void probe_wait_sent(struct probe *probe, struct sent *sent)
{
    while (!sent->done)
        probe_turn(probe);
}

void sent_clear(struct sent *sent)
{
    for (size_t i = 0; i < sent->group.count; i++)
        ref_put(&sent->updates[i]->ref);
    sent->group.count = 0;
}

void probe_publish(struct probe *probe, size_t from, size_t to, size_t group)
{
    struct sent *sent = sent_new();
    while (from < to) {
        while (from < to && sent->group.count < group)
            sent_add(sent, probe_update_numbered(from++));
        assert_int_equal(probe_send(probe, sent), 0);
        probe_wait_sent(probe, sent);
        for (size_t i = 0; i < sent->group.count; i++)
            assert_int_equal(sent->results[i], PUBLISH_STORED);
        sent_clear(sent);
    }
    free(sent);
}

void probe_expect_fed(struct probe *probe, size_t from, size_t to)
{
    assert_int_equal(probe->fed_count, to - from);
    for (size_t i = 0; i < probe->fed_count; i++)
        probe_check_record(&probe->fed[i].update->record, from + i);
}

// ---- Questions ----

struct waiting_head {
    struct head_request request;
    bool done;
};

static void head_done(struct head_request *request)
{
    CONTAINER_OF(request, struct waiting_head, request)->done = true;
}

struct position probe_head(struct probe *probe)
{
    struct waiting_head head = {.request.done = head_done};
    assert_int_equal(probe->driver->ops->head(probe->transport, &head.request), 0);
    assert_false(head.done);
    while (!head.done)
        probe_turn(probe);
    assert_int_equal(head.request.err, 0);
    return head.request.head;
}

struct waiting_find {
    struct find_request request;
    bool done;
};

static void find_done(struct find_request *request)
{
    CONTAINER_OF(request, struct waiting_find, request)->done = true;
}

void probe_find(struct probe *probe, struct str id, struct find_request *request)
{
    struct waiting_find find = {.request = {.id = id, .done = find_done}};
    assert_int_equal(probe->driver->ops->find(probe->transport, &find.request), 0);
    assert_false(find.done);
    while (!find.done)
        probe_turn(probe);
    *request = find.request;
}

struct waiting_replay {
    struct replay_request request;
    bool done;
};

static void replay_done(struct replay_request *request)
{
    CONTAINER_OF(request, struct waiting_replay, request)->done = true;
}

static struct history_slice *replay(struct probe *probe, struct waiting_replay *replay)
{
    replay->request.done = replay_done;
    assert_int_equal(probe->driver->ops->replay(probe->transport, &replay->request), 0);
    assert_false(replay->done);
    while (!replay->done)
        probe_turn(probe);
    assert_int_equal(replay->request.err, 0);
    assert_non_null(replay->request.slice);
    return replay->request.slice;
}

struct history_slice *probe_replay(struct probe *probe, const struct position *after)
{
    struct waiting_replay waiting = {.request = {.from = REPLAY_AFTER, .after = *after}};
    struct history_slice *slice = replay(probe, &waiting);
    assert_int_equal(position_cmp(&slice->after, after), 0);
    return slice;
}

struct history_slice *probe_replay_events(struct probe *probe, const struct position *after)
{
    struct waiting_replay waiting = {.request = {.from = REPLAY_EVENTS, .after = *after}};
    return replay(probe, &waiting);
}

struct history_slice *probe_replay_newest(struct probe *probe, size_t max_bytes)
{
    struct waiting_replay waiting = {.request = {.from = REPLAY_NEWEST, .max_bytes = max_bytes}};
    return replay(probe, &waiting);
}

void probe_expect(struct probe *probe, const struct position *after, size_t from, size_t to)
{
    struct position at = *after;
    bool end = false;
    while (!end) {
        struct history_slice *slice = probe_replay(probe, &at);
        assert_true(slice->count > 0 || slice->end);
        assert_true(slice->count <= 1 || slice->memory <= HISTORY_SLICE_SIZE);
        for (size_t i = 0; i < slice->count; i++) {
            assert_true(position_cmp(&at, &slice->entries[i].position) < 0);
            at = slice->entries[i].position;
            probe_check_record(&slice->entries[i].record, from++);
        }
        end = slice->end;
        ref_put(&slice->ref);
    }
    assert_int_equal(from, to);
}
