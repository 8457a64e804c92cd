#include "mercure/update.h"

#include "base/assert.h"
#include "base/err.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void free_update(struct ref *ref)
{
    free(CONTAINER_OF(ref, struct update, ref));
}

static struct update *alloc_update(size_t size)
{
    struct update *update = malloc(sizeof(*update) + size);
    if (update)
        ref_init(&update->ref, free_update);
    return update;
}

int update_new(struct update **ret_update, const struct record_fields *fields, char **ret_frame)
{
    size_t size = record_size(fields);
    if (size == 0)
        return HUB_E_TOO_BIG;
    struct update *update = alloc_update(size);
    if (!update)
        return -ENOMEM;
    *ret_frame = record_write(update->bytes, fields);
    int err = record_parse(&update->record, str_make(update->bytes, size));
    HUB_ASSERT(err == HUB_OK);
    *ret_update = update;
    return HUB_OK;
}

int update_from_record(struct update **ret_update, struct str bytes)
{
    struct update *update = alloc_update(bytes.len);
    if (!update)
        return -ENOMEM;
    memcpy(update->bytes, bytes.ptr, bytes.len);
    int err = record_parse(&update->record, str_make(update->bytes, bytes.len));
    if (err) {
        free(update);
        return err;
    }
    *ret_update = update;
    return HUB_OK;
}

void update_stamp(struct update *update, uint64_t node, uint64_t boot, uint64_t sequence)
{
    record_stamp(update->bytes, node, boot, sequence);
    update->record.node = node;
    update->record.boot = boot;
    update->record.sequence = sequence;
}

size_t update_memory(const struct update *update)
{
    return sizeof(*update) + update->record.bytes.len;
}
