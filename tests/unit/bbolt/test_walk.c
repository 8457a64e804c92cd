#include "fixture.h"

static struct walked walk_named(const char *name, const char *bucket)
{
    struct image image;
    image_load(&image, name);
    struct walked walked = image_walk(&image, bucket);
    free(image.bytes);
    return walked;
}

static void every_key_comes_in_order(void **state)
{
    (void)state;
    struct walked walked = walk_named("many", "updates");
    assert_int_equal(walked.err, HUB_OK);
    assert_int_equal(walked.count, 120);
    assert_int_equal(walked.first, 1);
    assert_int_equal(walked.last, 120);
}

static void what_was_deleted_does_not_come(void **state)
{
    (void)state;
    struct walked walked = walk_named("deleted", "updates");
    assert_int_equal(walked.err, HUB_OK);
    assert_int_equal(walked.count, 40);
    assert_int_equal(walked.first, 61);
    assert_int_equal(walked.last, 119);
}

static void a_value_of_many_pages_comes_whole(void **state)
{
    (void)state;
    struct walked walked = walk_named("large", "updates");
    assert_int_equal(walked.err, HUB_OK);
    assert_int_equal(walked.count, 2);
    assert_true(walked.largest > 70000);
}

static void a_bucket_inside_of_a_value_is_read(void **state)
{
    (void)state;
    struct walked walked = walk_named("one", "updates");
    assert_int_equal(walked.err, HUB_OK);
    assert_int_equal(walked.count, 1);
    assert_int_equal(walk_named("empty", "updates").err, HUB_OK);
    assert_int_equal(walk_named("empty", "updates").count, 0);
}

static void buckets_in_the_bucket_are_told_apart(void **state)
{
    (void)state;
    struct walked walked = walk_named("refused", "updates");
    assert_int_equal(walked.err, HUB_OK);
    assert_int_equal(walked.buckets, 1);
}

static void a_bucket_that_is_not_there_is_told_with_those_that_are(void **state)
{
    (void)state;
    struct walked walked = walk_named("bucket", "updates");
    assert_int_equal(walked.err, HUB_E_NOT_FOUND);
    assert_string_equal(walked.reason, "\"other\"");
    assert_int_equal(walk_named("bucket", "other").count, 3);
    walked = walk_named("nothing", "updates");
    assert_int_equal(walked.err, HUB_OK);
    assert_int_equal(walked.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_comes_in_order),
        cmocka_unit_test(what_was_deleted_does_not_come),
        cmocka_unit_test(a_value_of_many_pages_comes_whole),
        cmocka_unit_test(a_bucket_inside_of_a_value_is_read),
        cmocka_unit_test(buckets_in_the_bucket_are_told_apart),
        cmocka_unit_test(a_bucket_that_is_not_there_is_told_with_those_that_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
