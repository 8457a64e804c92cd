#include "base/radix.h"

#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ENTRIES 400
#define KEY_MAX 6

struct entry {
    struct radix_leaf leaf;
    char key[KEY_MAX];
    size_t len;
    bool is_visited;
};

static struct entry entries[ENTRIES];

static struct str key_of(const struct entry *entry)
{
    return str_make(entry->key, entry->len);
}

static void note(struct radix_leaf *leaf, void *arg)
{
    struct entry *entry = CONTAINER_OF(leaf, struct entry, leaf);
    assert_false(entry->is_visited);
    entry->is_visited = true;
    ++*(size_t *)arg;
}

// The tree visits those that are in it and that the text begins with, and no others.
static void check_text(const struct radix *radix, struct str text)
{
    size_t visited = 0;
    radix_visit(radix, text, note, &visited);
    for (size_t i = 0; i < ENTRIES; i++) {
        bool fits = radix_has(&entries[i].leaf) && str_starts_with(text, key_of(&entries[i]));
        assert_int_equal(entries[i].is_visited, fits);
        visited -= fits;
        entries[i].is_visited = false;
    }
    assert_int_equal(visited, 0);
}

static unsigned next_random(unsigned *seed)
{
    *seed = *seed * 1103515245U + 12345U;
    return *seed >> 16 & 0x7fff;
}

static size_t random_text(unsigned *seed, char *to, size_t max)
{
    size_t len = next_random(seed) % (max + 1);
    for (size_t i = 0; i < len; i++)
        to[i] = "ab\0"[next_random(seed) % 3];
    return len;
}

static void an_empty_tree_has_nothing(void **state)
{
    (void)state;
    struct radix radix = {0};
    size_t visited = 0;
    radix_visit(&radix, STR("text"), note, &visited);
    assert_int_equal(visited, 0);
    radix_done(&radix);
}

static void keys_that_a_text_begins_with_are_found_however_the_tree_came_about(void **state)
{
    (void)state;
    struct radix radix = {0};
    unsigned seed = 1;
    memset(entries, 0, sizeof(entries));
    for (size_t round = 0; round < 20000; round++) {
        struct entry *entry = &entries[next_random(&seed) % ENTRIES];
        if (radix_has(&entry->leaf)) {
            radix_remove(&entry->leaf);
        } else {
            entry->len = random_text(&seed, entry->key, KEY_MAX);
            assert_int_equal(radix_insert(&radix, &entry->leaf, key_of(entry)), HUB_OK);
        }
        char text[KEY_MAX + 2];
        if (round % 16 == 0)
            check_text(&radix, str_make(text, random_text(&seed, text, sizeof(text))));
    }
    for (size_t i = 0; i < ENTRIES; i++)
        radix_remove(&entries[i].leaf);
    check_text(&radix, STR("ab"));
    radix_done(&radix);
}

static void a_leaf_may_be_removed_twice(void **state)
{
    (void)state;
    struct radix radix = {0};
    struct radix_leaf leaf = {0};
    radix_remove(&leaf);
    assert_int_equal(radix_insert(&radix, &leaf, STR("key")), HUB_OK);
    radix_remove(&leaf);
    radix_remove(&leaf);
    assert_false(radix_has(&leaf));
    radix_done(&radix);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_tree_has_nothing),
        cmocka_unit_test(keys_that_a_text_begins_with_are_found_however_the_tree_came_about),
        cmocka_unit_test(a_leaf_may_be_removed_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
