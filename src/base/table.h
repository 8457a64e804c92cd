// A hash table of nodes that live inside the caller's objects. Equal hashes may stand for different keys:
// the caller compares. Not thread-safe.
#pragma once

#include "base/attr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct table_node {
    struct table_node *next;
    uint64_t hash;
};

struct table {
    struct table_node **_buckets;
    size_t _mask; // buckets - 1, when there are any
    size_t count;
};

// Allocates nothing yet; a zeroed struct is an empty table.
void table_init(struct table *table);
// Frees the buckets; the nodes are the caller's.
void table_done(struct table *table);
// Puts the node in, also beside an equal one. -ENOMEM only when the table is empty and stays so; a table
// that cannot grow gets slower, not wrong.
MUST_CHECK int table_insert(struct table *table, struct table_node *node, uint64_t hash);
// The node must be in the table.
void table_remove(struct table *table, struct table_node *node);
// The first node with that hash, and the next one after it; NULL when there is none.
struct table_node *table_first(const struct table *table, uint64_t hash);
struct table_node *table_next(const struct table_node *node);
