#include "transport/local/local.h"

#include "base/arena.h"
#include "base/assert.h"
#include "base/err.h"
#include "base/random.h"
#include "loop/loop.h"
#include "mercure/update.h"
#include "transport/dsn.h"
#include "transport/number.h"

#include <errno.h>
#include <stdlib.h>

#define URL_ARENA_MAX (64U * 1024)

enum answer_kind {
    ANSWER_OPENED,
    ANSWER_CLOSED,
    ANSWER_PUBLISHED,
    ANSWER_HEAD,
    ANSWER_FOUND,
};

// What is answered in a later turn: a message to the loop that it came from.
struct answer {
    struct message message;
    struct local *local;
    enum answer_kind kind;
    void *request;
};

struct local {
    struct transport transport;
    struct transport_config config;
    uint64_t head;
    size_t waiting; // answers under way but for that of `closed`
    bool closing;
    struct answer state; // of open and close
    struct answer published;
    struct publish_group *group; // in flight
    struct feed_entry *entries;
    size_t entry_room;
};

static struct local *local_of(struct transport *transport)
{
    return CONTAINER_OF(transport, struct local, transport);
}

static void store(struct local *local, struct publish_group *group)
{
    for (size_t i = 0; i < group->count; i++) {
        ref_get(&group->updates[i]->ref);
        local->entries[i] =
            (struct feed_entry){.position = position_from_number(++local->head), .update = group->updates[i]};
        group->results[i] = PUBLISH_STORED;
    }
}

static void answer_published(struct local *local)
{
    struct publish_group *group = local->group;
    size_t count = group->count;
    store(local, group);
    local->group = NULL;
    local->config.events->feed(local->config.arg, local->entries, count);
    group->done(group);
}

static void answer_head(const struct local *local, struct head_request *request)
{
    request->err = HUB_OK;
    request->head = position_from_number(local->head);
    request->done(request);
}

static void answer_found(struct find_request *request)
{
    request->err = HUB_OK;
    request->found = false;
    request->empty = true;
    request->done(request);
}

static void post_closed(struct local *local);

static void answer(struct message *message)
{
    struct answer *answer = CONTAINER_OF(message, struct answer, message);
    struct local *local = answer->local;
    enum answer_kind kind = answer->kind;
    void *request = answer->request;
    if (kind == ANSWER_HEAD || kind == ANSWER_FOUND)
        free(answer);
    switch (kind) {
    case ANSWER_OPENED: {
        uint64_t epoch;
        random_bytes(&epoch, sizeof(epoch));
        local->config.events->opened(local->config.arg, HUB_OK, "", epoch);
        break;
    }
    case ANSWER_CLOSED:
        local->config.events->closed(local->config.arg);
        free(local->entries);
        free(local);
        return;
    case ANSWER_PUBLISHED:
        answer_published(local);
        break;
    case ANSWER_HEAD:
        answer_head(local, request);
        break;
    case ANSWER_FOUND:
        answer_found(request);
        break;
    }
    local->waiting--;
    if (local->closing && local->waiting == 0)
        post_closed(local);
}

static void post(struct local *local, struct answer *to_post, enum answer_kind kind, void *request)
{
    *to_post = (struct answer){.message.handle = answer, .local = local, .kind = kind, .request = request};
    mailbox_post(&local->config.loop->mailbox, &to_post->message);
}

static int post_new(struct local *local, enum answer_kind kind, void *request)
{
    struct answer *to_post = malloc(sizeof(*to_post));
    if (!to_post)
        return -ENOMEM;
    local->waiting++;
    post(local, to_post, kind, request);
    return HUB_OK;
}

static void post_closed(struct local *local)
{
    post(local, &local->state, ANSWER_CLOSED, NULL);
}

static const struct option options[] = {{0}};

static int local_check(struct str url, struct buf *notes, struct buf *reterr)
{
    struct arena arena;
    arena_init(&arena, URL_ARENA_MAX);
    struct dsn dsn;
    int err = dsn_parse(&dsn, url, &arena, reterr);
    if (!err)
        err = option_parse_query(options, NULL, dsn.query, &arena, notes, reterr);
    arena_done(&arena);
    return err;
}

static int local_open(struct transport **ret_transport, const struct transport_config *config,
                      struct buf *reterr)
{
    int err = local_check(config->url, NULL, reterr);
    if (err)
        return err;
    struct local *local = calloc(1, sizeof(*local));
    if (!local) {
        buf_printf(reterr, "%s", err_text(-ENOMEM));
        return -ENOMEM;
    }
    local->transport.ops = &local_transport;
    local->config = *config;
    local->waiting = 1;
    post(local, &local->state, ANSWER_OPENED, NULL);
    *ret_transport = &local->transport;
    return HUB_OK;
}

static void local_close(struct transport *transport)
{
    struct local *local = local_of(transport);
    local->closing = true;
    if (local->waiting == 0)
        post_closed(local);
}

static int make_room(struct local *local, size_t count)
{
    if (count <= local->entry_room)
        return HUB_OK;
    struct feed_entry *entries = realloc(local->entries, count * sizeof(*entries));
    if (!entries)
        return -ENOMEM;
    local->entries = entries;
    local->entry_room = count;
    return HUB_OK;
}

static int local_publish(struct transport *transport, struct publish_group *group)
{
    struct local *local = local_of(transport);
    HUB_ASSERT(!local->group && !local->closing);
    int err = make_room(local, group->count);
    if (err)
        return err;
    local->group = group;
    local->waiting++;
    post(local, &local->published, ANSWER_PUBLISHED, NULL);
    return HUB_OK;
}

// There is nothing to feed but what this node publishes, which a pause does not hold back.
static void local_pause(struct transport *transport, bool paused)
{
    (void)transport;
    (void)paused;
}

static int local_head(struct transport *transport, struct head_request *request)
{
    return post_new(local_of(transport), ANSWER_HEAD, request);
}

static int local_find(struct transport *transport, struct find_request *request)
{
    return post_new(local_of(transport), ANSWER_FOUND, request);
}

static int local_replay(struct transport *transport, struct replay_request *request)
{
    (void)transport;
    (void)request;
    return HUB_E_UNSUPPORTED;
}

static void local_health(struct transport *transport, struct transport_health *ret_health)
{
    (void)transport;
    *ret_health = (struct transport_health){.ready = true, .live = true};
}

static void local_metrics(struct transport *transport, struct buf *buf)
{
    (void)transport;
    (void)buf;
}

const struct transport_ops local_transport = {
    .schemes = (const char *const[]){"local", NULL},
    .options = options,
    .check = local_check,
    .open = local_open,
    .close = local_close,
    .publish = local_publish,
    .pause = local_pause,
    .head = local_head,
    .find = local_find,
    .replay = local_replay,
    .health = local_health,
    .metrics = local_metrics,
    .has_history = false,
};
