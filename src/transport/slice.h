// Makes slices of history from what a driver reads. What is added stays where it is until slice_finish copies
// it into the one block of the slice, and it is parsed there, once.
//
// A builder belongs to one thread and is used again and again; it keeps its list.
#pragma once

#include "base/attr.h"
#include "base/str.h"
#include "transport/transport.h"

#include <stdbool.h>
#include <stddef.h>

struct slice_item {
    struct position position;
    struct str bytes;
};

struct slice_builder {
    struct slice_item *_items;
    size_t _count;
    size_t _room;
    size_t _memory;
};

// Takes a zeroed or used builder.
void slice_begin(struct slice_builder *builder);
void slice_done(struct slice_builder *builder);
// Borrows the bytes until slice_finish. HUB_E_FULL when the slice has its size and is to be finished without
// this one; -ENOMEM.
MUST_CHECK int slice_add(struct slice_builder *builder, const struct position *position, struct str bytes);
// What follows `after`. HUB_E_CORRUPT or HUB_E_UNSUPPORTED for a record that cannot be read; -ENOMEM.
MUST_CHECK int slice_finish(struct slice_builder *builder, const struct position *after, bool gap, bool end,
                            struct history_slice **ret_slice);
// What a record of that size takes in a slice.
size_t slice_entry_memory(size_t record_size);
