#include "base/err.h"
#include "mercure/update.h"
#include "support/torture.h"
#include "transport/number.h"
#include "transport/slice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static int a_slice_is_made(void *arg)
{
    const struct update *update = arg;
    struct slice_builder builder = {0};
    struct position after = position_from_number(0);
    struct history_slice *slice = NULL;
    slice_begin(&builder);
    int err = HUB_OK;
    for (uint64_t number = 1; number <= 200 && !err; number++) {
        struct position position = position_from_number(number);
        err = slice_add(&builder, &position, update->record.bytes);
    }
    if (!err)
        err = slice_finish(&builder, &after, false, true, &slice);
    if (!err)
        ref_put(&slice->ref);
    slice_done(&builder);
    return err;
}

static void a_slice_is_made_whole_or_not_at_all(void **state)
{
    (void)state;
    struct str topic = STR("t");
    struct record_fields fields = {.topics = &topic, .topic_count = 1, .id = STR("i")};
    struct update *update;
    char *frame;
    assert_int_equal(update_new(&update, &fields, &frame), HUB_OK);
    torture_run(a_slice_is_made, update);
    assert_true(torture_failures() > 2);
    ref_put(&update->ref);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_slice_is_made_whole_or_not_at_all)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
