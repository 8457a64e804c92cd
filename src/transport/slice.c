#include "transport/slice.h"

#include "base/err.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void slice_begin(struct slice_builder *builder)
{
    builder->_count = 0;
    builder->_memory = sizeof(struct history_slice);
}

void slice_done(struct slice_builder *builder)
{
    free(builder->_items);
    *builder = (struct slice_builder){0};
}

size_t slice_entry_memory(size_t record_size)
{
    return sizeof(struct history_entry) + record_size;
}

static int grow(struct slice_builder *builder)
{
    size_t room = builder->_room ? 2 * builder->_room : 64;
    struct slice_item *items = realloc(builder->_items, room * sizeof(*items));
    if (!items)
        return -ENOMEM;
    builder->_items = items;
    builder->_room = room;
    return HUB_OK;
}

int slice_add(struct slice_builder *builder, const struct position *position, struct str bytes)
{
    size_t memory = builder->_memory + slice_entry_memory(bytes.len);
    if (memory > HISTORY_SLICE_SIZE && builder->_count > 0)
        return HUB_E_FULL;
    int err = builder->_count == builder->_room ? grow(builder) : HUB_OK;
    if (err)
        return err;
    builder->_items[builder->_count++] = (struct slice_item){.position = *position, .bytes = bytes};
    builder->_memory = memory;
    return HUB_OK;
}

static void free_slice(struct ref *ref)
{
    free(CONTAINER_OF(ref, struct history_slice, ref));
}

static int copy_items(const struct slice_builder *builder, struct history_slice *slice)
{
    char *to = (char *)&slice->entries[builder->_count];
    for (size_t i = 0; i < builder->_count; i++) {
        struct str bytes = builder->_items[i].bytes;
        memcpy(to, bytes.ptr, bytes.len);
        slice->entries[i].position = builder->_items[i].position;
        int err = record_parse(&slice->entries[i].record, str_make(to, bytes.len));
        if (err)
            return err;
        to += bytes.len;
    }
    return HUB_OK;
}

int slice_finish(struct slice_builder *builder, const struct position *after, bool gap, bool end,
                 struct history_slice **ret_slice)
{
    struct history_slice *slice = malloc(builder->_memory);
    if (!slice)
        return -ENOMEM;
    *slice = (struct history_slice){
        .after = *after, .gap = gap, .end = end, .memory = builder->_memory, .count = builder->_count};
    ref_init(&slice->ref, free_slice);
    int err = copy_items(builder, slice);
    if (err) {
        free(slice);
        return err;
    }
    *ret_slice = slice;
    return HUB_OK;
}
