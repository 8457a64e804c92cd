#include "base/list.h"

#include <stddef.h>

void list_init(struct list *head)
{
    head->next = head->prev = head;
}

bool list_empty(const struct list *head)
{
    return head->next == head;
}

void list_append(struct list *head, struct list *node)
{
    node->prev = head->prev;
    node->next = head;
    head->prev->next = node;
    head->prev = node;
}

void list_remove(struct list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    list_init(node);
}

struct list *list_first(const struct list *head)
{
    return list_empty(head) ? NULL : head->next;
}

void list_splice(struct list *to, struct list *from)
{
    if (list_empty(from))
        return;
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    list_init(from);
}
