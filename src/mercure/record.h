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
//
// A subscription event (RECORD_SUBSCRIPTION) looks different to the two generations of the protocol, and is
// read again by the hub. It has up to two topics and frames: the first of each is for modern subscribers, the
// second, which is only there if the hub that wrote it served 0.x, for those of 0.x. Between the id and the
// first frame stand
//
//       u32 where the second frame starts (the end of the record if there is none), u8 kind of the matcher,
//       then matcher, subscriber and payload as u32 length and bytes each
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
    RECORD_SUBSCRIPTION = 4, // a subscription event: it does not count as an update, and goes after a time
    RECORD_ACTIVE = 8,       // of these: the subscription has begun, otherwise it has ended
};

// Who a part of a subscription event is for; the index of its topic and frame.
enum generation {
    GENERATION_MODERN,
    GENERATION_LEGACY, // 0.x
};
#define GENERATIONS 2U

// What a subscription event says besides whether the subscription is active.
struct record_subscription {
    uint8_t kind;
    struct str match;
    struct str subscriber;
    struct str payload; // JSON; empty for none
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
    struct str legacy_frame; // of a subscription event: that of 0.x, or empty
};

struct record_fields {
    uint8_t flags;
    uint64_t time_ms;
    const struct str *topics;
    size_t topic_count; // 1 to UINT16_MAX
    struct str id;
    size_t frame_size;
    const struct record_subscription *subscription; // with RECORD_SUBSCRIPTION; NULL without
    size_t legacy_frame_size;                       // 0 without a second topic
};

// Checks every length and offset. HUB_E_CORRUPT, or HUB_E_UNSUPPORTED for a version that is not ours.
MUST_CHECK int record_parse(struct record *ret_record, struct str bytes);
// The size of the record with these fields; 0 when it is over UINT32_MAX.
size_t record_size(const struct record_fields *fields);
// Writes the record into record_size bytes but for the frame, whose place is returned; that of 0.x follows
// it. Node, boot and sequence are 0 until record_stamp.
char *record_write(char *to, const struct record_fields *fields);
void record_stamp(char *bytes, uint64_t node, uint64_t boot, uint64_t sequence);
// The frame that a subscriber of that generation is sent.
struct str record_frame(const struct record *record, enum generation generation);
// What a subscription event says; false for any other record.
bool record_subscription(const struct record *record, struct record_subscription *ret_subscription);

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
