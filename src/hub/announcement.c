#include "hub/announcement.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/uuid.h"
#include "conf/conf.h"
#include "hub/hub.h"
#include "hub/sequencer.h"
#include "hub/shard.h"
#include "hub/subscription_event.h"
#include "mercure/authorization.h"
#include "mercure/matcher.h"
#include "mercure/subscription.h"
#include "mercure/update.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX ((size_t)16 << 20)
#define LIST_DEPTH 2U // of a document in the list of the API

// ---- Documents ----

static void free_document(struct ref *ref)
{
    struct presence_document *document = CONTAINER_OF(ref, struct presence_document, ref);
    ref_put(&document->update->ref);
    free(document);
}

// The texts of both generations; *lens says where one ends.
static void write_texts(struct buf *text, const struct record_subscription *subscription, bool serves_legacy,
                        size_t lens[GENERATIONS])
{
    for (unsigned i = 0; i < (serves_legacy ? GENERATIONS : 1); i++) {
        struct subscription_view view = {
            .generation = (enum generation)i, .active = true, .depth = LIST_DEPTH};
        size_t before = text->len;
        buf_append_str(text, STR(",\n"));
        subscription_append_document(text, subscription, &view);
        lens[i] = text->len - before;
    }
}

int presence_document_new(struct presence_document **ret_document, struct update *update, bool serves_legacy)
{
    struct record_subscription subscription;
    if (!record_subscription(&update->record, &subscription))
        return HUB_E_INVALID;
    struct buf text;
    size_t lens[GENERATIONS] = {0};
    buf_init(&text, TEXT_MAX);
    write_texts(&text, &subscription, serves_legacy, lens);
    struct presence_document *document = text.err ? NULL : malloc(sizeof(*document) + text.len);
    int err = text.err;
    if (!err && !document)
        err = -ENOMEM;
    if (!err) {
        *document = (struct presence_document){.update = update, .kind = subscription.kind};
        ref_init(&document->ref, free_document);
        roll_item_init(&document->item, &document->ref);
        ref_get(&update->ref);
        memcpy(document->text_len, lens, sizeof(lens));
        memcpy(document->text, text.ptr, text.len);
        *ret_document = document;
    }
    buf_done(&text);
    return err;
}

struct str presence_document_text(const struct presence_document *document, enum generation generation)
{
    size_t start = generation == GENERATION_MODERN ? 0 : document->text_len[GENERATION_MODERN];
    return str_make(document->text + start, document->text_len[generation]);
}

// ---- Attendances ----

static int prepare(struct announcement *announcement, const struct record_subscription *subscription,
                   bool serves_legacy)
{
    list_init(&announcement->queued.node);
    list_init(&announcement->waiting);
    int err =
        subscription_event_new(&announcement->update, subscription, true, serves_legacy, clock_real_ms());
    return err ? err : presence_document_new(&announcement->document, announcement->update, serves_legacy);
}

static size_t memory_of(const struct announcement *announcement)
{
    const struct presence_document *document = announcement->document;
    return sizeof(*announcement) + update_memory(announcement->update) + sizeof(*document) +
           document->text_len[GENERATION_MODERN] + document->text_len[GENERATION_LEGACY];
}

static void count_out(struct hub *hub, size_t bytes)
{
    atomic_fetch_sub_explicit(&hub->matcher_bytes, bytes, memory_order_relaxed);
}

static int count_in(struct hub *hub, size_t bytes)
{
    size_t before = atomic_fetch_add_explicit(&hub->matcher_bytes, bytes, memory_order_relaxed);
    if (before + bytes <= hub->conf->max_matcher_bytes)
        return HUB_OK;
    count_out(hub, bytes);
    return HUB_E_TOO_BIG;
}

static int fill(struct attendance *attendance, const struct matcher *matchers, size_t count,
                const struct authorization *authorization)
{
    char urn[UUID_URN_LEN];
    uuid_urn_v4(urn);
    bool serves_legacy = attendance->hub->serves_legacy;
    for (size_t i = 0; i < count; i++) {
        struct announcement *announcement = &attendance->announcements[attendance->count++];
        struct record_subscription subscription = {
            .kind = matchers[i].kind, .match = matchers[i].text, .subscriber = str_make(urn, sizeof(urn))};
        if (authorization)
            subscription.payload = authorization_payload(authorization, matchers[i].text);
        announcement->attendance = attendance;
        int err = prepare(announcement, &subscription, serves_legacy);
        if (err)
            return err;
        attendance->memory += memory_of(announcement);
    }
    return HUB_OK;
}

int attendance_new(struct attendance **ret_attendance, struct shard *shard, const struct matcher *matchers,
                   size_t count, const struct authorization *authorization)
{
    struct attendance *attendance =
        calloc(1, sizeof(*attendance) + count * sizeof(attendance->announcements[0]));
    if (!attendance)
        return -ENOMEM;
    attendance->hub = shard->hub;
    attendance->shard = shard;
    int err = fill(attendance, matchers, count, authorization);
    size_t memory = err ? 0 : attendance->memory;
    attendance->memory = 0; // as long as it is not counted
    if (!err)
        err = count_in(shard->hub, memory);
    if (err) {
        attendance_free(attendance);
        return err;
    }
    attendance->memory = memory;
    *ret_attendance = attendance;
    return HUB_OK;
}

void attendance_leave(struct attendance *attendance)
{
    attendance->message.handle = sequencer_handle_leave;
    sequencer_post(attendance->hub->sequencer, &attendance->message);
}

void attendance_free(struct attendance *attendance)
{
    count_out(attendance->hub, attendance->memory);
    for (size_t i = 0; i < attendance->count; i++) {
        struct announcement *announcement = &attendance->announcements[i];
        if (announcement->document)
            ref_put(&announcement->document->ref);
        if (announcement->update)
            ref_put(&announcement->update->ref);
    }
    free(attendance);
}
