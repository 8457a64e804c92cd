#include "base/slab.h"

#include "base/assert.h"

#include <sanitizer/asan_interface.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>

// Blocks are aligned to BLOCK_ALIGN, so that an object's address tells its block. They are shorter by what
// malloc puts in front of each, so that they stand one after another without a gap.
#define BLOCK_ALIGN 32768U
#define BLOCK_SIZE (BLOCK_ALIGN - 16U)

struct object {
    struct object *next;
};

struct block {
    struct list node;
    struct object *free; // objects that have been freed
    size_t used;
    size_t touched; // objects that have been in use ever: what lies behind is untouched memory
    alignas(max_align_t) char objects[];
};

void slab_init(struct slab *slab, size_t size)
{
    const size_t align = alignof(max_align_t);
    size = (size + align - 1) & ~(align - 1);
    *slab = (struct slab){._size = size, ._per_block = (BLOCK_SIZE - sizeof(struct block)) / size};
    HUB_ASSERT(slab->_per_block > 1);
    list_init(&slab->_partial);
    list_init(&slab->_full);
}

static struct block *block_of(struct list *node)
{
    return CONTAINER_OF(node, struct block, node);
}

static void free_block(struct block *block)
{
    ASAN_UNPOISON_MEMORY_REGION(block->objects, BLOCK_SIZE - offsetof(struct block, objects));
    free(block);
}

void slab_done(struct slab *slab)
{
    if (slab->_size == 0)
        return;
    HUB_ASSERT(list_empty(&slab->_full));
    struct list *node;
    while ((node = list_first(&slab->_partial)) != NULL) {
        HUB_ASSERT(block_of(node)->used == 0);
        list_remove(node);
        free_block(block_of(node));
    }
}

static struct block *add_block(struct slab *slab)
{
    void *memory;
    if (posix_memalign(&memory, BLOCK_ALIGN, BLOCK_SIZE) != 0)
        return NULL;
    struct block *block = memory;
    *block = (struct block){0};
    list_init(&block->node);
    list_append(&slab->_partial, &block->node);
    slab->_empty++;
    return block;
}

static void *take(const struct slab *slab, struct block *block)
{
    struct object *object = block->free;
    if (object)
        block->free = object->next;
    else
        object = (void *)(block->objects + slab->_size * block->touched++);
    block->used++;
    ASAN_UNPOISON_MEMORY_REGION(object, slab->_size);
    return object;
}

void *slab_alloc(struct slab *slab)
{
    struct list *first = list_first(&slab->_partial);
    struct block *block = first ? block_of(first) : add_block(slab);
    if (!block)
        return NULL;
    if (block->used == 0)
        slab->_empty--;
    void *object = take(slab, block);
    if (block->used == slab->_per_block) {
        list_remove(&block->node);
        list_append(&slab->_full, &block->node);
    }
    return object;
}

void slab_free(struct slab *slab, void *object)
{
    if (!object)
        return;
    struct block *block = (void *)((uintptr_t)object & ~(uintptr_t)(BLOCK_ALIGN - 1));
    struct object *freed = object;
    freed->next = block->free;
    block->free = freed;
    ASAN_POISON_MEMORY_REGION(freed + 1, slab->_size - sizeof(*freed));
    if (block->used-- == slab->_per_block) {
        list_remove(&block->node);
        list_append(&slab->_partial, &block->node);
    }
    if (block->used > 0)
        return;
    if (slab->_empty > 0) {
        list_remove(&block->node);
        free_block(block);
    } else {
        slab->_empty++;
    }
}
