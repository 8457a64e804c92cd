#include "http/budget.h"

void http_budget_init(struct http_budget *budget, atomic_size_t *total, size_t max)
{
    *budget = (struct http_budget){._total = total, ._max = max};
    list_init(&budget->_holders);
}

// Nothing is published along with the count, so that its order does not matter.
static void change_total(const struct http_budget *budget, size_t before, size_t now)
{
    if (now > before)
        atomic_fetch_add_explicit(budget->_total, now - before, memory_order_relaxed);
    else
        atomic_fetch_sub_explicit(budget->_total, before - now, memory_order_relaxed);
}

void http_budget_count(struct http_budget *budget, struct http_holder *holder, size_t bytes)
{
    size_t before = holder->bytes;
    if (bytes == before)
        return;
    change_total(budget, before, bytes);
    holder->bytes = bytes;
    if (bytes < before)
        list_remove(&holder->_node);
    if (bytes && (bytes < before || before == 0))
        list_append(&budget->_holders, &holder->_node);
}

void http_budget_pin(struct http_holder *holder)
{
    if (holder->bytes)
        list_remove(&holder->_node);
}

struct http_holder *http_budget_take_oldest(struct http_budget *budget, const struct http_holder *grown)
{
    size_t total = atomic_load_explicit(budget->_total, memory_order_relaxed);
    struct list *node = list_first(&budget->_holders);
    if (!node || total <= budget->_max || total <= grown->bytes)
        return NULL;
    struct http_holder *oldest = CONTAINER_OF(node, struct http_holder, _node);
    http_budget_count(budget, oldest, 0);
    return oldest;
}
