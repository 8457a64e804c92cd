// The record: an update as every log-like transport stores it. It ends with the SSE frame verbatim, so that
// a replay sends stored bytes in place.
//
// All numbers are little-endian:
//
//   0   u8   version (1)
//   1   u8   flags
//   2   u16  number of topics, at least 1
//   4   u32  where the frame starts
//   8   u64  time of acceptance, ms since 1970
//   16  u64  node that accepted it
//   24  u64  boot of that node
//   32  u64  sequence within the boot, rising by one
//   40  u32  hash_stable of each topic
//       then each topic as u32 length and bytes, the id as u32 length and bytes, the frame up to the end
#pragma once

#include "base/attr.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define RECORD_VERSION 1
#define RECORD_HEAD_SIZE 40U

enum record_flag {
    RECORD_PRIVATE = 1,
    RECORD_GENERATED_ID = 2, // the id was made by the hub: nobody else has used it before
};

// A view into the bytes of a record.
struct record {
    struct str bytes;
    uint8_t flags;
    uint16_t topic_count;
    uint64_t time_ms;
    uint64_t node;
    uint64_t boot;
    uint64_t sequence;
    struct str id;
    struct str frame;
};

struct record_fields {
    uint8_t flags;
    uint64_t time_ms;
    const struct str *topics;
    size_t topic_count; // 1 to UINT16_MAX
    struct str id;
    size_t frame_size;
};

// Checks every length and offset. HUB_E_CORRUPT, or HUB_E_UNSUPPORTED for a version that is not ours.
MUST_CHECK int record_parse(struct record *ret_record, struct str bytes);
// The size of the record with these fields; 0 when it is over UINT32_MAX.
size_t record_size(const struct record_fields *fields);
// Writes the record into record_size bytes but for the frame, whose place is returned. Node, boot and
// sequence are 0 until record_stamp.
char *record_write(char *to, const struct record_fields *fields);
void record_stamp(char *bytes, uint64_t node, uint64_t boot, uint64_t sequence);

// Walks the topics: start with a zeroed iterator.
struct record_topics {
    uint16_t _index;
    uint32_t _at;
};
// The next topic and its hash_stable; false after the last.
bool record_next_topic(const struct record *record, struct record_topics *topics, struct str *ret_topic,
                       uint32_t *ret_hash);
// The hash of topic `i`, without walking.
uint32_t record_topic_hash(const struct record *record, uint16_t i);
