#include "http/budget.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define MAX 100

struct world {
    atomic_size_t total;
    atomic_uint servers;
    struct http_budget budget;
    struct http_budget other; // of another server
    struct http_holder a, b, c;
};

static int set_up(void **state)
{
    static struct world world;
    memset(&world, 0, sizeof(world));
    world.servers = 2;
    http_budget_init(&world.budget, &world.total, &world.servers, MAX);
    http_budget_init(&world.other, &world.total, &world.servers, MAX);
    *state = &world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    http_budget_count(&world->budget, &world->a, 0);
    http_budget_count(&world->budget, &world->b, 0);
    assert_int_equal(world->total, world->c.bytes);
    http_budget_count(&world->other, &world->c, 0);
    assert_int_equal(world->total, 0);
    http_budget_done(&world->budget);
    http_budget_done(&world->other);
    return 0;
}

static void nobody_lets_go_within_the_bound(void **state)
{
    struct world *world = *state;
    http_budget_count(&world->budget, &world->a, MAX / 2);
    http_budget_count(&world->budget, &world->b, MAX / 2);
    assert_null(http_budget_take_oldest(&world->budget, &world->b));
    assert_int_equal(world->total, MAX);
}

static void over_the_bound_the_oldest_lets_go_and_not_the_one_that_has_grown(void **state)
{
    struct world *world = *state;
    http_budget_count(&world->budget, &world->a, 10);
    http_budget_count(&world->budget, &world->b, MAX - 10);
    http_budget_count(&world->budget, &world->a, 11);
    http_budget_count(&world->budget, &world->b, MAX - 9);
    assert_ptr_equal(http_budget_take_oldest(&world->budget, &world->b), &world->a);
    assert_int_equal(world->a.bytes, 0);
    assert_null(http_budget_take_oldest(&world->budget, &world->b));
    assert_int_equal(world->total, MAX - 9);
}

static void one_that_has_let_go_of_a_part_is_the_newest(void **state)
{
    struct world *world = *state;
    http_budget_count(&world->budget, &world->a, MAX);
    http_budget_count(&world->budget, &world->b, 1);
    http_budget_count(&world->budget, &world->a, MAX - 1);
    http_budget_count(&world->budget, &world->a, MAX);
    assert_ptr_equal(http_budget_take_oldest(&world->budget, &world->a), &world->b);
}

static void one_that_is_alone_may_hold_more_than_the_bound(void **state)
{
    struct world *world = *state;
    http_budget_count(&world->budget, &world->a, MAX + 1);
    assert_null(http_budget_take_oldest(&world->budget, &world->a));
    http_budget_count(&world->budget, &world->b, 1);
    assert_ptr_equal(http_budget_take_oldest(&world->budget, &world->b), &world->a);
}

static void what_is_pinned_counts_and_stays(void **state)
{
    struct world *world = *state;
    http_budget_pin(&world->a); // holds nothing
    http_budget_count(&world->budget, &world->a, MAX);
    http_budget_pin(&world->a);
    http_budget_count(&world->budget, &world->b, 1);
    assert_ptr_equal(http_budget_take_oldest(&world->budget, &world->b), &world->b);
    assert_null(http_budget_take_oldest(&world->budget, &world->b));
    assert_int_equal(world->total, MAX);
}

static void servers_share_the_count_and_each_has_its_own_oldest(void **state)
{
    struct world *world = *state;
    http_budget_count(&world->other, &world->c, MAX / 2);
    http_budget_count(&world->budget, &world->a, MAX / 2);
    http_budget_count(&world->budget, &world->b, 10);
    assert_ptr_equal(http_budget_take_oldest(&world->budget, &world->b), &world->a);
    assert_null(http_budget_take_oldest(&world->budget, &world->b));
}

static void a_server_that_holds_no_more_than_its_part_lets_go_of_nothing(void **state)
{
    struct world *world = *state;
    http_budget_count(&world->other, &world->c, MAX);
    http_budget_count(&world->budget, &world->a, MAX / 4);
    http_budget_count(&world->budget, &world->b, MAX / 4);
    assert_null(http_budget_take_oldest(&world->budget, &world->b));
    http_budget_count(&world->budget, &world->b, MAX / 4 + 1);
    assert_ptr_equal(http_budget_take_oldest(&world->budget, &world->b), &world->a);
    http_budget_count(&world->other, &world->c, MAX + 1);
    assert_ptr_equal(http_budget_take_oldest(&world->other, &world->c), &world->c);
}

static void what_several_hold_together_counts_once_and_whole(void **state)
{
    struct world *world = *state;
    int object = 0;
    http_budget_share(&world->budget, &world->a, &object, MAX + 1);
    http_budget_count(&world->budget, &world->a, 10);
    assert_null(http_budget_take_oldest(&world->budget, &world->a));
    http_budget_share(&world->budget, &world->b, &object, MAX + 1);
    http_budget_count(&world->budget, &world->b, 20);
    assert_null(http_budget_take_oldest(&world->budget, &world->b));
    assert_int_equal(world->total, MAX + 1);
    http_budget_count(&world->budget, &world->a, 0);
    assert_int_equal(world->total, MAX + 1);
    http_budget_count(&world->budget, &world->b, 0);
    assert_int_equal(world->total, 0);
}

static void over_the_bound_all_that_hold_the_oldest_together_let_go(void **state)
{
    struct world *world = *state;
    int object = 0;
    struct http_holder *holders[] = {&world->a, &world->b};
    for (unsigned i = 0; i < 2; i++) {
        http_budget_share(&world->budget, holders[i], &object, MAX);
        http_budget_count(&world->budget, holders[i], 10);
    }
    struct http_holder last = {.bytes = 0};
    http_budget_count(&world->budget, &last, MAX);
    assert_ptr_equal(http_budget_take_oldest(&world->budget, &last), &world->a);
    assert_ptr_equal(http_budget_take_oldest(&world->budget, &last), &world->b);
    assert_null(http_budget_take_oldest(&world->budget, &last));
    http_budget_count(&world->budget, &last, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nobody_lets_go_within_the_bound),
        TEST(over_the_bound_the_oldest_lets_go_and_not_the_one_that_has_grown),
        TEST(one_that_has_let_go_of_a_part_is_the_newest),
        TEST(one_that_is_alone_may_hold_more_than_the_bound),
        TEST(what_is_pinned_counts_and_stays),
        TEST(servers_share_the_count_and_each_has_its_own_oldest),
        TEST(a_server_that_holds_no_more_than_its_part_lets_go_of_nothing),
        TEST(what_several_hold_together_counts_once_and_whole),
        TEST(over_the_bound_all_that_hold_the_oldest_together_let_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
