#include "hub/publish_queue.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/random.h"
#include "hub/sequencer.h"
#include "mercure/update.h"

void publish_queue_init(struct publish_queue *queue, const struct publish_queue_config *config)
{
    *queue = (struct publish_queue){.config = *config, ._boot = clock_real_ms()};
    random_bytes(&queue->_node, sizeof(queue->_node));
    list_init(&queue->_waiting);
    list_init(&queue->_events);
}

void publish_queue_add(struct publish_queue *queue, struct queued_update *queued)
{
    bool is_event = queued->update->record.flags & RECORD_SUBSCRIPTION;
    list_append(is_event ? &queue->_events : &queue->_waiting, &queued->node);
}

bool publish_queue_is_empty(const struct publish_queue *queue)
{
    return list_empty(&queue->_waiting) && list_empty(&queue->_events);
}

// ---- Answers ----

// queue.config.answered follows.
static void settle(struct queued_update *queued, enum publish_result result, const char *reason)
{
    ref_put(&queued->update->ref);
    queued->update = NULL;
    queued->result = result;
    queued->reason = reason;
    queued->settled(queued);
}

static void refuse(struct publish_queue *queue, struct queued_update *queued, const char *reason)
{
    counter_add(&queue->config.metrics->refused, 1);
    settle(queued, PUBLISH_REFUSED, reason);
}

void publish_queue_refuse(struct publish_queue *queue, struct queued_update *queued, const char *reason)
{
    refuse(queue, queued, reason);
    queue->config.answered(queue);
}

void publish_queue_refuse_all(struct publish_queue *queue, const char *reason)
{
    struct list waiting;
    list_init(&waiting);
    list_splice(&waiting, &queue->_waiting);
    list_splice(&waiting, &queue->_events);
    struct list *node;
    while ((node = list_first(&waiting)) != NULL) {
        list_remove(node);
        refuse(queue, CONTAINER_OF(node, struct queued_update, node), reason);
    }
    queue->config.answered(queue);
}

// ---- Groups ----

static void settle_group(struct publish_queue *queue)
{
    const struct publish_group *group = &queue->_group;
    for (size_t i = 0; i < group->count; i++) {
        if (group->results[i] == PUBLISH_REFUSED) {
            refuse(queue, queue->_queued[i], group->reason);
            continue;
        }
        if (group->results[i] == PUBLISH_STORED)
            counter_add(&queue->config.metrics->stored, 1);
        settle(queue->_queued[i], group->results[i], group->reason);
    }
    queue->config.answered(queue);
}

static void group_done(struct publish_group *group)
{
    struct publish_queue *queue = CONTAINER_OF(group, struct publish_queue, _group);
    queue->in_flight = false;
    settle_group(queue);
    queue->config.done(queue);
}

// Takes what waits in the list into the group, up to these bounds of the whole.
static void take(struct publish_queue *queue, struct list *waiting, size_t max_count, size_t max_bytes)
{
    struct list *node;
    while (queue->_group.count < max_count && queue->_group_bytes < max_bytes &&
           (node = list_first(waiting)) != NULL) {
        struct queued_update *queued = CONTAINER_OF(node, struct queued_update, node);
        list_remove(node);
        update_stamp(queued->update, queue->_node, queue->_boot, ++queue->_sequence);
        queue->_group_bytes += update_memory(queued->update);
        queue->_queued[queue->_group.count] = queued;
        queue->_updates[queue->_group.count++] = queued->update;
    }
}

// A crowd that comes or goes leaves half of each group to those who publish, and these half to the crowd.
static void fill_group(struct publish_queue *queue)
{
    queue->_group =
        (struct publish_group){.updates = queue->_updates, .results = queue->_results, .done = group_done};
    queue->_group_bytes = 0;
    take(queue, &queue->_waiting, GROUP_MAX / 2, GROUP_BYTES_MAX / 2);
    take(queue, &queue->_events, GROUP_MAX, GROUP_BYTES_MAX);
    take(queue, &queue->_waiting, GROUP_MAX, GROUP_BYTES_MAX);
}

void publish_queue_send(struct publish_queue *queue, struct transport *transport)
{
    if (queue->in_flight || publish_queue_is_empty(queue))
        return;
    fill_group(queue);
    counter_add(&queue->config.metrics->groups, 1);
    queue->in_flight = true;
    int err = transport->ops->publish(transport, &queue->_group);
    if (!err)
        return;
    queue->in_flight = false;
    for (size_t i = 0; i < queue->_group.count; i++)
        refuse(queue, queue->_queued[i], err_text(err));
    queue->config.answered(queue);
}
