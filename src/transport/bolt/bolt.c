#include "transport/bolt/bolt.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/clock.h"
#include "base/err.h"
#include "mercure/update.h"
#include "transport/bolt/go_file.h"
#include "transport/bolt/settings.h"
#include "transport/bolt/store.h"
#include "transport/number.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define URL_ARENA_MAX (256U * 1024)
#define NOTE_MAX 1024U
#define DISK_WARNING 90U // per cent
// Subscription events that are too old are dropped with what is published, and otherwise no more often than
// this.
#define EXPIRY_EVERY_MS 1000U

// The transport of one hub, the hub thread's.
struct bolt {
    struct transport transport;
    struct transport_config config;
    struct store *store;
    struct store_log log; // the writer's, between attach and detach
    char *bucket;
    atomic_bool closed; // while it is being opened: an import is given up
    bool attached;
    bool closing;
    size_t waiting; // requests under way
    uint64_t head;
    uint64_t oldest;
    struct publish_group *group; // in flight
    struct feed_entry *entries;
    size_t entry_room;
    struct store_commit commit; // of the group
    struct store_commit trim;
    bool trimming;
    struct timer expiry; // of the oldest subscription event
    struct store_attach attach;
    struct store_detach detach;
    struct counter updates; // kept
};

// What is under way for a request of the hub.
struct bolt_read {
    struct store_read read;
    struct bolt *bolt;
};

struct bolt_head {
    struct message message;
    struct bolt *bolt;
    struct head_request *request;
};

static struct bolt *bolt_of(struct transport *transport)
{
    return CONTAINER_OF(transport, struct bolt, transport);
}

static struct store_reply reply_to(const struct bolt *bolt, message_handle_fn *handle)
{
    return (struct store_reply){.loop = bolt->config.loop, .handle = handle};
}

// ---- Close ----

static void free_bolt(struct bolt *bolt)
{
    free(bolt->bucket);
    free(bolt->entries);
    free(bolt);
}

static void finish_close(struct bolt *bolt)
{
    store_put(bolt->store);
    bolt->config.events->closed(bolt->config.arg);
    free_bolt(bolt);
}

static void detached(struct message *message)
{
    finish_close(CONTAINER_OF(message, struct bolt, detach.message));
}

static void go_on_closing(struct bolt *bolt)
{
    if (!bolt->closing || bolt->waiting)
        return;
    bolt->detach =
        (struct store_detach){.store = bolt->store, .reply = reply_to(bolt, detached), .log = &bolt->log};
    store_detach(&bolt->detach);
}

// A request has come back and its callback has been called.
static void end_request(struct bolt *bolt)
{
    bolt->waiting--;
    go_on_closing(bolt);
}

static void bolt_close(struct transport *transport)
{
    struct bolt *bolt = bolt_of(transport);
    bolt->closing = true;
    timer_cancel(&bolt->expiry);
    atomic_store(&bolt->closed, true);
    go_on_closing(bolt);
}

// ---- Commits ----

// Has the oldest subscription event dropped when it is too old, if nothing is published that does so.
static void watch_expiry(struct bolt *bolt, uint64_t event_ms)
{
    uint64_t ttl_ms = bolt->config.event_ttl_ms;
    if (!event_ms || !ttl_ms || bolt->closing || timer_is_set(&bolt->expiry))
        return;
    uint64_t now_ms = clock_real_ms();
    uint64_t left_ms = event_ms + ttl_ms > now_ms ? event_ms + ttl_ms - now_ms : 0;
    if (left_ms < EXPIRY_EVERY_MS)
        left_ms = EXPIRY_EVERY_MS;
    timer_set(bolt->config.loop, &bolt->expiry, loop_now_ms(bolt->config.loop) + left_ms);
}

static void note_commit(struct bolt *bolt, const struct store_commit *commit)
{
    counter_set(&bolt->updates, commit->kept);
    watch_expiry(bolt, commit->event_ms);
    if (commit->oldest == bolt->oldest)
        return;
    bolt->oldest = commit->oldest;
    struct position position = position_from_number(commit->oldest);
    bolt->config.events->trimmed(bolt->config.arg, &position);
}

static void trimmed(struct message *message);

// Drops what is over the size or too old when nobody publishes, a part at a time.
static void trim(struct bolt *bolt)
{
    if (bolt->trimming || bolt->closing)
        return;
    bolt->trimming = true;
    bolt->waiting++;
    bolt->trim =
        (struct store_commit){.store = bolt->store, .reply = reply_to(bolt, trimmed), .log = &bolt->log};
    store_commit(&bolt->trim);
}

static void trimmed(struct message *message)
{
    struct bolt *bolt = CONTAINER_OF(message, struct bolt, trim.message);
    bolt->trimming = false;
    if (!bolt->trim.err) {
        note_commit(bolt, &bolt->trim);
        if (bolt->trim.over)
            trim(bolt);
    }
    end_request(bolt);
}

static void expire(struct timer *timer)
{
    trim(CONTAINER_OF(timer, struct bolt, expiry));
}

static void stored(struct bolt *bolt, struct publish_group *group)
{
    for (size_t i = 0; i < group->count; i++) {
        ref_get(&group->updates[i]->ref);
        bolt->entries[i] = (struct feed_entry){.position = position_from_number(bolt->commit.first + i),
                                               .update = group->updates[i]};
        group->results[i] = PUBLISH_STORED;
    }
    bolt->head = bolt->commit.first + group->count - 1;
    note_commit(bolt, &bolt->commit);
}

static void refuse(const struct bolt *bolt, struct publish_group *group)
{
    for (size_t i = 0; i < group->count; i++)
        group->results[i] = PUBLISH_REFUSED;
    group->reason = bolt->commit.reason;
}

static void committed(struct message *message)
{
    struct bolt *bolt = CONTAINER_OF(message, struct bolt, commit.message);
    struct publish_group *group = bolt->group;
    size_t count = bolt->commit.err ? 0 : group->count;
    if (bolt->commit.err)
        refuse(bolt, group);
    else
        stored(bolt, group);
    if (!bolt->commit.err && bolt->commit.over)
        trim(bolt);
    bolt->group = NULL;
    if (count)
        bolt->config.events->feed(bolt->config.arg, bolt->entries, count);
    group->done(group);
    end_request(bolt);
}

static int make_room(struct bolt *bolt, size_t count)
{
    if (count <= bolt->entry_room)
        return HUB_OK;
    struct feed_entry *entries = realloc(bolt->entries, count * sizeof(*entries));
    if (!entries)
        return -ENOMEM;
    bolt->entries = entries;
    bolt->entry_room = count;
    return HUB_OK;
}

static int bolt_publish(struct transport *transport, struct publish_group *group)
{
    struct bolt *bolt = bolt_of(transport);
    HUB_ASSERT(bolt->attached && !bolt->closing && !bolt->group && group->count > 0);
    int err = make_room(bolt, group->count);
    if (err)
        return err;
    bolt->group = group;
    bolt->waiting++;
    bolt->commit = (struct store_commit){
        .store = bolt->store,
        .reply = reply_to(bolt, committed),
        .log = &bolt->log,
        .updates = group->updates,
        .count = group->count,
    };
    store_commit(&bolt->commit);
    return HUB_OK;
}

// There is nothing to feed but what this hub publishes, which a pause does not hold back.
static void bolt_pause(struct transport *transport, bool paused)
{
    (void)transport;
    (void)paused;
}

// ---- Questions ----

static void head_known(struct message *message)
{
    struct bolt_head *head = CONTAINER_OF(message, struct bolt_head, message);
    struct bolt *bolt = head->bolt;
    head->request->err = HUB_OK;
    head->request->head = position_from_number(bolt->head);
    head->request->done(head->request);
    free(head);
    end_request(bolt);
}

static int bolt_head(struct transport *transport, struct head_request *request)
{
    struct bolt *bolt = bolt_of(transport);
    struct bolt_head *head = malloc(sizeof(*head));
    if (!head)
        return -ENOMEM;
    *head = (struct bolt_head){.message.handle = head_known, .bolt = bolt, .request = request};
    bolt->waiting++;
    mailbox_post(&bolt->config.loop->mailbox, &head->message);
    return HUB_OK;
}

static void read_answered(struct message *message)
{
    struct bolt_read *read = CONTAINER_OF(message, struct bolt_read, read.message);
    struct bolt *bolt = read->bolt;
    if (read->read.kind == STORE_FIND)
        read->read.find->done(read->read.find);
    else
        read->read.replay->done(read->read.replay);
    free(read);
    end_request(bolt);
}

static struct bolt_read *new_read(struct bolt *bolt, enum store_read_kind kind)
{
    struct bolt_read *read = malloc(sizeof(*read));
    if (!read)
        return NULL;
    *read = (struct bolt_read){
        .read = {.store = bolt->store,
                 .reply = reply_to(bolt, read_answered),
                 .hub = bolt->config.hub,
                 .kind = kind},
        .bolt = bolt,
    };
    bolt->waiting++;
    return read;
}

static int bolt_find(struct transport *transport, struct find_request *request)
{
    struct bolt_read *read = new_read(bolt_of(transport), STORE_FIND);
    if (!read)
        return -ENOMEM;
    read->read.find = request;
    store_read(&read->read);
    return HUB_OK;
}

static int bolt_replay(struct transport *transport, struct replay_request *request)
{
    struct bolt_read *read = new_read(bolt_of(transport), STORE_REPLAY);
    if (!read)
        return -ENOMEM;
    request->slice = NULL;
    read->read.replay = request;
    store_read(&read->read);
    return HUB_OK;
}

// ---- Open ----

// What is to be known of the file at the path, which may be that of a Go hub.
static void note_go_file(const struct settings *settings, struct buf *notes)
{
    char name[PATH_MAX];
    if (!go_file_is_there(settings->path.ptr) ||
        (size_t)snprintf(name, sizeof(name), "%s.lmdb", settings->path.ptr) >= sizeof(name))
        return;
    if (access(name, F_OK) == 0)
        buf_printf(notes, "%s is the history of a Go hub, and is not used: the history is in %s\n",
                   settings->path.ptr, name);
    else
        buf_printf(notes, "%s is the history of a Go hub: the first start imports it into %s\n",
                   settings->path.ptr, name);
}

static int bolt_check(struct str url, struct buf *notes, struct buf *reterr)
{
    struct arena arena;
    arena_init(&arena, URL_ARENA_MAX);
    struct settings settings;
    int err = settings_parse(&settings, url, &arena, notes, reterr);
    if (!err && notes)
        note_go_file(&settings, notes);
    arena_done(&arena);
    return err;
}

// The size, or the age, was more when it was last open; or a while has passed.
static bool may_be_over(const struct store_attach *attach)
{
    return attach->bounds.others ||
           (attach->log->size && row_bounds_updates(&attach->bounds) > attach->log->size);
}

static void opened(struct message *message)
{
    struct bolt *bolt = CONTAINER_OF(message, struct bolt, attach.message);
    const struct store_attach *attach = &bolt->attach;
    if (!attach->err) {
        bolt->attached = true;
        bolt->head = attach->head;
        bolt->oldest = attach->bounds.oldest;
        counter_set(&bolt->updates, row_bounds_updates(&attach->bounds));
    }
    bolt->config.events->opened(bolt->config.arg, attach->err, attach->reason, attach->epoch);
    if (!attach->err && may_be_over(attach))
        trim(bolt);
    end_request(bolt);
}

// What goes from the writer to the hub thread, ahead of the answer.
struct bolt_note {
    struct message message;
    struct bolt *bolt;
    bool is_warning;
    char text[NOTE_MAX];
};

static void noted(struct message *message)
{
    struct bolt_note *note = CONTAINER_OF(message, struct bolt_note, message);
    const struct transport_config *config = &note->bolt->config;
    config->events->note(config->arg, note->is_warning, note->text);
    free(note);
}

static void send_note(void *arg, bool is_warning, const char *text)
{
    struct bolt *bolt = arg;
    struct bolt_note *note = malloc(sizeof(*note));
    if (!note)
        return;
    *note = (struct bolt_note){.message.handle = noted, .bolt = bolt, .is_warning = is_warning};
    (void)snprintf(note->text, sizeof(note->text), "%s", text);
    mailbox_post(&bolt->config.loop->mailbox, &note->message);
}

static struct bolt *new_bolt(const struct transport_config *config, const struct settings *settings)
{
    struct bolt *bolt = calloc(1, sizeof(*bolt));
    if (!bolt)
        return NULL;
    bolt->transport.ops = &bolt_transport;
    bolt->config = *config;
    bolt->config.url = (struct str){0}; // the caller's
    bolt->log = (struct store_log){.hub = config->hub,
                                   .size = settings->size,
                                   .event_ms = config->event_ttl_ms,
                                   .sync = settings->sync == SYNC_ALWAYS};
    timer_init(&bolt->expiry, expire);
    list_init(&bolt->log.node);
    bolt->bucket = str_dup_c(settings->bucket);
    if (bolt->bucket)
        return bolt;
    free_bolt(bolt);
    return NULL;
}

static int open_with(struct transport **ret_transport, const struct transport_config *config,
                     const struct settings *settings)
{
    struct bolt *bolt = new_bolt(config, settings);
    if (!bolt)
        return -ENOMEM;
    int err = store_get(&bolt->store, settings->path);
    if (err) {
        free_bolt(bolt);
        return err;
    }
    bolt->waiting = 1;
    bolt->attach.store = bolt->store;
    bolt->attach.reply = reply_to(bolt, opened);
    bolt->attach.log = &bolt->log;
    bolt->attach.import = (struct import_order){
        .bucket = str_from_c(bolt->bucket),
        .hub = bolt->log.hub,
        .size = settings->size,
        .cancelled = &bolt->closed,
        .note = send_note,
        .arg = bolt,
    };
    store_attach(&bolt->attach);
    *ret_transport = &bolt->transport;
    return HUB_OK;
}

static int bolt_open(struct transport **ret_transport, const struct transport_config *config,
                     struct buf *reterr)
{
    struct arena arena;
    arena_init(&arena, URL_ARENA_MAX);
    struct settings settings;
    int err = settings_parse(&settings, config->url, &arena, NULL, reterr);
    if (!err) {
        err = open_with(ret_transport, config, &settings);
        if (err)
            buf_printf(reterr, "the threads of the history cannot be started: %s", err_text(err));
    }
    arena_done(&arena);
    return err;
}

// ---- What others ask ----

static const char *fault_text(int fault)
{
    switch ((enum store_fault)fault) {
    case STORE_FAULT_NONE:
        break;
    case STORE_FAULT_FULL:
        return "the disk is full";
    case STORE_FAULT_ADDRESSES:
        return "the address space of the process is used up (ulimit -v)";
    case STORE_FAULT_FAILED:
        return "the disk did not take a write; nothing more is stored until a restart";
    case STORE_FAULT_DAMAGED:
        return "the file is damaged; nothing more is stored";
    }
    return "";
}

static void bolt_health(struct transport *transport, struct transport_health *ret_health)
{
    const struct bolt *bolt = bolt_of(transport);
    int fault = atomic_load(&bolt->store->fault);
    *ret_health = (struct transport_health){
        .ready = bolt->attached && fault == STORE_FAULT_NONE,
        .live = fault < STORE_FAULT_FAILED,
    };
    if (!bolt->attached)
        (void)snprintf(ret_health->reason, sizeof(ret_health->reason), "the history is not open");
    else if (fault != STORE_FAULT_NONE)
        (void)snprintf(ret_health->reason, sizeof(ret_health->reason), "%s: %.80s", fault_text(fault),
                       bolt->store->path);
    uint64_t used = counter_read(&bolt->store->metrics.disk_used);
    if (used >= DISK_WARNING)
        (void)snprintf(ret_health->warning, sizeof(ret_health->warning), "the disk of %.100s is %u %% full",
                       bolt->store->path, (unsigned)used);
}

static void append(struct buf *buf, const char *name, const char *type, const char *help, uint64_t value)
{
    metrics_head(buf, name, type, help);
    metrics_sample(buf, name, "", value);
}

static void bolt_metrics(struct transport *transport, struct buf *buf)
{
    const struct bolt *bolt = bolt_of(transport);
    const struct store_metrics *metrics = &bolt->store->metrics;
    append(buf, "mercure_history_updates", "gauge", "Updates that the history holds",
           counter_read(&bolt->updates));
    append(buf, "mercure_history_dropped_total", "counter", "Updates that the size of the history pushed out",
           counter_read(&metrics->dropped));
    append(buf, "mercure_history_file_bytes", "gauge", "Size of the file of the history",
           counter_read(&metrics->file_bytes));
    append(buf, "mercure_history_disk_used_percent", "gauge", "How full its disk is",
           counter_read(&metrics->disk_used));
    append(buf, "mercure_history_transactions_total", "counter", "Transactions stored",
           counter_read(&metrics->transactions));
    const struct histogram *histograms[] = {&metrics->commit_us};
    metrics_head(buf, "mercure_history_commit_seconds", "histogram", "Time of a transaction, syncs included");
    metrics_histogram(buf, "mercure_history_commit_seconds", histograms, 1);
}

const struct transport_ops bolt_transport = {
    .schemes = (const char *const[]){"bolt", NULL},
    .options = settings_options,
    .check = bolt_check,
    .open = bolt_open,
    .close = bolt_close,
    .publish = bolt_publish,
    .pause = bolt_pause,
    .head = bolt_head,
    .find = bolt_find,
    .replay = bolt_replay,
    .health = bolt_health,
    .metrics = bolt_metrics,
    .has_history = true,
};
