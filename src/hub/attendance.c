#include "hub/attendance.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/quota.h"
#include "base/uuid.h"
#include "conf/conf.h"
#include "hub/hub.h"
#include "hub/presence_document.h"
#include "hub/sequencer.h"
#include "hub/shard.h"
#include "hub/subscription_event.h"
#include "mercure/authorization.h"
#include "mercure/matcher.h"
#include "mercure/update.h"

#include <errno.h>
#include <stdlib.h>

static int prepare(struct announcement *announcement, const struct record_subscription *subscription,
                   bool serves_legacy)
{
    list_init(&announcement->queued.node);
    list_init(&announcement->waiting);
    int err =
        subscription_event_new(&announcement->update, subscription, true, serves_legacy, clock_real_ms());
    return err ? err : presence_document_new(&announcement->document, announcement->update, serves_legacy);
}

// Counts what it takes, which attendance_free gives back.
static int take_memory(struct attendance *attendance, const struct announcement *announcement)
{
    struct hub *hub = attendance->shard->hub;
    size_t memory = sizeof(*announcement) + update_memory(announcement->update) +
                    presence_document_memory(announcement->document);
    if (!quota_take(&hub->matcher_bytes, memory, hub->conf->max_matcher_bytes))
        return HUB_E_TOO_BIG;
    attendance->memory += memory;
    return HUB_OK;
}

static int fill(struct attendance *attendance, const struct matcher *matchers, size_t count,
                const struct authorization *authorization)
{
    char urn[UUID_URN_LEN];
    uuid_urn_v4(urn);
    bool serves_legacy = attendance->shard->hub->serves_legacy;
    for (size_t i = 0; i < count; i++) {
        struct announcement *announcement = &attendance->announcements[attendance->count++];
        struct record_subscription subscription = {
            .kind = matchers[i].kind, .match = matchers[i].text, .subscriber = str_make(urn, sizeof(urn))};
        if (authorization)
            subscription.payload = authorization_payload(authorization, matchers[i].text);
        announcement->attendance = attendance;
        int err = prepare(announcement, &subscription, serves_legacy);
        if (!err)
            err = take_memory(attendance, announcement);
        if (err)
            return err;
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
    attendance->shard = shard;
    int err = fill(attendance, matchers, count, authorization);
    if (err) {
        attendance_free(attendance);
        return err;
    }
    *ret_attendance = attendance;
    return HUB_OK;
}

void attendance_leave(struct attendance *attendance)
{
    attendance->message.handle = sequencer_handle_leave;
    sequencer_post(attendance->shard->hub->sequencer, &attendance->message);
}

void attendance_free(struct attendance *attendance)
{
    quota_give(&attendance->shard->hub->matcher_bytes, attendance->memory);
    for (size_t i = 0; i < attendance->count; i++) {
        struct announcement *announcement = &attendance->announcements[i];
        if (announcement->document)
            ref_put(&announcement->document->ref);
        if (announcement->update)
            ref_put(&announcement->update->ref);
    }
    free(attendance);
}
