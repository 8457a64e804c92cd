// A list that one thread changes while others read it as it was: items in the order in which they came.
//
// They stand in chunks that are only ever added to. Whoever wants the list gets a view: references to the
// chunks, and how far each was filled. An item that leaves while somebody has a view stays in its chunk, and
// is marked with the number of the change so that later views pass it over. A view costs its owner as much as
// there are chunks, and a change costs no copy. Chunks that have lost their items are given up or put
// together.
//
// A roll belongs to one thread; views and items are counted and may go to others.
#pragma once

#include "base/attr.h"
#include "base/list.h"
#include "base/ref.h"

#include <stdatomic.h>
#include <stdint.h>

#define ROLL_CHUNK_MAX 256U // items of one chunk
#define ROLLS_OF_ITEM 2U    // an item may stand in so many at once

struct roll_chunk;

// Embedded in what is listed.
struct roll_item {
    struct ref *ref;                          // of the whole; chunks hold it
    atomic_uint_fast64_t gone;                // the change that removed it; UINT64_MAX: none
    struct roll_chunk *_chunk[ROLLS_OF_ITEM]; // the owner's
};

struct roll {
    unsigned which; // of the item's places
    size_t count;   // items
    struct list _chunks;
    size_t _chunk_count;
    struct roll_view *_view; // the latest, as long as nothing has changed
};

// How a chunk was when the view was made.
struct roll_part {
    struct roll_chunk *chunk; // one reference
    size_t used;
};

struct roll_view {
    struct ref ref;
    uint64_t change; // items that this one or an earlier one removed are not part of it
    size_t count;    // items
    size_t part_count;
    struct roll_part parts[];
};

// Where a reader stands in a view; begins zeroed.
struct roll_place {
    size_t part;
    size_t index;
};

void roll_item_init(struct roll_item *item, struct ref *ref);

void roll_init(struct roll *roll, unsigned which);
void roll_done(struct roll *roll);
// Takes a reference of the item. -ENOMEM: then nothing has changed.
MUST_CHECK int roll_append(struct roll *roll, struct roll_item *item);
// Removes an item that is in it and that the caller has a reference of. `change` is above that of every view,
// and the same for all rolls of the item.
void roll_remove(struct roll *roll, struct roll_item *item, uint64_t change);
// The list as it is after `change`, the latest; one reference for the caller. -ENOMEM.
MUST_CHECK int roll_get(struct roll *roll, uint64_t change, struct roll_view **ret_view);
// The next item, which lives as long as the view; NULL behind the last. Any thread.
struct roll_item *roll_view_next(const struct roll_view *view, struct roll_place *place);
