#include "hub/presence.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/log.h"
#include "hub/ghosts.h"
#include "hub/presence_document.h"
#include "hub/shard.h"
#include "hub/subscription_event.h"
#include "mercure/update.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

// Ends that are being stored at the same time: whoever publishes does not wait behind a crowd that leaves.
#define IN_FLIGHT_MAX 1024U
#define RETRY_MS 1000U

// ---- The table ----

static struct presence_document *find(const struct presence *presence, struct str id)
{
    struct table_node *node = table_first(&presence->_by_id, hash_keyed(id));
    for (; node; node = table_next(node)) {
        struct presence_document *document = CONTAINER_OF(node, struct presence_document, by_id);
        if (str_eq(subscription_event_id(&document->update->record), id))
            return document;
    }
    return NULL;
}

// Takes a reference. -ENOMEM.
static int insert(struct presence *presence, struct presence_document *document)
{
    int err = table_insert(&presence->_by_id, &document->by_id,
                           hash_keyed(subscription_event_id(&document->update->record)));
    if (!err)
        ref_get(&document->ref);
    return err;
}

static struct presence_match *find_match(const struct presence *presence, struct str text)
{
    struct table_node *node = table_first(&presence->_by_match, hash_keyed(text));
    for (; node; node = table_next(node)) {
        struct presence_match *match = CONTAINER_OF(node, struct presence_match, _node);
        if (str_eq(str_make(match->text, match->len), text))
            return match;
    }
    return NULL;
}

static struct presence_match *get_match(struct presence *presence, struct str text)
{
    struct presence_match *match = find_match(presence, text);
    if (match)
        return match;
    match = malloc(sizeof(*match) + text.len);
    if (!match)
        return NULL;
    *match = (struct presence_match){.len = text.len};
    roll_init(&match->roll, 1);
    if (text.len)
        memcpy(match->text, text.ptr, text.len);
    if (table_insert(&presence->_by_match, &match->_node, hash_keyed(text)) == HUB_OK)
        return match;
    free(match);
    return NULL;
}

static void release_match(struct presence *presence, struct presence_match *match)
{
    if (match->roll.count)
        return;
    table_remove(&presence->_by_match, &match->_node);
    roll_done(&match->roll);
    free(match);
}

static void unlist(struct presence *presence, struct presence_document *document)
{
    struct presence_match *match = document->match;
    if (!match)
        return;
    uint64_t change = ++presence->_change;
    document->match = NULL;
    roll_remove(&presence->_all, &document->item, change);
    roll_remove(&match->roll, &document->item, change);
    release_match(presence, match);
}

// -ENOMEM.
static int list_document(struct presence *presence, struct presence_document *document)
{
    struct record_subscription subscription;
    (void)record_subscription(&document->update->record, &subscription);
    struct presence_match *match = get_match(presence, subscription.match);
    if (!match)
        return -ENOMEM;
    int err = roll_append(&match->roll, &document->item);
    if (!err) {
        err = roll_append(&presence->_all, &document->item);
        if (err)
            roll_remove(&match->roll, &document->item, 0);
    }
    if (err)
        release_match(presence, match);
    else
        document->match = match;
    return err;
}

// It is no longer known here; who still reads it has references.
static void forget(struct presence *presence, struct presence_document *document)
{
    unlist(presence, document);
    table_remove(&presence->_by_id, &document->by_id);
    ref_put(&document->ref);
}

// ---- Ends ----

static void check_ended(struct presence *presence)
{
    if (presence->_ending && presence_has_ended(presence))
        presence->config.ended(presence->config.arg);
}

static void free_attendance(struct presence *presence, struct attendance *attendance)
{
    presence->_attendances--;
    for (size_t i = 0; i < attendance->count; i++) {
        struct presence_document *document = attendance->announcements[i].document;
        document->announcement = NULL;
    }
    attendance_free(attendance);
}

// There is nothing more to do for it.
static void finish(struct announcement *announcement)
{
    struct presence *presence = announcement->presence;
    struct attendance *attendance = announcement->attendance;
    presence->_closing_count--;
    if (!attendance)
        ghost_free(announcement);
    else if (--attendance->waiting == 0)
        free_attendance(presence, attendance);
}

static void wait_for_store(struct presence *presence)
{
    presence->_waits = true;
    timer_set(presence->config.loop, &presence->_retry, loop_now_ms(presence->config.loop) + RETRY_MS);
}

static void store_ends(struct presence *presence);

static void end_settled(struct queued_update *queued)
{
    struct announcement *announcement = CONTAINER_OF(queued, struct announcement, queued);
    struct presence *presence = announcement->presence;
    presence->_in_flight--;
    if (queued->result == PUBLISH_STORED) {
        finish(announcement);
    } else if (presence->_ending) {
        presence->_lost++;
        finish(announcement);
    } else {
        list_append(&presence->_closing, &announcement->waiting);
        wait_for_store(presence);
    }
    store_ends(presence);
    check_ended(presence);
}

static int store_end(struct presence *presence, struct announcement *announcement)
{
    int err = subscription_event_end(&announcement->queued.update, &announcement->update->record,
                                     presence->config.serves_legacy, clock_real_ms());
    if (err)
        return err;
    list_remove(&announcement->waiting);
    presence->_in_flight++;
    announcement->queued.settled = end_settled;
    presence->config.publish(presence->config.arg, &announcement->queued);
    return HUB_OK;
}

static void store_ends(struct presence *presence)
{
    struct list *node;
    while (!presence->_waits && presence->_in_flight < IN_FLIGHT_MAX &&
           (node = list_first(&presence->_closing)) != NULL) {
        if (store_end(presence, CONTAINER_OF(node, struct announcement, waiting)) != HUB_OK)
            wait_for_store(presence);
    }
}

static void retry(struct timer *timer)
{
    struct presence *presence = CONTAINER_OF(timer, struct presence, _retry);
    presence->_waits = false;
    if (presence->config.is_ready(presence->config.arg))
        store_ends(presence);
    else
        wait_for_store(presence);
}

void presence_close(struct presence *presence, struct announcement *announcement)
{
    announcement->presence = presence;
    announcement->state = ANNOUNCEMENT_CLOSING;
    presence->_closing_count++;
    list_append(&presence->_closing, &announcement->waiting);
    store_ends(presence);
}

void presence_leave(struct presence *presence, struct attendance *attendance)
{
    attendance->waiting = 1; // this call
    for (size_t i = 0; i < attendance->count; i++) {
        struct announcement *announcement = &attendance->announcements[i];
        if (announcement->state != ANNOUNCEMENT_ACTIVE)
            continue;
        attendance->waiting++;
        presence_close(presence, announcement);
    }
    if (--attendance->waiting == 0)
        free_attendance(presence, attendance);
    check_ended(presence);
}

void presence_end(struct presence *presence)
{
    presence->_ending = true;
    presence->_waits = false;
    timer_cancel(&presence->_retry);
    store_ends(presence);
    check_ended(presence);
}

bool presence_has_ended(const struct presence *presence)
{
    return presence->_attendances == 0 && presence->_closing_count == 0;
}

// ---- Begins ----

// Every announcement has been settled one way or the other.
static void attended(struct presence *presence, struct attendance *attendance)
{
    if (presence->_ending) { // nobody asks for it any more
        presence_leave(presence, attendance);
        return;
    }
    attendance->message.handle = attendance->announced;
    outbox_add(&attendance->shard->answers, &attendance->message);
}

static void begin_settled(struct announcement *announcement, enum announcement_state state)
{
    struct attendance *attendance = announcement->attendance;
    announcement->state = state;
    if (--attendance->waiting == 0)
        attended(announcement->presence, attendance);
}

static void begin_refused(struct announcement *announcement, const char *reason)
{
    announcement->attendance->refused = reason;
    begin_settled(announcement, ANNOUNCEMENT_REFUSED);
}

// What was stored comes, or has come, by the feed.
static void begin_answered(struct queued_update *queued)
{
    struct announcement *announcement = CONTAINER_OF(queued, struct announcement, queued);
    if (queued->result != PUBLISH_REFUSED)
        return;
    announcement->document->announcement = NULL;
    forget(announcement->presence, announcement->document);
    begin_refused(announcement, queued->reason);
}

static void announce(struct presence *presence, struct announcement *announcement)
{
    announcement->presence = presence;
    if (insert(presence, announcement->document) != HUB_OK) {
        begin_refused(announcement, err_text(-ENOMEM));
        return;
    }
    announcement->document->announcement = announcement;
    ref_get(&announcement->update->ref);
    announcement->queued.update = announcement->update;
    announcement->queued.settled = begin_answered;
    presence->config.publish(presence->config.arg, &announcement->queued);
}

void presence_attend(struct presence *presence, struct attendance *attendance)
{
    presence->_attendances++;
    attendance->waiting = attendance->count + 1; // and this call
    for (size_t i = 0; i < attendance->count; i++)
        announce(presence, &attendance->announcements[i]);
    if (--attendance->waiting == 0)
        attended(presence, attendance);
}

// ---- The log ----

// Another node's.
static struct presence_document *add_foreign(struct presence *presence, struct update *update)
{
    struct presence_document *document;
    if (presence_document_new(&document, update, presence->config.serves_legacy) != HUB_OK)
        return NULL;
    int err = insert(presence, document);
    ref_put(&document->ref); // the table has its own
    return err ? NULL : document;
}

static void begins(struct presence *presence, struct update *update)
{
    struct presence_document *document = find(presence, subscription_event_id(&update->record));
    if (!document)
        document = add_foreign(presence, update);
    if (document && document->match)
        return; // announced once more
    int err = document ? list_document(presence, document) : -ENOMEM;
    if (err)
        LOG(LOG_LEVEL_ERROR, "Out of memory: a subscription is not listed");
    struct announcement *announcement = document ? document->announcement : NULL;
    if (!announcement || announcement->state != ANNOUNCEMENT_NEW)
        return;
    // It is in the log: should it not be listed, its stream does not begin and its end is announced.
    if (err)
        announcement->attendance->refused = err_text(err);
    begin_settled(announcement, ANNOUNCEMENT_ACTIVE);
}

static void ends(struct presence *presence, const struct update *update)
{
    struct presence_document *document = find(presence, subscription_event_id(&update->record));
    if (document)
        forget(presence, document);
}

void presence_note(struct presence *presence, const struct feed_entry *entries, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct update *update = entries[i].update;
        if (!(update->record.flags & RECORD_SUBSCRIPTION))
            continue;
        if (update->record.flags & RECORD_ACTIVE)
            begins(presence, update);
        else
            ends(presence, update);
    }
    if (count)
        presence_note_newest(presence, entries[count - 1].update);
}

void presence_note_newest(struct presence *presence, struct update *update)
{
    ref_get(&update->ref);
    if (presence->_newest)
        ref_put(&presence->_newest->ref);
    presence->_newest = update;
}

// ---- The API ----

static void answer_roll(struct presence *presence, struct roll *roll, struct presence_request *request)
{
    request->err = roll_get(roll, presence->_change, &request->view);
}

static void answer_one(const struct presence *presence, struct presence_request *request)
{
    for (size_t i = 0; i < request->id_count && !request->document; i++) {
        struct presence_document *document = find(presence, request->ids[i]);
        if (!document || !document->match)
            continue;
        ref_get(&document->ref);
        request->document = document;
    }
}

void presence_answer(struct presence *presence, struct presence_request *request)
{
    struct presence_match *match;
    switch (request->question) {
    case PRESENCE_ALL:
        answer_roll(presence, &presence->_all, request);
        break;
    case PRESENCE_MATCH:
        match = find_match(presence, request->match);
        if (match)
            answer_roll(presence, &match->roll, request);
        break;
    case PRESENCE_ONE:
        answer_one(presence, request);
        break;
    }
    request->newest = presence->_newest;
    if (request->newest)
        ref_get(&request->newest->ref);
    request->message.handle = request->answered;
    mailbox_post(&request->shard->loop->mailbox, &request->message);
}

// ---- Life ----

void presence_init(struct presence *presence, const struct presence_config *config)
{
    *presence = (struct presence){.config = *config};
    table_init(&presence->_by_id);
    table_init(&presence->_by_match);
    roll_init(&presence->_all, 0);
    list_init(&presence->_closing);
    timer_init(&presence->_retry, retry);
}

// Other nodes' subscriptions, and those whose end was not stored, are still in the table.
static void forget_all(struct presence *presence)
{
    struct roll_view *view;
    while (presence->_all.count && roll_get(&presence->_all, presence->_change, &view) == HUB_OK) {
        struct roll_place place = {0};
        struct roll_item *item;
        while ((item = roll_view_next(view, &place)) != NULL)
            forget(presence, CONTAINER_OF(item, struct presence_document, item));
        ref_put(&view->ref);
    }
}

void presence_done(struct presence *presence)
{
    if (presence->_lost)
        LOG(LOG_LEVEL_WARN, "Ends of subscriptions could not be stored; they are announced at the next start",
            LOG_U64("subscriptions", presence->_lost));
    timer_cancel(&presence->_retry);
    forget_all(presence);
    roll_done(&presence->_all);
    table_done(&presence->_by_id);
    table_done(&presence->_by_match);
    if (presence->_newest)
        ref_put(&presence->_newest->ref);
}
