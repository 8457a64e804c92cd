#include "hub/subscriber.h"

#include "reader.h"

static size_t matcher_bytes(struct rig *rig)
{
    return atomic_load(&rig->hub.matcher_bytes);
}

static int try_matchers(struct rig *rig, struct reader *reader, const char *matchers)
{
    return try_to_subscribe(rig, reader, matchers, rig->fed, true, NULL);
}

static void test_equal_matchers_are_counted_once_and_the_places_of_each(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct reader readers[4];
    subscribe(rig, &readers[0], "*");
    assert_int_equal(matcher_bytes(rig), 0);
    subscribe(rig, &readers[1], "a-topic-with-a-name");
    size_t first = matcher_bytes(rig);
    assert_true(first > strlen("a-topic-with-a-name") + sizeof(struct topic));
    subscribe(rig, &readers[2], "a-topic-with-a-name");
    size_t places = matcher_bytes(rig) - first;
    assert_int_equal(places, sizeof(struct matcher_slot) + sizeof(struct subscription));
    subscribe(rig, &readers[3], "a-topic-with-a-name,b");
    assert_int_equal(matcher_bytes(rig), first + 3 * places + sizeof(struct topic) + 1);
    // Whoever goes last takes the text along.
    leave(&readers[1]);
    leave(&readers[3]);
    assert_int_equal(matcher_bytes(rig), first);
    leave(&readers[2]);
    assert_int_equal(matcher_bytes(rig), 0);
    leave(&readers[0]);
    rig_free(rig);
}

static void test_a_topic_of_the_tail_alone_is_not_counted(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct reader reader;
    publish(rig, "a");
    subscribe(rig, &reader, "a");
    assert_true(matcher_bytes(rig) > 0);
    leave(&reader);
    assert_int_equal(matcher_bytes(rig), 0);
    rig_free(rig);
}

static void test_who_would_pass_the_bound_is_refused_and_leaves_nothing(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct reader readers[3];
    subscribe(rig, &readers[0], "a,b,c");
    size_t three = matcher_bytes(rig);
    rig->conf.max_matcher_bytes = 2 * three;
    assert_int_equal(try_matchers(rig, &readers[1], "d,e,longer"), HUB_E_TOO_BIG);
    assert_int_equal(matcher_bytes(rig), three);
    assert_int_equal(atomic_load(&rig->hub.subscribers), 1);
    assert_int_equal(try_matchers(rig, &readers[1], "d,e,f"), HUB_OK);
    assert_int_equal(try_matchers(rig, &readers[2], "a"), HUB_E_TOO_BIG);
    leave(&readers[0]);
    assert_int_equal(try_matchers(rig, &readers[2], "a"), HUB_OK);
    publish(rig, "e,longer,a");
    flush(&readers[1]);
    flush(&readers[2]);
    assert_string_equal(received(&readers[1]), "1 ");
    assert_string_equal(received(&readers[2]), "1 ");
    leave(&readers[1]);
    leave(&readers[2]);
    rig_free(rig);
}

static void test_so_many_subscribers_there_may_be(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct reader readers[3];
    rig->conf.max_subscribers = 2;
    subscribe(rig, &readers[0], "a");
    subscribe(rig, &readers[1], "a");
    assert_int_equal(try_matchers(rig, &readers[2], "a"), HUB_E_FULL);
    leave(&readers[0]);
    subscribe(rig, &readers[2], "a");
    leave(&readers[1]);
    leave(&readers[2]);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal_matchers_are_counted_once_and_the_places_of_each),
        cmocka_unit_test(test_a_topic_of_the_tail_alone_is_not_counted),
        cmocka_unit_test(test_who_would_pass_the_bound_is_refused_and_leaves_nothing),
        cmocka_unit_test(test_so_many_subscribers_there_may_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
