#include "hub/shard.h"

#include "reader.h"

#define READERS 5

static void flush_all(struct reader *readers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        flush(&readers[i]);
}

static void leave_all(struct reader *readers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        leave(&readers[i]);
}

// ---- Public updates ----

static void test_a_public_update_comes_to_its_topics_and_to_those_that_want_all(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct reader readers[3];
    subscribe(rig, &readers[0], "a");
    subscribe(rig, &readers[1], "b");
    subscribe(rig, &readers[2], "*");
    publish(rig, "a");
    publish(rig, "b");
    publish(rig, "c");
    publish(rig, "b,a");
    flush_all(readers, 3);
    assert_string_equal(received(&readers[0]), "1 4 ");
    assert_string_equal(received(&readers[1]), "2 4 ");
    assert_string_equal(received(&readers[2]), "1 2 3 4 ");
    leave_all(readers, 3);
    rig_free(rig);
}

static void test_the_others_stay_where_they_are_when_one_leaves(void **state)
{
    (void)state;
    static const char *const matchers[READERS] = {"a", "*", "b,*", "b,a", "*"};
    for (size_t order = 0; order < READERS * (READERS - 1); order++) {
        struct rig *rig = rig_new();
        struct reader readers[READERS];
        struct reader *leaving[READERS];
        for (size_t i = 0; i < READERS; i++)
            subscribe(rig, &readers[i], matchers[i]);
        for (size_t i = 0; i < READERS; i++)
            leaving[i] = &readers[(order + i * (order / READERS + 1)) % READERS];
        // One after the other leaves, and those that are left get the next update.
        for (size_t gone = 0; gone < READERS; gone++) {
            leave(leaving[gone]);
            publish(rig, "a");
            for (size_t i = gone + 1; i < READERS; i++) {
                char expected[8];
                (void)snprintf(expected, sizeof(expected), "%u ", (unsigned)rig->newest);
                flush(leaving[i]);
                assert_string_equal(received(leaving[i]), expected);
            }
        }
        rig_free(rig);
    }
}

// ---- Patterns ----

static void test_patterns_get_what_they_match_live_and_late(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct reader readers[4];
    subscribe(rig, &readers[0], "~/a/:id");
    subscribe(rig, &readers[1], "~/a/:id,/b");
    subscribe(rig, &readers[2], "~/:x/1,~/a/:id");
    publish(rig, "/a/1");
    publish(rig, "/b");
    publish(rig, "/a/1,/a/2");
    publish(rig, "/c/1");
    subscribe_after(rig, &readers[3], "~/a/:id", 0, true, NULL);
    flush_all(readers, 4);
    assert_string_equal(received(&readers[0]), "1 3 ");
    assert_string_equal(received(&readers[1]), "1 2 3 ");
    assert_string_equal(received(&readers[2]), "1 3 4 ");
    assert_string_equal(received(&readers[3]), "1 3 ");
    leave_all(readers, 4);
    assert_int_equal(rig->shard.patterns._interned.count, 0);
    assert_int_equal(atomic_load(&rig->hub.matcher_bytes), 0);
    rig_free(rig);
}

static void test_private_updates_need_a_pattern_that_grants_them(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct reader readers[3];
    struct reader stars[20];
    static const char details[] = "[{\"type\":\"" AUTHORIZATION_TYPE "\",\"actions\":[\"subscribe\"],"
                                  "\"topics\":[{\"match\":\"/%c/:id\",\"match_type\":\"urlpattern\"}]}]";
    for (size_t i = 0; i < ARRAY_LEN(stars); i++) {
        char text[256];
        (void)snprintf(text, sizeof(text), details, (char)('a' + i));
        struct authorization *authorization = parse_authorization_for(&rig->shard.patterns, text);
        subscribe_after(rig, &stars[i], "*", rig->fed, true, authorization);
        flush(&stars[i]);
        if (i == 0)
            subscribe_after(rig, &readers[0], "~/:x/1", rig->fed, true, authorization);
        ref_put(&authorization->ref);
    }
    flush(&readers[0]);
    subscribe(rig, &readers[1], "~/a/:id");
    subscribe_granted(rig, &readers[2], "~/a/:id", "/a/1");
    publish_private(rig, "/a/1");
    publish_private(rig, "/a/2");
    publish_private(rig, "/b/1");
    flush_all(readers, 3);
    flush_all(stars, ARRAY_LEN(stars));
    assert_string_equal(received(&readers[0]), "1 ");
    assert_string_equal(received(&readers[1]), "");
    assert_string_equal(received(&readers[2]), "1 ");
    assert_string_equal(received(&stars[0]), "1 2 ");
    assert_string_equal(received(&stars[1]), "3 ");
    assert_string_equal(received(&stars[2]), "");
    leave_all(readers, 3);
    leave_all(stars, ARRAY_LEN(stars));
    rig_free(rig);
}

static void test_a_pattern_that_takes_too_long_is_cut_and_nobody_else(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct reader hostile;
    struct reader good;
    subscribe(rig, &hostile, "~/x/((?:a|aa)+(?:b|c))");
    subscribe(rig, &good, "~/x/:id");
    publish(rig, "/x/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaad");
    flush(&good);
    assert_true(hostile.stream.cut);
    assert_string_equal(received(&good), "1 ");
    leave(&hostile);
    leave(&good);
    rig_free(rig);
}

// ---- Private updates ----

static void test_a_private_update_needs_a_matcher_and_a_grant_though_not_of_one_topic(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct reader readers[READERS];
    subscribe(rig, &readers[0], "a");              // no grant
    subscribe_granted(rig, &readers[1], "a", "a"); // both
    subscribe_granted(rig, &readers[2], "a", "b"); // a grant of the other topic
    subscribe_granted(rig, &readers[3], "c", "a"); // no matcher
    subscribe_granted(rig, &readers[4], "*", "*"); // all of both
    publish_private(rig, "a");
    publish_private(rig, "a,b");
    publish_private(rig, "b");
    flush_all(readers, READERS);
    assert_string_equal(received(&readers[0]), "");
    assert_string_equal(received(&readers[1]), "1 2 ");
    assert_string_equal(received(&readers[2]), "2 ");
    assert_string_equal(received(&readers[3]), "");
    assert_string_equal(received(&readers[4]), "1 2 3 ");
    leave_all(readers, READERS);
    rig_free(rig);
}

// The candidates are taken from the index of topics or from that of grants, whichever has fewer.
static void test_private_updates_come_the_same_whichever_index_is_asked(void **state)
{
    (void)state;
    for (unsigned bystanders = 0; bystanders < 2; bystanders++) {
        struct rig *rig = rig_new();
        struct reader readers[3];
        struct reader others[8];
        subscribe_granted(rig, &readers[0], "*", "a");
        subscribe_granted(rig, &readers[1], "a,b", "a");
        subscribe_granted(rig, &readers[2], "b", "b");
        // Many with the matcher and without the grant, or many with the grant and without the matcher.
        for (size_t i = 0; i < ARRAY_LEN(others); i++)
            subscribe_granted(rig, &others[i], bystanders ? "a" : "x", bystanders ? "x" : "a");
        publish_private(rig, "a");
        publish_private(rig, "b,a");
        flush_all(readers, 3);
        flush_all(others, ARRAY_LEN(others));
        assert_string_equal(received(&readers[0]), "1 2 ");
        assert_string_equal(received(&readers[1]), "1 2 ");
        assert_string_equal(received(&readers[2]), "2 ");
        for (size_t i = 0; i < ARRAY_LEN(others); i++)
            assert_string_equal(received(&others[i]), "");
        leave_all(readers, 3);
        leave_all(others, ARRAY_LEN(others));
        rig_free(rig);
    }
}

static void test_public_updates_need_no_grant(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct reader reader;
    subscribe_granted(rig, &reader, "a", "other");
    publish(rig, "a");
    flush(&reader);
    assert_string_equal(received(&reader), "1 ");
    leave(&reader);
    rig_free(rig);
}

// ---- Batches ----

static void test_a_batch_is_matched_whole_before_anything_is_sent(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct reader reader;
    subscribe(rig, &reader, "a");
    publish_series(rig, "a", 3);
    publish_series(rig, "a", 3);
    assert_int_equal(flush_some(&reader, SIZE_MAX), 6); // one system call
    leave(&reader);
    rig_free(rig);
}

static void test_the_hub_thread_learns_how_much_has_been_applied(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct batch *batch = new_batch(rig, 0);
    batch->memory = 1000;
    post(batch);
    assert_int_equal(atomic_load(&rig->shard.applied_bytes), 1000);
    rig_free(rig);
}

static void test_a_new_beginning_cuts_every_stream_and_those_that_come_back_see_the_new_state(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct reader live;
    struct reader pending;
    struct reader ahead;
    struct reader late;
    publish_series(rig, "a", 4);
    trim(rig, 4);
    subscribe(rig, &live, "b");
    subscribe(rig, &pending, "a");
    replay(rig, &ahead, "a", 9);
    replay(rig, &late, "a", 1);
    flush(&ahead);
    flush(&late);
    publish(rig, "a");
    begin_anew(rig);
    struct reader *readers[] = {&live, &pending, &ahead, &late};
    for (size_t i = 0; i < ARRAY_LEN(readers); i++) {
        assert_true(readers[i]->stream.cut);
        leave(readers[i]);
    }
    struct reader back;
    subscribe(rig, &back, "a");
    publish(rig, "a");
    flush(&back);
    assert_string_equal(received(&back), "1 ");
    leave(&back);
    rig_free(rig);
}

static void test_streams_that_are_ended_get_nothing_of_what_comes_after(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct reader reader;
    subscribe(rig, &reader, "a");
    shard_end_streams(&rig->shard);
    publish(rig, "a");
    flush(&reader);
    assert_true(reader.stream.ended);
    assert_string_equal(received(&reader), "");
    leave(&reader);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_public_update_comes_to_its_topics_and_to_those_that_want_all),
        cmocka_unit_test(test_the_others_stay_where_they_are_when_one_leaves),
        cmocka_unit_test(test_patterns_get_what_they_match_live_and_late),
        cmocka_unit_test(test_private_updates_need_a_pattern_that_grants_them),
        cmocka_unit_test(test_a_pattern_that_takes_too_long_is_cut_and_nobody_else),
        cmocka_unit_test(test_a_private_update_needs_a_matcher_and_a_grant_though_not_of_one_topic),
        cmocka_unit_test(test_private_updates_come_the_same_whichever_index_is_asked),
        cmocka_unit_test(test_public_updates_need_no_grant),
        cmocka_unit_test(test_a_batch_is_matched_whole_before_anything_is_sent),
        cmocka_unit_test(test_the_hub_thread_learns_how_much_has_been_applied),
        cmocka_unit_test(test_a_new_beginning_cuts_every_stream_and_those_that_come_back_see_the_new_state),
        cmocka_unit_test(test_streams_that_are_ended_get_nothing_of_what_comes_after),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
