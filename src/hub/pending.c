#include "hub/pending.h"

#include "hub/shard.h"
#include "hub/subscriber.h"

#include <stdlib.h>
#include <string.h>

// 4 MiB of offsets a worker: who finds the pool empty falls behind, which is always correct.
#define BLOCKS_MAX 16384

void pending_pool_init(struct pending_pool *pool)
{
    *pool = (struct pending_pool){.left = BLOCKS_MAX};
}

void pending_pool_done(struct pending_pool *pool)
{
    while (pool->_free) {
        struct pending_block *block = pool->_free;
        pool->_free = block->next;
        free(block);
    }
}

static struct pending_block *take_block(struct pending_pool *pool)
{
    struct pending_block *block = pool->_free;
    if (block) {
        pool->_free = block->next;
    } else if (pool->left) {
        block = malloc(sizeof(*block));
        if (block)
            pool->left--;
    }
    return block;
}

static uint32_t *slots_of(struct subscriber *subscriber)
{
    return subscriber->pending_block ? subscriber->pending_block->offsets : subscriber->pending;
}

// Room for one more; false when the list or the pool is full.
static bool has_room(struct subscriber *subscriber)
{
    if (subscriber->pending_block)
        return subscriber->pending_count < PENDING_MAX;
    if (subscriber->pending_count < PENDING_INLINE)
        return true;
    struct pending_block *block = take_block(&subscriber->shard->pool);
    if (!block)
        return false;
    memcpy(block->offsets, subscriber->pending, sizeof(subscriber->pending));
    subscriber->pending_block = block;
    return true;
}

bool pending_add(struct subscriber *subscriber, uint64_t offset)
{
    unsigned count = subscriber->pending_count;
    if (count && slots_of(subscriber)[count - 1] == (uint32_t)offset)
        return true;
    if (!has_room(subscriber))
        return false;
    slots_of(subscriber)[count] = (uint32_t)offset;
    subscriber->pending_count++;
    if (count == 0)
        tail_hold(&subscriber->shard->tail, offset);
    return true;
}

// Offsets of the tail differ by less than 2^32, so the low half says which.
uint64_t pending_offset(const struct subscriber *subscriber, unsigned i)
{
    uint64_t head = subscriber->shard->tail.next - 1;
    const struct pending_block *block = subscriber->pending_block;
    uint32_t low = block ? block->offsets[i] : subscriber->pending[i];
    return head - (uint32_t)((uint32_t)head - low);
}

void pending_clear(struct subscriber *subscriber)
{
    if (subscriber->pending_count)
        tail_release(&subscriber->shard->tail, pending_offset(subscriber, 0));
    subscriber->pending_count = 0;
    struct pending_block *block = subscriber->pending_block;
    if (!block)
        return;
    struct pending_pool *pool = &subscriber->shard->pool;
    block->next = pool->_free;
    pool->_free = block;
    subscriber->pending_block = NULL;
}
