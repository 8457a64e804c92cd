// A count of owners for immutable objects that threads share. Embedded as a member; the free function gets
// a pointer to that member.
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

struct ref {
    atomic_uint _count;
    void (*_free)(struct ref *ref);
};

// One owner: the caller.
void ref_init(struct ref *ref, void (*free_fn)(struct ref *ref));
// One owner more. NULL is accepted.
void ref_get(struct ref *ref);
// `n` owners more, with one atomic operation.
void ref_get_many(struct ref *ref, unsigned n);
// One owner less; the last one frees it. NULL is accepted.
void ref_put(struct ref *ref);
// Whether the caller is the one owner; then nobody else can become one. What other owners did before they
// went has been done.
bool ref_is_only(const struct ref *ref);
