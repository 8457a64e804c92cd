// The tail: the newest updates of one hub as one worker sees them, in the order of the feed. References, not
// copies; bounded by what the hub thread says may stay.
//
// Offsets count this process's updates without gaps and are the same on every worker. They begin at
// TAIL_FIRST_OFFSET, so that the one before the first is not 0, which says that an offset is not known.
// Positions come from the transport.
#pragma once

#include "base/attr.h"
#include "base/str.h"
#include "base/table.h"
#include "hub/topic.h"
#include "transport/transport.h"

#include <stdbool.h>
#include <stdint.h>

#define TAIL_FIRST_OFFSET 2

struct tail_entry {
    struct update *update; // one reference
    struct position position;
    uint64_t offset;
    struct table_node _id_node;    // in the index by id, if it is the earliest with its id
    struct tail_entry *_id_next;   // the next later one with the same id
    struct tail_entry *_id_latest; // of the earliest: the latest with the same id
    uint32_t _holds;
    uint16_t topic_count;
    struct topic *topics[]; // each has this offset in its chain
};

struct tail {
    struct tail_entry **_ring;
    size_t _mask;           // ring size - 1, when there is a ring
    uint64_t first;         // offset of the oldest entry, or `next` when there is none
    uint64_t next;          // offset of the entry to come
    struct position before; // of the update before `first`; empty when nothing older is kept anywhere
    struct table _ids;      // the earliest entry of each id
    struct topics *_topics;
};

// The topics are the caller's and outlive the tail.
void tail_init(struct tail *tail, struct topics *topics);
void tail_done(struct tail *tail);
// Takes over the reference of the entry, on failure too: then the tail is as before. -ENOMEM.
MUST_CHECK int tail_push(struct tail *tail, const struct feed_entry *entry);
// Says that somebody points at the entry with that offset: it stays, and so do those behind it, until it has
// been released as often.
void tail_hold(struct tail *tail, uint64_t offset);
void tail_release(struct tail *tail, uint64_t offset);
// Drops what is older than offset `first`, as far as nothing holds it.
void tail_trim(struct tail *tail, uint64_t first);
// Drops everything, which nobody may hold, and goes on at `next`, after `before`.
void tail_reset(struct tail *tail, uint64_t next, const struct position *before);
// The entry with that offset, which must be in the tail.
struct tail_entry *tail_at(const struct tail *tail, uint64_t offset);
// The position of the newest update that came by, in the tail or not.
const struct position *tail_head(const struct tail *tail);
// The position of the update before `offset`: first <= offset <= next.
const struct position *tail_before(const struct tail *tail, uint64_t offset);
// The earliest entry with that event id, or NULL.
struct tail_entry *tail_find_id(const struct tail *tail, struct str id);
// Whether everything after the position is in the tail.
bool tail_covers(const struct tail *tail, const struct position *position);
// The offset of the newest update at or before a position that it covers and that is not beyond the head
// (first - 1 when that is the one before the tail).
uint64_t tail_offset_of(const struct tail *tail, const struct position *position);
// Bytes that an update with so many topics takes in the tail of one worker, besides the update itself.
size_t tail_entry_memory(size_t topic_count);
