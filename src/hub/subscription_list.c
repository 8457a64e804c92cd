#include "hub/subscription_list.h"

#include "base/assert.h"
#include "base/err.h"

#include <errno.h>
#include <stdlib.h>

int subscription_list_add(struct subscription_list *list, struct subscription subscription,
                          uint32_t *ret_index)
{
    if (list->count == list->_cap) {
        uint32_t cap = list->_cap ? list->_cap * 2 : 1;
        struct subscription *grown = realloc(list->items, cap * sizeof(*grown));
        if (!grown)
            return -ENOMEM;
        list->items = grown;
        list->_cap = cap;
    }
    *ret_index = list->count++;
    list->items[*ret_index] = subscription;
    return HUB_OK;
}

struct subscription *subscription_list_remove(struct subscription_list *list, uint32_t index)
{
    HUB_ASSERT(index < list->count);
    struct subscription *last = &list->items[--list->count];
    if (index == list->count)
        return NULL;
    list->items[index] = *last;
    return &list->items[index];
}

void subscription_list_done(struct subscription_list *list)
{
    free(list->items);
}
