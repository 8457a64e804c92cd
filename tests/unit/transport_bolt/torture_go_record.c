#include "base/err.h"
#include "mercure/update.h"
#include "support/torture.h"
#include "transport/bolt/go_record.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static int read_some(void *arg)
{
    (void)arg;
    struct go_reader reader;
    struct update *update;
    enum go_record_fault fault;
    int err = go_reader_init(&reader);
    if (!err)
        err =
            go_reader_update(&reader, STR("\0\0\0\0\0\0\0\1i"),
                             STR("{\"Data\":\"d\",\"ID\":\"i\",\"Topics\":[\"a\",\"/b\"],\"Private\":true}"),
                             1, &update, &fault);
    if (!err)
        ref_put(&update->ref);
    // A topic of which it is not known whether it is reserved is left out.
    if (err == HUB_E_INVALID)
        err = fault == GO_RECORD_FAULT_RESERVED ? HUB_OK : err;
    go_reader_done(&reader);
    return err;
}

static void memory_may_run_out_at_every_place(void **state)
{
    (void)state;
    torture_run(read_some, NULL);
    assert_true(torture_failures() > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_may_run_out_at_every_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
