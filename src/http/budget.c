#include "http/budget.h"

#include "base/err.h"

#include <stdint.h>
#include <stdlib.h>

struct http_kept {
    struct table_node node;
    const void *object;
    size_t memory;
    size_t holders;
};

void http_budget_init(struct http_budget *budget, atomic_size_t *total, atomic_uint *servers, size_t max)
{
    *budget = (struct http_budget){._total = total, ._servers = servers, ._max = max};
    list_init(&budget->_holders);
    table_init(&budget->_kept);
}

void http_budget_done(struct http_budget *budget)
{
    table_done(&budget->_kept);
}

// Nothing is published along with the count, so that its order does not matter.
static void change_total(struct http_budget *budget, size_t before, size_t now)
{
    budget->_own = budget->_own - before + now;
    if (now > before)
        atomic_fetch_add_explicit(budget->_total, now - before, memory_order_relaxed);
    else
        atomic_fetch_sub_explicit(budget->_total, before - now, memory_order_relaxed);
}

// ---- What is held together ----

// Addresses of allocations differ above their last bits.
static uint64_t hash_of(const void *object)
{
    return ((uintptr_t)object >> 4) * 0x9e3779b97f4a7c15U >> 16;
}

static struct http_kept *find_kept(const struct http_budget *budget, const void *object)
{
    struct table_node *node = table_first(&budget->_kept, hash_of(object));
    for (; node; node = table_next(node)) {
        struct http_kept *kept = CONTAINER_OF(node, struct http_kept, node);
        if (kept->object == object)
            return kept;
    }
    return NULL;
}

static struct http_kept *add_kept(struct http_budget *budget, const void *object, size_t memory)
{
    struct http_kept *kept = malloc(sizeof(*kept));
    if (!kept)
        return NULL;
    *kept = (struct http_kept){.object = object, .memory = memory};
    if (table_insert(&budget->_kept, &kept->node, hash_of(object)) != HUB_OK) {
        free(kept);
        return NULL;
    }
    change_total(budget, 0, memory);
    return kept;
}

void http_budget_share(struct http_budget *budget, struct http_holder *holder, const void *object,
                       size_t memory)
{
    struct http_kept *kept = find_kept(budget, object);
    if (!kept)
        kept = add_kept(budget, object, memory);
    if (kept)
        kept->holders++;
    holder->_kept = kept;
}

static void leave_kept(struct http_budget *budget, struct http_holder *holder)
{
    struct http_kept *kept = holder->_kept;
    holder->_kept = NULL;
    if (--kept->holders > 0)
        return;
    change_total(budget, kept->memory, 0);
    table_remove(&budget->_kept, &kept->node);
    free(kept);
}

// ---- Holders ----

void http_budget_count(struct http_budget *budget, struct http_holder *holder, size_t bytes)
{
    size_t before = holder->bytes;
    if (bytes == before)
        return;
    if (!holder->_kept)
        change_total(budget, before, bytes);
    else if (bytes == 0)
        leave_kept(budget, holder);
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

static bool is_over(const struct http_budget *budget, const struct http_holder *grown)
{
    size_t total = atomic_load_explicit(budget->_total, memory_order_relaxed);
    size_t alone = grown->_kept ? grown->_kept->memory : grown->bytes;
    return total > budget->_max && total > alone &&
           budget->_own > budget->_max / atomic_load(budget->_servers);
}

struct http_holder *http_budget_take_oldest(struct http_budget *budget, const struct http_holder *grown)
{
    struct list *node = list_first(&budget->_holders);
    if (!node || !is_over(budget, grown))
        return NULL;
    struct http_holder *oldest = CONTAINER_OF(node, struct http_holder, _node);
    http_budget_count(budget, oldest, 0);
    return oldest;
}
