#include "hub/lookup.h"

#include "base/err.h"
#include "hub/messages.h"
#include "hub/shard.h"

void lookups_init(struct lookups *lookups, const struct position *head)
{
    *lookups = (struct lookups){._head = head};
    list_init(&lookups->_waiting);
}

static void reply(struct locate_request *request, int err)
{
    if (err)
        request->find.err = err;
    request->message.handle = request->located;
    mailbox_post(&request->shard->loop->mailbox, &request->message);
}

static void look_up(struct locate_request *request)
{
    struct transport *transport = request->lookups->transport;
    int err = transport ? transport->ops->find(transport, &request->find) : HUB_E_CLOSED;
    if (err)
        reply(request, err);
}

static void look_up_again(struct locate_request *request)
{
    request->last_try = true;
    look_up(request);
}

static void head_known(struct head_request *head)
{
    struct locate_request *request = CONTAINER_OF(head, struct locate_request, head);
    struct lookups *lookups = request->lookups;
    if (head->err)
        reply(request, head->err);
    else if (request->beginnings == lookups->_beginnings && position_cmp(&head->head, lookups->_head) > 0)
        list_append(&lookups->_waiting, &request->waiting);
    else
        look_up_again(request);
}

static void found(struct find_request *find)
{
    struct locate_request *request = CONTAINER_OF(find, struct locate_request, find);
    if (find->err || find->found || request->last_try) {
        reply(request, find->err);
        return;
    }
    struct transport *transport = request->lookups->transport;
    request->head.done = head_known;
    request->beginnings = request->lookups->_beginnings;
    int err = transport ? transport->ops->head(transport, &request->head) : HUB_E_CLOSED;
    if (err)
        reply(request, err);
}

void lookups_start(struct lookups *lookups, struct locate_request *request)
{
    request->lookups = lookups;
    request->find.done = found;
    list_init(&request->waiting);
    look_up(request);
}

void lookups_wake(struct lookups *lookups)
{
    LIST_FOREACH (node, &lookups->_waiting) {
        struct locate_request *request = CONTAINER_OF(node, struct locate_request, waiting);
        if (lookups->transport && position_cmp(&request->head.head, lookups->_head) > 0)
            continue;
        list_remove(node);
        look_up_again(request);
    }
}

void lookups_begin_anew(struct lookups *lookups)
{
    lookups->_beginnings++;
    LIST_FOREACH (node, &lookups->_waiting) {
        list_remove(node);
        look_up_again(CONTAINER_OF(node, struct locate_request, waiting));
    }
}
