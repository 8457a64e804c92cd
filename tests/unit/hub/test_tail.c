#include "hub/tail.h"

#include "base/err.h"
#include "mercure/update.h"
#include "transport/number.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

// The state is a tail with topics of its own.
static int setup(void **state)
{
    static struct topics topics;
    static struct tail tail;
    topics_init(&topics);
    tail_init(&tail, &topics);
    *state = &tail;
    return 0;
}

static int teardown(void **state)
{
    struct tail *tail = *state;
    struct topics *topics = tail->_topics;
    tail_done(tail);
    topics_done(topics);
    return 0;
}

static void push_flagged(struct tail *tail, uint64_t number, const char *id, const char *topic,
                         const char *other, uint8_t flags)
{
    struct str topics[] = {str_from_c(topic), str_from_c(other)};
    struct record_fields fields = {.flags = flags,
                                   .topics = topics,
                                   .topic_count = other ? 2 : 1,
                                   .id = str_from_c(id),
                                   .frame_size = 3};
    struct update *update;
    char *frame;
    assert_int_equal(update_new(&update, &fields, &frame), HUB_OK);
    memcpy(frame, ":\n\n", 3);
    struct feed_entry entry = {.position = position_from_number(number), .update = update};
    assert_int_equal(tail_push(tail, &entry), HUB_OK);
}

static void push(struct tail *tail, uint64_t number, const char *id, const char *topic, const char *other)
{
    push_flagged(tail, number, id, topic, other, 0);
}

static void offsets_have_no_gaps_and_positions_lead_to_them(void **state)
{
    struct tail *tail = *state;
    // Positions have gaps, as those of many stores.
    for (uint64_t i = 1; i <= 200; i++) {
        char id[16];
        (void)snprintf(id, sizeof(id), "id-%u", (unsigned)i);
        push(tail, i * 10, id, "t", NULL);
    }
    assert_int_equal(tail->next - tail->first, 200);
    assert_int_equal(tail_offset_of(tail, &(struct position){0}), tail->first - 1);
    struct position tenth = position_from_number(100);
    assert_int_equal(tail_offset_of(tail, &tenth), tail->first + 9);
    struct position between = position_from_number(105);
    assert_int_equal(tail_offset_of(tail, &between), tail->first + 9);
    assert_int_equal(position_cmp(tail_before(tail, tail->first + 10), &tenth), 0);
    tail_trim(tail, tail->first + 10);
    assert_true(tail_covers(tail, &tenth));
    struct position ninth = position_from_number(99);
    assert_false(tail_covers(tail, &ninth));
    assert_int_equal(position_cmp(&tail->before, &tenth), 0);
    tail_trim(tail, tail->next + 5);
    assert_int_equal(tail->first, tail->next);
    struct position last = position_from_number(2000);
    assert_int_equal(position_cmp(tail_head(tail), &last), 0);
}

static void an_id_leads_to_its_earliest_update(void **state)
{
    struct tail *tail = *state;
    push(tail, 1, "a", "t", NULL);
    push(tail, 2, "same", "t", NULL);
    push(tail, 3, "same", "t", NULL);
    push(tail, 4, "b", "t", NULL);
    push(tail, 5, "same", "t", NULL);
    assert_int_equal(tail_find_id(tail, STR("same"))->offset, tail->first + 1);
    tail_trim(tail, tail->first + 2);
    assert_int_equal(tail_find_id(tail, STR("same"))->offset, tail->first);
    tail_trim(tail, tail->first + 1);
    assert_int_equal(tail_find_id(tail, STR("same"))->offset, tail->next - 1);
    push(tail, 6, "same", "t", NULL);
    tail_trim(tail, tail->next - 1);
    assert_int_equal(tail_find_id(tail, STR("same"))->offset, tail->next - 1);
    assert_null(tail_find_id(tail, STR("a")));
    assert_null(tail_find_id(tail, STR("b")));
}

static void an_id_of_the_hubs_making_that_a_publisher_uses_again_leads_to_the_first(void **state)
{
    struct tail *tail = *state;
    push_flagged(tail, 1, "made", "t", NULL, RECORD_GENERATED_ID);
    push(tail, 2, "made", "t", NULL);
    push_flagged(tail, 3, "other", "t", NULL, RECORD_GENERATED_ID);
    assert_int_equal(tail_find_id(tail, STR("made"))->offset, tail->first);
    tail_trim(tail, tail->first + 1);
    assert_int_equal(tail_find_id(tail, STR("made"))->offset, tail->first);
    tail_trim(tail, tail->first + 1);
    assert_null(tail_find_id(tail, STR("made")));
    assert_int_equal(tail_find_id(tail, STR("other"))->offset, tail->first);
}

static void an_update_that_names_a_topic_twice_is_in_its_chain_once(void **state)
{
    struct tail *tail = *state;
    push(tail, 1, "a", "t", "t");
    push(tail, 2, "b", "t", "u");
    const struct topic *topic = tail_at(tail, tail->first)->topics[0];
    assert_int_equal(topic_next_offset(topic, 0), tail->first);
    assert_int_equal(topic_next_offset(topic, tail->first), tail->first + 1);
    assert_int_equal(topic_next_offset(topic, tail->first + 1), 0);
    tail_trim(tail, tail->first + 1);
    assert_int_equal(topic_next_offset(topic, 0), tail->first);
    tail_trim(tail, tail->next);
    assert_int_equal(tail->_topics->memory, 0);
}

static void a_reset_begins_anew_behind_a_position(void **state)
{
    struct tail *tail = *state;
    push(tail, 1, "a", "t", NULL);
    struct position before = position_from_number(77);
    tail_reset(tail, 500, &before);
    assert_int_equal(tail->next, 500);
    assert_null(tail_find_id(tail, STR("a")));
    assert_int_equal(position_cmp(tail_head(tail), &before), 0);
    push(tail, 80, "b", "t", NULL);
    assert_int_equal(tail_find_id(tail, STR("b"))->offset, 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(offsets_have_no_gaps_and_positions_lead_to_them),
        TEST(an_id_leads_to_its_earliest_update),
        TEST(an_id_of_the_hubs_making_that_a_publisher_uses_again_leads_to_the_first),
        TEST(an_update_that_names_a_topic_twice_is_in_its_chain_once),
        TEST(a_reset_begins_anew_behind_a_position),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
