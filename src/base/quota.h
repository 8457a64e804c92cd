// How much is taken of something that has a bound, counted by several threads. Memory is not ordered by it.
#pragma once

#include "base/attr.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

// Takes `amount` more, if no more than `max` are taken then; false: nothing has been taken. Where threads
// come up to the bound at the same moment, all of them may be refused.
MUST_CHECK bool quota_take(atomic_size_t *taken, size_t amount, size_t max);
void quota_give(atomic_size_t *taken, size_t amount);
