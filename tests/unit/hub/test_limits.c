#include "hub/limits.h"

#include "conf/conf.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void there_is_one_worker_for_each_core_that_the_process_may_use(void **state)
{
    (void)state;
    cpu_set_t all;
    cpu_set_t one;
    assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
    struct conf conf = {0};
    size_t cores = (size_t)CPU_COUNT(&all);
    assert_int_equal(limits_workers(&conf), cores < CONF_WORKERS_MAX ? cores : CONF_WORKERS_MAX);
    size_t first = 0;
    while (!CPU_ISSET(first, &all))
        first++;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
    assert_int_equal(limits_workers(&conf), 1);
    assert_int_equal(sched_setaffinity(0, sizeof(all), &all), 0);
}

static void as_many_workers_as_configured_within_the_bound(void **state)
{
    (void)state;
    struct conf conf = {.workers = 3};
    assert_int_equal(limits_workers(&conf), 3);
    conf.workers = CONF_WORKERS_MAX + 1;
    assert_int_equal(limits_workers(&conf), CONF_WORKERS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_is_one_worker_for_each_core_that_the_process_may_use),
        cmocka_unit_test(as_many_workers_as_configured_within_the_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
