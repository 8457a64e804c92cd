// The topics that one worker knows of one hub: those that somebody subscribes to by an exact matcher, and
// those of the updates in the tail. One look-up per topic of an update finds its subscribers and the chain of
// offsets that late subscribers follow.
#pragma once

#include "base/attr.h"
#include "base/str.h"
#include "base/table.h"
#include "hub/subscription_list.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct topic {
    struct table_node _node;
    struct subscription_list subscriptions;
    uint64_t *_offsets; // a ring of rising offsets of the tail
    uint32_t _offset_first;
    uint32_t _offset_count;
    uint32_t _offset_cap;
    uint32_t stable_hash; // as in records
    size_t len;
    char text[];
};

struct topics {
    struct table _table;
    size_t memory; // bytes of topics and their arrays
};

void topics_init(struct topics *topics);
// Every topic must be unused.
void topics_done(struct topics *topics);
// Finds or makes it; NULL when memory is out. One that stays unused is to be given back with topics_release.
struct topic *topics_get(struct topics *topics, struct str text);
// Frees the topic if nobody subscribes to it and no offset is left.
void topics_release(struct topics *topics, struct topic *topic);

// Adds the matcher `slot` of the subscriber and tells its index in the array; -ENOMEM.
MUST_CHECK int topic_subscribe(struct topics *topics, struct topic *topic, struct subscription subscription,
                               uint32_t *ret_index);
// Appends an offset, which is above the last. -ENOMEM.
MUST_CHECK int topic_push_offset(struct topics *topics, struct topic *topic, uint64_t offset);
// Takes an offset away that is the first or the last of the chain.
void topic_drop_offset(struct topic *topic, uint64_t offset);
// The last offset of the chain, or 0.
uint64_t topic_last_offset(const struct topic *topic);
// The first offset above `after`, or 0.
uint64_t topic_next_offset(const struct topic *topic, uint64_t after);
