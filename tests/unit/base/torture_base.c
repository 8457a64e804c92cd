#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/table.h"
#include "support/torture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static int grow_a_buffer(void *arg)
{
    (void)arg;
    struct buf buf;
    buf_init(&buf, 10000);
    for (unsigned i = 0; i < 1000; i++)
        buf_printf(&buf, "%u", i);
    int err = buf.err;
    assert_true(err == HUB_OK ? buf.len > 1000 : err == -ENOMEM);
    buf_done(&buf);
    return err;
}

static int fill_an_arena(void *arg)
{
    (void)arg;
    struct arena arena;
    int err = 0;
    arena_init(&arena, 100000);
    for (unsigned i = 0; i < 100 && !err; i++) {
        if (!arena_alloc(&arena, 500) || !arena_dup(&arena, STR("text")).ptr)
            err = -ENOMEM;
    }
    arena_done(&arena);
    return err;
}

// A table that cannot grow gets slower, not wrong.
static int fill_a_table(void *arg)
{
    (void)arg;
    struct table table;
    struct table_node nodes[300];
    table_init(&table);
    int err = 0;
    uint64_t count = 0;
    while (count < 300 && !err) {
        err = table_insert(&table, &nodes[count], count);
        count += !err;
    }
    assert_true(!err || count == 0);
    for (uint64_t i = 0; i < count; i++)
        assert_ptr_equal(table_first(&table, i), &nodes[i]);
    for (uint64_t i = 0; i < count; i++)
        table_remove(&table, &nodes[i]);
    assert_int_equal(table.count, 0);
    table_done(&table);
    return err;
}

static int copy_a_text(void *arg)
{
    (void)arg;
    char *copy = str_dup_c(STR("text"));
    int err = copy ? 0 : -ENOMEM;
    free(copy);
    return err;
}

static void memory_may_run_out_at_every_place(void **state)
{
    (void)state;
    torture_run(grow_a_buffer, NULL);
    assert_true(torture_failures() >= 10);
    torture_run(fill_an_arena, NULL);
    assert_true(torture_failures() >= 4);
    torture_run(fill_a_table, NULL);
    assert_true(torture_failures() >= 4);
    torture_run(copy_a_text, NULL);
    assert_int_equal(torture_failures(), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_may_run_out_at_every_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
