#include "hub/roll.h"

#include "base/assert.h"
#include "base/err.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_MIN 4U

struct roll_chunk {
    struct ref ref;
    struct list node; // in roll._chunks; the owner's, as are the next three
    size_t room;
    size_t used;
    size_t live; // items that are not gone
    struct roll_item *items[];
};

static struct roll_chunk *chunk_of(struct list *node)
{
    return CONTAINER_OF(node, struct roll_chunk, node);
}

// ---- Chunks ----

static void free_chunk(struct ref *ref)
{
    struct roll_chunk *chunk = CONTAINER_OF(ref, struct roll_chunk, ref);
    for (size_t i = 0; i < chunk->used; i++)
        ref_put(chunk->items[i]->ref);
    free(chunk);
}

static struct roll_chunk *new_chunk(size_t room)
{
    struct roll_chunk *chunk = malloc(sizeof(*chunk) + room * sizeof(struct roll_item *));
    if (!chunk)
        return NULL;
    *chunk = (struct roll_chunk){.room = room};
    ref_init(&chunk->ref, free_chunk);
    list_init(&chunk->node);
    return chunk;
}

static void give_up(struct roll *roll, struct roll_chunk *chunk)
{
    list_remove(&chunk->node);
    roll->_chunk_count--;
    ref_put(&chunk->ref);
}

static void put_in(struct roll *roll, struct roll_chunk *chunk, struct roll_item *item)
{
    ref_get(item->ref);
    chunk->items[chunk->used++] = item;
    chunk->live++;
    item->_chunk[roll->which] = chunk;
}

static bool is_gone(const struct roll_item *item, uint64_t change)
{
    return atomic_load_explicit(&item->gone, memory_order_relaxed) <= change;
}

static void move_live(struct roll *roll, struct roll_chunk *from, struct roll_chunk *to)
{
    for (size_t i = 0; i < from->used; i++) {
        if (from->items[i]->_chunk[roll->which] == from)
            put_in(roll, to, from->items[i]);
    }
    give_up(roll, from);
}

static size_t room_for(const struct roll *roll)
{
    size_t room = roll->count < CHUNK_MIN ? CHUNK_MIN : roll->count;
    return room < ROLL_CHUNK_MAX ? room : ROLL_CHUNK_MAX;
}

// Puts a chunk and the one behind it together if three quarters of both are free. Without memory they stay as
// they are.
static void merge(struct roll *roll, struct list *node)
{
    if (node == &roll->_chunks || node->next == &roll->_chunks)
        return;
    struct roll_chunk *first = chunk_of(node);
    struct roll_chunk *second = chunk_of(node->next);
    if (first->live + second->live > (first->room + second->room) / 4)
        return;
    struct roll_chunk *both = new_chunk(room_for(roll));
    if (!both)
        return;
    list_append(second->node.next, &both->node); // before what follows
    roll->_chunk_count++;
    move_live(roll, first, both);
    move_live(roll, second, both);
}

// ---- Life ----

void roll_item_init(struct roll_item *item, struct ref *ref)
{
    *item = (struct roll_item){.ref = ref};
    atomic_init(&item->gone, UINT64_MAX);
}

void roll_init(struct roll *roll, unsigned which)
{
    *roll = (struct roll){.which = which};
    list_init(&roll->_chunks);
}

static void forget_view(struct roll *roll)
{
    if (roll->_view)
        ref_put(&roll->_view->ref);
    roll->_view = NULL;
}

void roll_done(struct roll *roll)
{
    forget_view(roll);
    LIST_FOREACH (node, &roll->_chunks)
        give_up(roll, chunk_of(node));
}

// ---- Changes ----

// The last chunk, with room for one more.
static struct roll_chunk *get_last(struct roll *roll)
{
    struct list *last = roll->_chunks.prev;
    if (last != &roll->_chunks && chunk_of(last)->used < chunk_of(last)->room)
        return chunk_of(last);
    struct roll_chunk *chunk = new_chunk(room_for(roll));
    if (!chunk)
        return NULL;
    list_append(&roll->_chunks, &chunk->node);
    roll->_chunk_count++;
    return chunk;
}

int roll_append(struct roll *roll, struct roll_item *item)
{
    struct roll_chunk *chunk = get_last(roll);
    if (!chunk)
        return -ENOMEM;
    forget_view(roll);
    if (!item->_chunk[!roll->which])
        atomic_store_explicit(&item->gone, UINT64_MAX, memory_order_relaxed);
    put_in(roll, chunk, item);
    roll->count++;
    return HUB_OK;
}

// Nobody reads the chunk: the item need not stay for older views.
static void take_out(struct roll_chunk *chunk, const struct roll_item *item)
{
    size_t i = 0;
    while (chunk->items[i] != item)
        i++;
    memmove(&chunk->items[i], &chunk->items[i + 1], (--chunk->used - i) * sizeof(struct roll_item *));
    ref_put(item->ref);
}

void roll_remove(struct roll *roll, struct roll_item *item, uint64_t change)
{
    struct roll_chunk *chunk = item->_chunk[roll->which];
    HUB_ASSERT(chunk && chunk->live > 0 && roll->count > 0);
    forget_view(roll);
    // Whoever reads a view meanwhile sees the old value or the new, and takes neither for a change of it.
    atomic_store_explicit(&item->gone, change, memory_order_relaxed);
    item->_chunk[roll->which] = NULL;
    roll->count--;
    chunk->live--;
    if (ref_is_only(&chunk->ref))
        take_out(chunk, item);
    struct list *before = chunk->node.prev;
    if (chunk->live == 0)
        give_up(roll, chunk);
    else
        merge(roll, &chunk->node);
    if (before != &roll->_chunks)
        merge(roll, before);
}

// ---- Views ----

static void free_view(struct ref *ref)
{
    struct roll_view *view = CONTAINER_OF(ref, struct roll_view, ref);
    for (size_t i = 0; i < view->part_count; i++)
        ref_put(&view->parts[i].chunk->ref);
    free(view);
}

static struct roll_view *new_view(const struct roll *roll, uint64_t change)
{
    struct roll_view *view = malloc(sizeof(*view) + roll->_chunk_count * sizeof(view->parts[0]));
    if (!view)
        return NULL;
    *view = (struct roll_view){.change = change, .count = roll->count};
    ref_init(&view->ref, free_view);
    LIST_FOREACH (node, &roll->_chunks) {
        struct roll_chunk *chunk = chunk_of(node);
        ref_get(&chunk->ref);
        view->parts[view->part_count++] = (struct roll_part){.chunk = chunk, .used = chunk->used};
    }
    return view;
}

int roll_get(struct roll *roll, uint64_t change, struct roll_view **ret_view)
{
    if (!roll->_view)
        roll->_view = new_view(roll, change);
    if (!roll->_view)
        return -ENOMEM;
    ref_get(&roll->_view->ref);
    *ret_view = roll->_view;
    return HUB_OK;
}

struct roll_item *roll_view_next(const struct roll_view *view, struct roll_place *place)
{
    for (; place->part < view->part_count; place->part++, place->index = 0) {
        const struct roll_part *part = &view->parts[place->part];
        while (place->index < part->used) {
            struct roll_item *item = part->chunk->items[place->index++];
            if (!is_gone(item, view->change))
                return item;
        }
    }
    return NULL;
}
