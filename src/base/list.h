// An intrusive doubly linked ring. The head is a node of its own; a node is in at most one list.
#pragma once

#include "base/attr.h"

#include <stdbool.h>

struct list {
    struct list *next;
    struct list *prev;
};

void list_init(struct list *head);
bool list_empty(const struct list *head);
void list_append(struct list *head, struct list *node);
// Takes it out and leaves it alone in a ring of its own, so that removing it twice is harmless.
void list_remove(struct list *node);
// The first node, or NULL.
struct list *list_first(const struct list *head);
// Moves every node of `from` to the end of `to`.
void list_splice(struct list *to, struct list *from);

// Walks the list; the current node may be removed or freed in the body.
#define LIST_FOREACH(node, head) \
    for (struct list * (node) = (head)->next, *node##_next = (node)->next; (node) != (head); \
         (node) = node##_next, node##_next = (node)->next)
