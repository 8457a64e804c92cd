#include "hub/roll.h"

#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct thing {
    struct ref ref;
    struct roll_item item;
    size_t number;
};

static size_t things_alive;

static void free_thing(struct ref *ref)
{
    things_alive--;
    free(CONTAINER_OF(ref, struct thing, ref));
}

// The caller's reference is the test's, until it removes the thing.
static struct thing *add(struct roll *roll, size_t number)
{
    struct thing *thing = malloc(sizeof(*thing));
    assert_non_null(thing);
    things_alive++;
    ref_init(&thing->ref, free_thing);
    roll_item_init(&thing->item, &thing->ref);
    thing->number = number;
    assert_int_equal(roll_append(roll, &thing->item), HUB_OK);
    return thing;
}

static void take(struct roll *roll, struct thing *thing, uint64_t change)
{
    roll_remove(roll, &thing->item, change);
    ref_put(&thing->ref);
}

static struct roll_view *view_of(struct roll *roll, uint64_t change)
{
    struct roll_view *view;
    assert_int_equal(roll_get(roll, change, &view), HUB_OK);
    return view;
}

// That the view has the numbers from `from` on, in steps.
static void expect(const struct roll_view *view, size_t from, size_t step, size_t count)
{
    struct roll_place place = {0};
    assert_int_equal(view->count, count);
    for (size_t i = 0; i < count; i++) {
        struct roll_item *item = roll_view_next(view, &place);
        assert_non_null(item);
        assert_int_equal(CONTAINER_OF(item, struct thing, item)->number, from + i * step);
    }
    assert_null(roll_view_next(view, &place));
    assert_null(roll_view_next(view, &place));
}

static void a_view_has_the_items_in_the_order_in_which_they_came(void **state)
{
    (void)state;
    struct roll roll;
    struct thing *things[1000];
    roll_init(&roll, 0);
    struct roll_view *empty = view_of(&roll, 0);
    expect(empty, 0, 1, 0);
    for (size_t i = 0; i < 1000; i++)
        things[i] = add(&roll, i);
    struct roll_view *full = view_of(&roll, 0);
    expect(full, 0, 1, 1000);
    expect(empty, 0, 1, 0);
    ref_put(&empty->ref);
    ref_put(&full->ref);
    for (size_t i = 0; i < 1000; i++)
        ref_put(&things[i]->ref);
    roll_done(&roll);
    assert_int_equal(things_alive, 0);
}

static void a_view_stays_as_it_was(void **state)
{
    (void)state;
    struct roll roll;
    struct thing *things[600];
    roll_init(&roll, 1);
    for (size_t i = 0; i < 500; i++)
        things[i] = add(&roll, i);
    struct roll_view *before = view_of(&roll, 0);
    for (size_t i = 1; i < 500; i += 2)
        take(&roll, things[i], i);
    for (size_t i = 500; i < 600; i += 2)
        things[i] = add(&roll, i);
    struct roll_view *after = view_of(&roll, 499);
    expect(before, 0, 1, 500);
    expect(after, 0, 2, 300);
    for (size_t i = 0; i < 600; i += 2)
        take(&roll, things[i], 500 + i);
    expect(before, 0, 1, 500);
    expect(after, 0, 2, 300);
    ref_put(&after->ref);
    expect(before, 0, 1, 500);
    ref_put(&before->ref);
    roll_done(&roll);
    assert_int_equal(things_alive, 0);
}

static void a_view_is_made_once_for_each_change(void **state)
{
    (void)state;
    struct roll roll;
    roll_init(&roll, 0);
    struct thing *first = add(&roll, 1);
    struct roll_view *one = view_of(&roll, 0);
    struct roll_view *two = view_of(&roll, 0);
    assert_ptr_equal(one, two);
    struct thing *second = add(&roll, 2);
    struct roll_view *three = view_of(&roll, 0);
    assert_ptr_not_equal(one, three);
    ref_put(&one->ref);
    ref_put(&two->ref);
    ref_put(&three->ref);
    take(&roll, first, 1);
    take(&roll, second, 2);
    roll_done(&roll);
}

static void what_nobody_reads_is_freed_when_it_leaves(void **state)
{
    (void)state;
    struct roll roll;
    struct thing *things[100];
    roll_init(&roll, 0);
    for (size_t i = 0; i < 100; i++)
        things[i] = add(&roll, i);
    for (size_t i = 0; i < 99; i++)
        take(&roll, things[i], i + 1);
    assert_int_equal(things_alive, 1);
    take(&roll, things[99], 100);
    assert_int_equal(things_alive, 0);
    roll_done(&roll);
}

// However items come and go, there are not many more chunks than the items need.
static void chunks_do_not_pile_up(void **state)
{
    (void)state;
    struct roll roll;
    static struct thing *things[20000];
    roll_init(&roll, 0);
    uint64_t change = 0;
    for (size_t i = 0; i < 20000; i++)
        things[i] = add(&roll, i);
    for (size_t i = 0; i < 20000; i++) {
        if (i % 50)
            take(&roll, things[i], ++change);
    }
    struct roll_view *view = view_of(&roll, change);
    expect(view, 0, 50, 400);
    assert_true(view->part_count <= 8);
    ref_put(&view->ref);
    for (size_t i = 0; i < 20000; i += 50)
        take(&roll, things[i], ++change);
    roll_done(&roll);
    assert_int_equal(things_alive, 0);
}

static void an_item_may_stand_in_two_lists(void **state)
{
    (void)state;
    struct roll all;
    struct roll some;
    roll_init(&all, 0);
    roll_init(&some, 1);
    struct thing *thing = add(&all, 7);
    assert_int_equal(roll_append(&some, &thing->item), HUB_OK);
    struct roll_view *view = view_of(&some, 0);
    roll_remove(&all, &thing->item, 1);
    take(&some, thing, 1);
    expect(view, 7, 1, 1);
    ref_put(&view->ref);
    assert_int_equal(things_alive, 0);
    roll_done(&all);
    roll_done(&some);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_view_has_the_items_in_the_order_in_which_they_came),
        cmocka_unit_test(a_view_stays_as_it_was),
        cmocka_unit_test(a_view_is_made_once_for_each_change),
        cmocka_unit_test(what_nobody_reads_is_freed_when_it_leaves),
        cmocka_unit_test(chunks_do_not_pile_up),
        cmocka_unit_test(an_item_may_stand_in_two_lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
