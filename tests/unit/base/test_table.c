#include "base/table.h"

#include "base/err.h"
#include "base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define ENTRIES 2000

struct entry {
    struct table_node node;
    unsigned key;
    bool in_table;
};

static struct entry entries[ENTRIES];

static struct entry *entry_of(struct table_node *node)
{
    return node ? CONTAINER_OF(node, struct entry, node) : NULL;
}

static struct entry *find(const struct table *table, unsigned key, uint64_t hash)
{
    for (struct table_node *node = table_first(table, hash); node; node = table_next(node)) {
        assert_true(node->hash == hash);
        if (entry_of(node)->key == key)
            return entry_of(node);
    }
    return NULL;
}

static void prepare(struct table *table)
{
    table_init(table);
    memset(entries, 0, sizeof(entries));
    for (unsigned i = 0; i < ENTRIES; i++)
        entries[i].key = i;
}

static void an_empty_table_has_nothing(void **state)
{
    (void)state;
    struct table table = {0};
    assert_null(table_first(&table, 0));
    table_done(&table);
}

static void equal_hashes_are_told_apart_by_the_caller(void **state)
{
    (void)state;
    struct table table;
    prepare(&table);
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(table_insert(&table, &entries[i].node, 42), HUB_OK);
    for (unsigned i = 0; i < 100; i++)
        assert_ptr_equal(find(&table, i, 42), &entries[i]);
    assert_null(table_first(&table, 43));
    assert_null(find(&table, 100, 42));
    table_done(&table);
}

static void hashes_that_share_a_bucket_are_told_apart(void **state)
{
    (void)state;
    struct table table;
    prepare(&table);
    assert_int_equal(table_insert(&table, &entries[0].node, 1), HUB_OK);
    assert_int_equal(table_insert(&table, &entries[1].node, 1 | UINT64_C(1) << 40), HUB_OK);
    assert_int_equal(table_insert(&table, &entries[2].node, 1), HUB_OK);
    assert_ptr_equal(table_first(&table, 1 | UINT64_C(1) << 40), &entries[1].node);
    assert_null(table_next(&entries[1].node));
    struct table_node *first = table_first(&table, 1);
    struct table_node *second = table_next(first);
    assert_non_null(second);
    assert_null(table_next(second));
    table_done(&table);
}

static void random_changes_agree_with_what_was_done(void **state)
{
    (void)state;
    struct table table;
    prepare(&table);
    size_t count = 0;
    for (unsigned step = 0; step < 50000; step++) {
        // Grows in the first half and shrinks in the second.
        struct entry *entry = &entries[random_below(ENTRIES)];
        bool insert = random_below(3) != (step < 25000 ? 0U : 1U) && (step < 25000 || random_below(2));
        if (insert && !entry->in_table) {
            assert_int_equal(table_insert(&table, &entry->node, entry->key % 1500), HUB_OK);
            entry->in_table = true;
            count++;
        } else if (!insert && entry->in_table) {
            table_remove(&table, &entry->node);
            entry->in_table = false;
            count--;
        }
        assert_int_equal(table.count, count);
        struct entry *other = &entries[random_below(ENTRIES)];
        assert_ptr_equal(find(&table, other->key, other->key % 1500), other->in_table ? other : NULL);
    }
    table_done(&table);
}

static void memory_of_a_storm_is_given_back(void **state)
{
    (void)state;
    struct table table;
    prepare(&table);
    for (unsigned i = 0; i < ENTRIES; i++)
        assert_int_equal(table_insert(&table, &entries[i].node, i), HUB_OK);
    size_t largest = table._mask + 1;
    assert_true(largest >= ENTRIES / 2);
    for (unsigned i = 0; i < ENTRIES; i++)
        table_remove(&table, &entries[i].node);
    assert_true(table._mask + 1 <= largest / 32);
    assert_int_equal(table.count, 0);
    table_done(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_table_has_nothing),
        cmocka_unit_test(equal_hashes_are_told_apart_by_the_caller),
        cmocka_unit_test(hashes_that_share_a_bucket_are_told_apart),
        cmocka_unit_test(random_changes_agree_with_what_was_done),
        cmocka_unit_test(memory_of_a_storm_is_given_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
