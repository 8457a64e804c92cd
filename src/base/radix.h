// A tree of byte strings that finds all keys with which a text begins, in one walk down along the text. Equal
// keys are kept beside each other. The leaves live inside the caller's objects. Not thread-safe.
#pragma once

#include "base/attr.h"
#include "base/list.h"
#include "base/str.h"

#include <stdbool.h>

struct radix_node;

struct radix_leaf {
    struct list _beside;
    struct radix_node *_node; // NULL when it is in no tree
};

struct radix {
    struct radix_node *_root; // NULL when nothing was ever put in
};

// A zeroed struct is an empty tree. Every leaf must have been taken out before radix_done.
void radix_done(struct radix *radix);
// Puts the leaf in under a key, which is copied. -ENOMEM.
MUST_CHECK int radix_insert(struct radix *radix, struct radix_leaf *leaf, struct str key);
// Harmless when it is in no tree.
void radix_remove(struct radix_leaf *leaf);
bool radix_has(const struct radix_leaf *leaf);
typedef void radix_visit_fn(struct radix_leaf *leaf, void *arg);
// Calls `visit`, which may not change the tree, for each leaf whose key the text begins with.
void radix_visit(const struct radix *radix, struct str text, radix_visit_fn *visit, void *arg);
