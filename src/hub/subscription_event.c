#include "hub/subscription_event.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/uuid.h"
#include "mercure/subscription.h"
#include "mercure/update.h"
#include "sse/encode.h"

#define TEXT_MAX ((size_t)16 << 20)

// What one generation sees.
struct face {
    struct buf topic;
    struct buf document;
    struct sse_event event;
};

static int draw_face(struct face *face, const struct record_subscription *subscription,
                     const struct subscription_view *view, struct str id)
{
    buf_init(&face->topic, TEXT_MAX);
    buf_init(&face->document, TEXT_MAX);
    subscription_append_id(&face->topic, subscription, view->generation);
    subscription_append_document(&face->document, subscription, view);
    face->event = (struct sse_event){.id = id, .data = buf_str(&face->document)};
    if (view->generation == GENERATION_MODERN)
        face->event.type = STR("mercure");
    return face->topic.err ? face->topic.err : face->document.err;
}

static int make_update(struct update **ret_update, const struct face *faces, size_t count,
                       struct record_fields fields)
{
    struct str topics[GENERATIONS];
    size_t sizes[GENERATIONS] = {0};
    for (size_t i = 0; i < count; i++) {
        topics[i] = buf_str(&faces[i].topic);
        sizes[i] = sse_frame_size(&faces[i].event);
    }
    fields.topics = topics;
    fields.topic_count = count;
    fields.frame_size = sizes[GENERATION_MODERN];
    fields.legacy_frame_size = sizes[GENERATION_LEGACY];
    char *frame;
    int err = update_new(ret_update, &fields, &frame);
    for (size_t i = 0; i < count && !err; i++) {
        sse_frame_write(frame, &faces[i].event);
        frame += sizes[i];
    }
    return err;
}

int subscription_event_new(struct update **ret_update, const struct record_subscription *subscription,
                           bool active, bool serves_legacy, uint64_t now_ms)
{
    char urn[UUID_URN_LEN];
    uuid_urn_v7(urn, now_ms);
    struct record_fields fields = {
        .flags = (uint8_t)(RECORD_PRIVATE | RECORD_GENERATED_ID | RECORD_SUBSCRIPTION |
                           (active ? RECORD_ACTIVE : 0)),
        .time_ms = now_ms,
        .id = str_make(urn, sizeof(urn)),
        .subscription = subscription,
    };
    struct face faces[GENERATIONS] = {0};
    size_t count = serves_legacy ? GENERATIONS : 1;
    int err = HUB_OK;
    for (unsigned i = 0; i < count && !err; i++) {
        struct subscription_view view = {.generation = (enum generation)i, .active = active, .context = true};
        err = draw_face(&faces[i], subscription, &view, fields.id);
    }
    if (!err)
        err = make_update(ret_update, faces, count, fields);
    for (unsigned i = 0; i < count; i++) {
        buf_done(&faces[i].topic);
        buf_done(&faces[i].document);
    }
    return err;
}

struct str subscription_event_id(const struct record *event)
{
    struct record_topics walk = {0};
    struct str topic = {NULL, 0};
    uint32_t hash;
    (void)record_next_topic(event, &walk, &topic, &hash);
    return topic;
}

int subscription_event_end(struct update **ret_update, const struct record *begin, bool serves_legacy,
                           uint64_t now_ms)
{
    struct record_subscription subscription;
    if (!record_subscription(begin, &subscription))
        return HUB_E_INVALID;
    return subscription_event_new(ret_update, &subscription, false, serves_legacy, now_ms);
}
