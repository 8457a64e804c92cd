#include "base/slab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define COUNT 1000

static void test_objects_are_apart_and_aligned(void **state)
{
    (void)state;
    struct slab slab;
    slab_init(&slab, 200);
    unsigned char *objects[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        objects[i] = slab_alloc(&slab);
        assert_non_null(objects[i]);
        assert_int_equal((uintptr_t)objects[i] % 16, 0);
        memset(objects[i], (int)(i & 0xff), 200);
    }
    for (size_t i = 0; i < COUNT; i++) {
        for (size_t at = 0; at < 200; at++)
            assert_int_equal(objects[i][at], i & 0xff);
    }
    for (size_t i = 0; i < COUNT; i++)
        slab_free(&slab, objects[i]);
    slab_done(&slab);
}

static void test_freed_objects_are_used_again_in_any_order(void **state)
{
    (void)state;
    struct slab slab;
    slab_init(&slab, 24);
    void *objects[COUNT] = {0};
    uint32_t seed = 7;
    for (size_t step = 0; step < 100000; step++) {
        seed = seed * 1664525 + 1013904223;
        size_t i = (seed >> 8) % COUNT;
        if (objects[i]) {
            slab_free(&slab, objects[i]);
            objects[i] = NULL;
        } else {
            objects[i] = slab_alloc(&slab);
            assert_non_null(objects[i]);
        }
    }
    for (size_t i = 0; i < COUNT; i++)
        slab_free(&slab, objects[i]);
    slab_done(&slab);
}

static void test_an_unused_slab_is_done_with_nothing(void **state)
{
    (void)state;
    struct slab slab = {0};
    slab_done(&slab);
    slab_init(&slab, 16);
    slab_free(&slab, NULL);
    slab_done(&slab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_objects_are_apart_and_aligned),
        cmocka_unit_test(test_freed_objects_are_used_again_in_any_order),
        cmocka_unit_test(test_an_unused_slab_is_done_with_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
