#include "fixture.h"
#include "support/torture.h"

static int walk(void *arg)
{
    return image_walk(arg, "updates").err;
}

static void memory_may_run_out_at_every_place(void **state)
{
    (void)state;
    static const char *const names[] = {"large", "one", "deleted"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct image image;
        image_load(&image, names[i]);
        torture_run(walk, &image);
        free(image.bytes);
    }
    assert_true(torture_failures() > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_may_run_out_at_every_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
