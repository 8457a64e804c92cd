#include "hub/publish_queue.h"

#include "base/err.h"
#include "base/metrics.h"
#include "hub/sequencer.h"
#include "hub/subscription_event.h"
#include "mercure/update.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

// A transport that keeps the group until the test says that it is stored.
static struct publish_group *sent;

static int keep_group(struct transport *transport, struct publish_group *group)
{
    (void)transport;
    sent = group;
    return HUB_OK;
}

static struct transport_ops ops = {.publish = keep_group};
static struct transport transport = {.ops = &ops};

static struct sequencer_metrics metrics;

static void nothing(struct publish_queue *queue)
{
    (void)queue;
}

static void free_queued(struct queued_update *queued)
{
    assert_int_equal(queued->result, PUBLISH_STORED);
    free(queued);
}

static struct queued_update *new_queued(struct update *update)
{
    struct queued_update *queued = calloc(1, sizeof(*queued));
    assert_non_null(queued);
    list_init(&queued->node);
    queued->update = update;
    queued->settled = free_queued;
    return queued;
}

static void add_publishes(struct publish_queue *queue, size_t count)
{
    struct str topic = STR("topic");
    struct record_fields fields = {.topics = &topic, .topic_count = 1, .id = STR("id")};
    for (size_t i = 0; i < count; i++) {
        struct update *update;
        char *frame;
        fields.time_ms = i;
        assert_int_equal(update_new(&update, &fields, &frame), HUB_OK);
        publish_queue_add(queue, new_queued(update));
    }
}

static void add_events(struct publish_queue *queue, size_t count)
{
    const struct record_subscription subscription = {.match = STR("m"), .subscriber = STR("s")};
    for (size_t i = 0; i < count; i++) {
        struct update *update;
        assert_int_equal(subscription_event_new(&update, &subscription, true, false, i), HUB_OK);
        publish_queue_add(queue, new_queued(update));
    }
}

static bool is_event(const struct update *update)
{
    return update->record.flags & RECORD_SUBSCRIPTION;
}

// Sends one group and has it stored; how many of it were events. Each kind comes in its order, from the
// number that is given.
static size_t send_group(struct publish_queue *queue, uint64_t publish, uint64_t event)
{
    size_t events = 0;
    sent = NULL;
    publish_queue_send(queue, &transport);
    assert_non_null(sent);
    for (size_t i = 0; i < sent->count; i++) {
        bool is_one = is_event(sent->updates[i]);
        events += is_one;
        assert_int_equal(sent->updates[i]->record.time_ms, is_one ? event++ : publish++);
        sent->results[i] = PUBLISH_STORED;
    }
    return events;
}

static void store_group(void)
{
    sent->done(sent);
}

static void begin(struct publish_queue *queue)
{
    const struct publish_queue_config config = {.metrics = &metrics, .answered = nothing, .done = nothing};
    publish_queue_init(queue, &config);
}

static void whoever_publishes_does_not_wait_behind_a_crowd_that_comes(void **state)
{
    (void)state;
    struct publish_queue queue;
    begin(&queue);
    add_events(&queue, 2 * GROUP_MAX);
    add_publishes(&queue, 1);
    assert_int_equal(send_group(&queue, 0, 0), GROUP_MAX - 1);
    assert_int_equal(sent->count, GROUP_MAX);
    store_group();
    assert_int_equal(send_group(&queue, 1, GROUP_MAX - 1), GROUP_MAX);
    store_group();
    assert_int_equal(send_group(&queue, 1, 2 * GROUP_MAX - 1), 1);
    store_group();
    assert_true(publish_queue_is_empty(&queue));
}

static void nor_does_the_crowd_wait_behind_those_who_publish(void **state)
{
    (void)state;
    struct publish_queue queue;
    begin(&queue);
    add_publishes(&queue, 2 * GROUP_MAX);
    add_events(&queue, GROUP_MAX);
    assert_int_equal(send_group(&queue, 0, 0), GROUP_MAX / 2);
    assert_int_equal(sent->count, GROUP_MAX);
    store_group();
    assert_int_equal(send_group(&queue, GROUP_MAX / 2, GROUP_MAX / 2), GROUP_MAX / 2);
    store_group();
    assert_int_equal(send_group(&queue, GROUP_MAX, GROUP_MAX), 0);
    assert_int_equal(sent->count, GROUP_MAX);
    store_group();
    assert_true(publish_queue_is_empty(&queue));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whoever_publishes_does_not_wait_behind_a_crowd_that_comes),
        cmocka_unit_test(nor_does_the_crowd_wait_behind_those_who_publish),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
