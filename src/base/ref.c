#include "base/ref.h"

#include <stddef.h>

void ref_init(struct ref *ref, void (*free_fn)(struct ref *ref))
{
    atomic_init(&ref->_count, 1);
    ref->_free = free_fn;
}

void ref_get(struct ref *ref)
{
    ref_get_many(ref, 1);
}

void ref_get_many(struct ref *ref, unsigned n)
{
    // Relaxed: whoever adds an owner has one already, so the object cannot go away meanwhile.
    if (ref)
        atomic_fetch_add_explicit(&ref->_count, n, memory_order_relaxed);
}

void ref_put(struct ref *ref)
{
    // Release pairs with acquire: all that other owners did comes before the free.
    if (ref && atomic_fetch_sub_explicit(&ref->_count, 1, memory_order_acq_rel) == 1)
        ref->_free(ref);
}

bool ref_is_only(const struct ref *ref)
{
    return atomic_load_explicit(&ref->_count, memory_order_acquire) == 1;
}
