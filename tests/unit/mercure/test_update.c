#include "mercure/update.h"

#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct str topic = {"https://example.com/a", 21};

static struct update *make(void)
{
    struct record_fields fields = {
        .time_ms = 5, .topics = &topic, .topic_count = 1, .id = STR("urn:uuid:1"), .frame_size = 5};
    struct update *update;
    char *frame;
    assert_int_equal(update_new(&update, &fields, &frame), HUB_OK);
    memcpy(frame, "frame", 5);
    return update;
}

static void an_update_holds_its_record(void **state)
{
    (void)state;
    struct update *update = make();
    assert_ptr_equal(update->record.bytes.ptr, update->bytes);
    assert_true(str_eq(update->record.id, STR("urn:uuid:1")));
    assert_true(str_eq(update->record.frame, STR("frame")));
    assert_int_equal(update_memory(update), sizeof(*update) + update->record.bytes.len);
    ref_put(&update->ref);
}

static void a_stamp_is_in_the_view_and_in_the_bytes(void **state)
{
    (void)state;
    struct update *update = make();
    assert_int_equal(update->record.sequence, 0);
    update_stamp(update, 1, 2, 3);
    assert_int_equal(update->record.node, 1);
    assert_int_equal(update->record.boot, 2);
    assert_int_equal(update->record.sequence, 3);
    struct record record;
    assert_int_equal(record_parse(&record, update->record.bytes), HUB_OK);
    assert_int_equal(record.node, 1);
    assert_int_equal(record.boot, 2);
    assert_int_equal(record.sequence, 3);
    ref_put(&update->ref);
}

static void stored_bytes_make_the_same_update(void **state)
{
    (void)state;
    struct update *update = make();
    update_stamp(update, 1, 2, 3);
    struct update *copy;
    assert_int_equal(update_from_record(&copy, update->record.bytes), HUB_OK);
    assert_true(str_eq(copy->record.bytes, update->record.bytes));
    assert_ptr_not_equal(copy->record.bytes.ptr, update->record.bytes.ptr);
    assert_int_equal(copy->record.sequence, 3);
    ref_put(&update->ref);
    assert_true(str_eq(copy->record.frame, STR("frame")));
    ref_put(&copy->ref);
}

static void damaged_bytes_make_no_update(void **state)
{
    (void)state;
    struct update *update = make();
    struct update *copy = NULL;
    assert_int_equal(update_from_record(&copy, str_slice(update->record.bytes, 0, 50)), HUB_E_CORRUPT);
    update->bytes[0] = 9;
    assert_int_equal(update_from_record(&copy, update->record.bytes), HUB_E_UNSUPPORTED);
    assert_null(copy);
    ref_put(&update->ref);
}

static void what_does_not_fit_is_refused_before_memory_is_taken(void **state)
{
    (void)state;
    struct record_fields fields = {.topics = &topic, .topic_count = 1, .frame_size = UINT32_MAX};
    struct update *update = NULL;
    char *frame;
    assert_int_equal(update_new(&update, &fields, &frame), HUB_E_TOO_BIG);
    assert_null(update);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_update_holds_its_record),
        cmocka_unit_test(a_stamp_is_in_the_view_and_in_the_bytes),
        cmocka_unit_test(stored_bytes_make_the_same_update),
        cmocka_unit_test(damaged_bytes_make_no_update),
        cmocka_unit_test(what_does_not_fit_is_refused_before_memory_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
