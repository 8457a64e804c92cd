#include "base/quota.h"

bool quota_take(atomic_size_t *taken, size_t amount, size_t max)
{
    size_t before = atomic_fetch_add_explicit(taken, amount, memory_order_relaxed);
    if (before + amount <= max)
        return true;
    quota_give(taken, amount);
    return false;
}

void quota_give(atomic_size_t *taken, size_t amount)
{
    atomic_fetch_sub_explicit(taken, amount, memory_order_relaxed);
}
