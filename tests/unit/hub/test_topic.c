#include "hub/topic.h"

#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void test_a_topic_lives_while_it_is_used(void **state)
{
    (void)state;
    struct topics topics;
    topics_init(&topics);
    struct topic *topic = topics_get(&topics, STR("a"));
    assert_non_null(topic);
    uint32_t index;
    assert_int_equal(topic_subscribe(&topics, topic, (struct subscription){.slot = 7}, &index), HUB_OK);
    assert_int_equal(topic_push_offset(&topics, topic, 10), HUB_OK);
    topics_release(&topics, topic);
    assert_ptr_equal(topics_get(&topics, STR("a")), topic);
    assert_null(subscription_list_remove(&topic->subscriptions, index));
    topics_release(&topics, topic);
    assert_ptr_equal(topics_get(&topics, STR("a")), topic);
    topic_drop_offset(topic, 10);
    topics_release(&topics, topic);
    assert_int_equal(topics.memory, 0);
    topics_done(&topics);
}

static void test_the_last_subscription_takes_the_place_of_a_removed_one(void **state)
{
    (void)state;
    struct topics topics;
    topics_init(&topics);
    struct topic *topic = topics_get(&topics, STR("a"));
    uint32_t index[3];
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(topic_subscribe(&topics, topic, (struct subscription){.slot = i}, &index[i]),
                         HUB_OK);
    const struct subscription *moved = subscription_list_remove(&topic->subscriptions, index[0]);
    assert_non_null(moved);
    assert_int_equal(moved->slot, 2);
    assert_int_equal(topic->subscriptions.count, 2);
    assert_int_equal(topic->subscriptions.items[0].slot, 2);
    assert_null(subscription_list_remove(&topic->subscriptions, 1));
    assert_null(subscription_list_remove(&topic->subscriptions, 0));
    topics_release(&topics, topic);
    topics_done(&topics);
}

static void test_a_chain_finds_the_first_offset_above_another(void **state)
{
    (void)state;
    struct topics topics;
    topics_init(&topics);
    struct topic *topic = topics_get(&topics, STR("a"));
    // Goes round the ring several times.
    for (uint64_t offset = 10; offset < 2000; offset += 10) {
        assert_int_equal(topic_push_offset(&topics, topic, offset), HUB_OK);
        if (offset > 50)
            topic_drop_offset(topic, offset - 50);
    }
    assert_int_equal(topic_next_offset(topic, 0), 1950);
    assert_int_equal(topic_next_offset(topic, 1950), 1960);
    assert_int_equal(topic_next_offset(topic, 1955), 1960);
    assert_int_equal(topic_next_offset(topic, 1989), 1990);
    assert_int_equal(topic_next_offset(topic, 1990), 0);
    assert_int_equal(topic_last_offset(topic), 1990);
    topic_drop_offset(topic, 1990);
    assert_int_equal(topic_last_offset(topic), 1980);
    for (uint64_t offset = 1950; offset < 1990; offset += 10)
        topic_drop_offset(topic, offset);
    topics_release(&topics, topic);
    topics_done(&topics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_topic_lives_while_it_is_used),
        cmocka_unit_test(test_the_last_subscription_takes_the_place_of_a_removed_one),
        cmocka_unit_test(test_a_chain_finds_the_first_offset_above_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
