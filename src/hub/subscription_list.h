// The subscribers that wait for one thing: a topic, a pattern, everything. An array, since matching walks it
// in order; each subscriber knows its index.
#pragma once

#include "base/attr.h"

#include <stdint.h>

struct subscriber;

// One matcher of one subscriber. `slot` is the index of the matcher in the subscriber.
struct subscription {
    struct subscriber *subscriber;
    uint32_t slot;
};

struct subscription_list {
    struct subscription *items;
    uint32_t count;
    uint32_t _cap;
};

// Zeroed when empty. Tells the index of what was added; -ENOMEM.
MUST_CHECK int subscription_list_add(struct subscription_list *list, struct subscription subscription,
                                     uint32_t *ret_index);
// Removes the entry at `index`. The last entry takes its place: returns it, to have its index changed there,
// or NULL when there is none to change.
struct subscription *subscription_list_remove(struct subscription_list *list, uint32_t index);
void subscription_list_done(struct subscription_list *list);
