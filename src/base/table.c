#include "base/table.h"

#include "base/assert.h"
#include "base/err.h"

#include <errno.h>
#include <stdlib.h>

#define TABLE_MIN 16U

void table_init(struct table *table)
{
    *table = (struct table){0};
}

void table_done(struct table *table)
{
    free(table->_buckets);
    *table = (struct table){0};
}

static void link_node(struct table *table, struct table_node *node)
{
    struct table_node **bucket = &table->_buckets[node->hash & table->_mask];
    node->next = *bucket;
    *bucket = node;
}

static int resize(struct table *table, size_t buckets)
{
    struct table_node **old = table->_buckets;
    size_t old_len = old ? table->_mask + 1 : 0;
    struct table_node **fresh = calloc(buckets, sizeof(*fresh));
    if (!fresh)
        return -ENOMEM;
    table->_buckets = fresh;
    table->_mask = buckets - 1;
    for (size_t i = 0; i < old_len; i++) {
        struct table_node *node = old[i];
        while (node) {
            struct table_node *next = node->next;
            link_node(table, node);
            node = next;
        }
    }
    free(old);
    return HUB_OK;
}

int table_insert(struct table *table, struct table_node *node, uint64_t hash)
{
    if (!table->_buckets) {
        int err = resize(table, TABLE_MIN);
        if (err)
            return err;
    } else if (table->count > table->_mask) {
        (void)resize(table, 2 * (table->_mask + 1));
    }
    node->hash = hash;
    link_node(table, node);
    table->count++;
    return HUB_OK;
}

void table_remove(struct table *table, struct table_node *node)
{
    struct table_node **link = &table->_buckets[node->hash & table->_mask];
    while (*link != node) {
        HUB_ASSERT(*link);
        link = &(*link)->next;
    }
    *link = node->next;
    table->count--;
    // Shrinking at a quarter, to half, gives the memory of a storm back and cannot flap.
    if (table->_mask + 1 > TABLE_MIN && table->count < (table->_mask + 1) / 8)
        (void)resize(table, (table->_mask + 1) / 2);
}

struct table_node *table_first(const struct table *table, uint64_t hash)
{
    struct table_node *node = table->_buckets ? table->_buckets[hash & table->_mask] : NULL;
    while (node && node->hash != hash)
        node = node->next;
    return node;
}

struct table_node *table_next(const struct table_node *node)
{
    uint64_t hash = node->hash;
    struct table_node *next = node->next;
    while (next && next->hash != hash)
        next = next->next;
    return next;
}
