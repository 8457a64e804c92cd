// Arbitrary bytes as a record: what is taken for one can be read to its ends, and when its parts are written
// again they give a record that is equal but for what the writer does not choose.
#include "base/assert.h"
#include "base/err.h"
#include "mercure/update.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_inside(struct str part, struct str whole)
{
    return part.len == 0 || (part.ptr >= whole.ptr && part.len <= whole.len &&
                             (size_t)(part.ptr - whole.ptr) <= whole.len - part.len);
}

static struct str *read_topics(const struct record *record)
{
    struct str *topics = calloc(record->topic_count, sizeof(*topics));
    HUB_ASSERT(topics);
    struct record_topics walk = {0};
    uint32_t hash;
    size_t count = 0;
    while (record_next_topic(record, &walk, &topics[count], &hash)) {
        HUB_ASSERT(is_inside(topics[count], record->bytes));
        HUB_ASSERT(hash == record_topic_hash(record, (uint16_t)count));
        if (++count == record->topic_count)
            break;
    }
    HUB_ASSERT(count == record->topic_count);
    return topics;
}

static void write_again(const struct record *record)
{
    struct str *topics = read_topics(record);
    struct record_fields fields = {.flags = record->flags,
                                   .time_ms = record->time_ms,
                                   .topics = topics,
                                   .topic_count = record->topic_count,
                                   .id = record->id,
                                   .frame_size = record->frame.len,
                                   .legacy_frame_size = record->legacy_frame.len};
    struct record_subscription subscription;
    if (record_subscription(record, &subscription))
        fields.subscription = &subscription;
    struct update *update;
    char *frame;
    HUB_ASSERT(update_new(&update, &fields, &frame) == HUB_OK);
    size_t frames_size = record->frame.len + record->legacy_frame.len;
    if (frames_size)
        memcpy(frame, record->frame.ptr, frames_size);
    update_stamp(update, record->node, record->boot, record->sequence);
    HUB_ASSERT(update->record.bytes.len == record->bytes.len);
    // The hashes of topics are the writer's own; all else is as it was.
    size_t hashes_end = RECORD_HEAD_SIZE + record->topic_count * sizeof(uint32_t);
    HUB_ASSERT(memcmp(update->bytes, record->bytes.ptr, RECORD_HEAD_SIZE) == 0);
    HUB_ASSERT(memcmp(update->bytes + hashes_end, record->bytes.ptr + hashes_end,
                      record->bytes.len - hashes_end) == 0);
    ref_put(&update->ref);
    free(topics);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct record record;
    int err = record_parse(&record, str_make((const char *)data, size));
    HUB_ASSERT(err == HUB_OK || err == HUB_E_CORRUPT || err == HUB_E_UNSUPPORTED);
    if (err)
        return 0;
    HUB_ASSERT(is_inside(record.id, record.bytes) && is_inside(record.frame, record.bytes));
    write_again(&record);
    return 0;
}
