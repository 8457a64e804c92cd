#include "hub/ghosts.h"

#include "base/err.h"
#include "base/hash.h"
#include "hub/attendance.h"
#include "hub/presence.h"
#include "hub/subscription_event.h"
#include "mercure/update.h"

#include <errno.h>
#include <stdlib.h>

struct ghost {
    struct announcement announcement;
    struct table_node by_id;
};

static struct ghost *find(const struct ghosts *ghosts, struct str id, uint64_t hash)
{
    struct table_node *node = table_first(&ghosts->_by_id, hash);
    for (; node; node = table_next(node)) {
        struct ghost *ghost = CONTAINER_OF(node, struct ghost, by_id);
        if (str_eq(subscription_event_id(&ghost->announcement.update->record), id))
            return ghost;
    }
    return NULL;
}

void ghost_free(struct announcement *announcement)
{
    ref_put(&announcement->update->ref);
    free(CONTAINER_OF(announcement, struct ghost, announcement));
}

static int add(struct ghosts *ghosts, const struct record *record, uint64_t hash)
{
    struct ghost *ghost = calloc(1, sizeof(*ghost));
    if (!ghost)
        return -ENOMEM;
    list_init(&ghost->announcement.queued.node);
    list_init(&ghost->announcement.waiting);
    int err = update_from_record(&ghost->announcement.update, record->bytes);
    if (err) {
        free(ghost);
        return err;
    }
    err = table_insert(&ghosts->_by_id, &ghost->by_id, hash);
    if (err)
        ghost_free(&ghost->announcement);
    else
        list_append(&ghosts->_list, &ghost->announcement.waiting);
    return err;
}

static void drop(struct ghosts *ghosts, struct ghost *ghost)
{
    table_remove(&ghosts->_by_id, &ghost->by_id);
    list_remove(&ghost->announcement.waiting);
    ghost_free(&ghost->announcement);
}

static int note(struct ghosts *ghosts, const struct record *record)
{
    struct str id = subscription_event_id(record);
    uint64_t hash = hash_keyed(id);
    struct ghost *ghost = find(ghosts, id, hash);
    if (!(record->flags & RECORD_ACTIVE)) {
        if (ghost)
            drop(ghosts, ghost);
        return HUB_OK;
    }
    return ghost ? HUB_OK : add(ghosts, record, hash);
}

static int note_slice(struct ghosts *ghosts, const struct history_slice *slice)
{
    int err = HUB_OK;
    for (size_t i = 0; i < slice->count && !err; i++)
        err = note(ghosts, &slice->entries[i].record);
    if (slice->count)
        ghosts->_request.after = slice->entries[slice->count - 1].position;
    return err;
}

static void slice_read(struct replay_request *request)
{
    struct ghosts *ghosts = CONTAINER_OF(request, struct ghosts, _request);
    struct history_slice *slice = request->slice;
    int err = request->err;
    bool end = true;
    if (!err) {
        err = note_slice(ghosts, slice);
        end = slice->end;
        ref_put(&slice->ref);
    }
    if (!err && !end)
        err = ghosts->_transport->ops->replay(ghosts->_transport, request);
    if (err || end)
        ghosts->_done(ghosts, err);
}

int ghosts_find(struct ghosts *ghosts, struct transport *transport,
                void (*done)(struct ghosts *ghosts, int err))
{
    *ghosts = (struct ghosts){
        ._request = {.from = REPLAY_EVENTS, .done = slice_read}, ._transport = transport, ._done = done};
    list_init(&ghosts->_list);
    return transport->ops->replay(transport, &ghosts->_request);
}

size_t ghosts_close(struct ghosts *ghosts, struct presence *presence)
{
    size_t count = 0;
    LIST_FOREACH (node, &ghosts->_list) {
        struct ghost *ghost = CONTAINER_OF(node, struct ghost, announcement.waiting);
        table_remove(&ghosts->_by_id, &ghost->by_id);
        list_remove(node);
        presence_close(presence, &ghost->announcement);
        count++;
    }
    table_done(&ghosts->_by_id);
    return count;
}

void ghosts_done(struct ghosts *ghosts)
{
    if (!ghosts->_transport)
        return;
    LIST_FOREACH (node, &ghosts->_list)
        drop(ghosts, CONTAINER_OF(node, struct ghost, announcement.waiting));
    table_done(&ghosts->_by_id);
}
