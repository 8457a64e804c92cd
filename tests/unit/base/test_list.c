#include "base/list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct item {
    int number;
    struct list node;
};

static struct item items[6];

static void fill(struct list *head, int from, int to)
{
    list_init(head);
    for (int i = from; i < to; i++) {
        items[i] = (struct item){.number = i};
        list_append(head, &items[i].node);
    }
}

// The numbers in order as one decimal number, both ways round.
static void assert_order(struct list *head, int expected)
{
    int forwards = 0;
    LIST_FOREACH (node, head)
        forwards = forwards * 10 + CONTAINER_OF(node, struct item, node)->number;
    assert_int_equal(forwards, expected);
    int backwards = 0;
    int factor = 1;
    for (struct list *node = head->prev; node != head; node = node->prev) {
        backwards += factor * CONTAINER_OF(node, struct item, node)->number;
        factor *= 10;
    }
    assert_int_equal(backwards, expected);
}

static void nodes_keep_their_order(void **state)
{
    (void)state;
    struct list head;
    fill(&head, 1, 6);
    assert_order(&head, 12345);
    assert_ptr_equal(list_first(&head), &items[1].node);
    assert_false(list_empty(&head));
}

static void an_empty_list_has_no_first(void **state)
{
    (void)state;
    struct list head;
    list_init(&head);
    assert_true(list_empty(&head));
    assert_null(list_first(&head));
}

static void removing_twice_is_harmless(void **state)
{
    (void)state;
    struct list head;
    fill(&head, 1, 6);
    list_remove(&items[3].node);
    list_remove(&items[3].node);
    assert_order(&head, 1245);
    assert_true(list_empty(&items[3].node));
}

static void the_current_node_may_be_removed_in_a_walk(void **state)
{
    (void)state;
    struct list head;
    fill(&head, 1, 6);
    LIST_FOREACH (node, &head) {
        if (CONTAINER_OF(node, struct item, node)->number % 2)
            list_remove(node);
    }
    assert_order(&head, 24);
}

static void splicing_moves_everything_to_the_end(void **state)
{
    (void)state;
    struct list to, from;
    fill(&to, 1, 3);
    fill(&from, 3, 6);
    list_splice(&to, &from);
    assert_order(&to, 12345);
    assert_true(list_empty(&from));
    list_splice(&to, &from);
    assert_order(&to, 12345);
    list_splice(&from, &to);
    assert_order(&from, 12345);
    assert_true(list_empty(&to));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nodes_keep_their_order),
        cmocka_unit_test(an_empty_list_has_no_first),
        cmocka_unit_test(removing_twice_is_harmless),
        cmocka_unit_test(the_current_node_may_be_removed_in_a_walk),
        cmocka_unit_test(splicing_moves_everything_to_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
