#include "transport/slice.h"

#include "base/err.h"
#include "mercure/update.h"
#include "transport/number.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct update *make(size_t frame_size)
{
    struct str topic = STR("t");
    struct record_fields fields = {
        .topics = &topic, .topic_count = 1, .id = STR("i"), .frame_size = frame_size};
    struct update *update;
    char *frame;
    assert_int_equal(update_new(&update, &fields, &frame), HUB_OK);
    memset(frame, 'x', frame_size);
    return update;
}

static int add(struct slice_builder *builder, uint64_t number, const struct update *update)
{
    struct position position = position_from_number(number);
    return slice_add(builder, &position, update->record.bytes);
}

static void a_slice_is_a_copy_of_what_was_added(void **state)
{
    (void)state;
    struct slice_builder builder = {0};
    struct update *update = make(100);
    slice_begin(&builder);
    for (uint64_t number = 1; number <= 100; number++)
        assert_int_equal(add(&builder, number, update), HUB_OK);
    struct position after = position_from_number(0);
    struct history_slice *slice;
    assert_int_equal(slice_finish(&builder, &after, true, false, &slice), HUB_OK);
    slice_done(&builder);
    size_t record_len = update->record.bytes.len;
    ref_put(&update->ref);
    assert_int_equal(slice->count, 100);
    assert_int_equal(slice->after.len, 0);
    assert_true(slice->gap);
    assert_false(slice->end);
    assert_int_equal(slice->memory, sizeof(*slice) + 100 * slice_entry_memory(record_len));
    for (size_t i = 0; i < 100; i++) {
        uint64_t number;
        assert_int_equal(position_to_number(&slice->entries[i].position, &number), HUB_OK);
        assert_int_equal(number, i + 1);
        assert_int_equal(slice->entries[i].record.frame.len, 100);
        assert_true(str_eq(slice->entries[i].record.id, STR("i")));
    }
    ref_put(&slice->ref);
}

static void a_slice_is_full_at_its_size(void **state)
{
    (void)state;
    struct slice_builder builder = {0};
    struct update *update = make(1000);
    slice_begin(&builder);
    uint64_t count = 0;
    while (add(&builder, count + 1, update) == HUB_OK)
        count++;
    assert_int_equal(count, (HISTORY_SLICE_SIZE - sizeof(struct history_slice)) /
                                slice_entry_memory(update->record.bytes.len));
    assert_int_equal(add(&builder, count + 1, update), HUB_E_FULL);
    struct position after = position_from_number(0);
    struct history_slice *slice;
    assert_int_equal(slice_finish(&builder, &after, false, false, &slice), HUB_OK);
    assert_int_equal(slice->count, count);
    assert_true(slice->memory <= HISTORY_SLICE_SIZE);
    ref_put(&slice->ref);
    slice_done(&builder);
    ref_put(&update->ref);
}

static void one_record_always_fits(void **state)
{
    (void)state;
    struct slice_builder builder = {0};
    struct update *huge = make(2 * HISTORY_SLICE_SIZE);
    slice_begin(&builder);
    assert_int_equal(add(&builder, 1, huge), HUB_OK);
    assert_int_equal(add(&builder, 2, huge), HUB_E_FULL);
    slice_begin(&builder);
    assert_int_equal(add(&builder, 1, huge), HUB_OK);
    slice_done(&builder);
    ref_put(&huge->ref);
}

static void a_slice_may_be_empty(void **state)
{
    (void)state;
    struct slice_builder builder = {0};
    slice_begin(&builder);
    struct position after = position_from_number(7);
    struct history_slice *slice;
    assert_int_equal(slice_finish(&builder, &after, false, true, &slice), HUB_OK);
    assert_int_equal(slice->count, 0);
    assert_true(slice->end);
    ref_put(&slice->ref);
    slice_done(&builder);
}

static void a_damaged_record_makes_no_slice(void **state)
{
    (void)state;
    struct slice_builder builder = {0};
    slice_begin(&builder);
    struct position position = position_from_number(1);
    assert_int_equal(slice_add(&builder, &position, STR("no record")), HUB_OK);
    struct history_slice *slice = NULL;
    assert_int_equal(slice_finish(&builder, &position, false, true, &slice), HUB_E_CORRUPT);
    assert_null(slice);
    slice_done(&builder);
}

static void numbers_are_positions_in_their_order(void **state)
{
    (void)state;
    static const uint64_t numbers[] = {0, 1, 2, 255, 256, 65535, 65536, UINT64_MAX - 1, UINT64_MAX};
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        struct position position = position_from_number(numbers[i]);
        uint64_t number;
        assert_int_equal(position_to_number(&position, &number), HUB_OK);
        assert_int_equal(number, numbers[i]);
        struct position before = position_from_number(i ? numbers[i - 1] : 0);
        assert_true(i ? position_cmp(&before, &position) < 0 : position.len == 0);
    }
    struct position foreign = {.len = 9};
    uint64_t number;
    assert_int_equal(position_to_number(&foreign, &number), HUB_E_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slice_is_a_copy_of_what_was_added),
        cmocka_unit_test(a_slice_is_full_at_its_size),
        cmocka_unit_test(one_record_always_fits),
        cmocka_unit_test(a_slice_may_be_empty),
        cmocka_unit_test(a_damaged_record_makes_no_slice),
        cmocka_unit_test(numbers_are_positions_in_their_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
