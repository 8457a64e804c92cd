#include "hub/tail_budget.h"

#include "base/err.h"
#include "hub/tail.h"

#include <errno.h>
#include <stdlib.h>

#define RING_MIN 1024U

struct held_update {
    struct position position;
    uint32_t cost;
};

int tail_budget_init(struct tail_budget *budget, size_t max_bytes)
{
    *budget = (struct tail_budget){._max_bytes = max_bytes,
                                   ._mask = RING_MIN - 1,
                                   .first = TAIL_FIRST_OFFSET,
                                   .next = TAIL_FIRST_OFFSET};
    budget->_ring = malloc(RING_MIN * sizeof(*budget->_ring));
    return budget->_ring ? HUB_OK : -ENOMEM;
}

void tail_budget_done(struct tail_budget *budget)
{
    free(budget->_ring);
}

static struct held_update *held_at(const struct tail_budget *budget, uint64_t offset)
{
    return &budget->_ring[offset & budget->_mask];
}

static int grow(struct tail_budget *budget)
{
    size_t size = 2 * (budget->_mask + 1);
    struct held_update *ring = malloc(size * sizeof(*ring));
    if (!ring)
        return -ENOMEM;
    for (uint64_t offset = budget->first; offset < budget->next; offset++)
        ring[offset & (size - 1)] = *held_at(budget, offset);
    free(budget->_ring);
    budget->_ring = ring;
    budget->_mask = size - 1;
    return HUB_OK;
}

static void drop_oldest(struct tail_budget *budget)
{
    budget->bytes -= held_at(budget, budget->first)->cost;
    budget->first++;
}

void tail_budget_add(struct tail_budget *budget, const struct position *position, size_t cost)
{
    if (budget->next - budget->first > budget->_mask && grow(budget) != HUB_OK)
        drop_oldest(budget);
    struct held_update *held = held_at(budget, budget->next);
    *held =
        (struct held_update){.position = *position, .cost = cost < UINT32_MAX ? (uint32_t)cost : UINT32_MAX};
    budget->next++;
    budget->bytes += held->cost;
    while (budget->bytes > budget->_max_bytes)
        drop_oldest(budget);
}

void tail_budget_drop_before(struct tail_budget *budget, const struct position *oldest)
{
    while (budget->first < budget->next &&
           position_cmp(&held_at(budget, budget->first)->position, oldest) < 0)
        drop_oldest(budget);
}

void tail_budget_clear(struct tail_budget *budget)
{
    budget->first = budget->next;
    budget->bytes = 0;
}
