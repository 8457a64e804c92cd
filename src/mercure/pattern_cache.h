// Which watched patterns match a topic: remembered for topics that many had to be tried for, so that the next
// update of the topic costs only those that match. An answer says up to which pattern it is complete:
// patterns that come later are tried against it, and do not make it worthless. Those that have gone are left
// out when they are found to be gone.
//
// Bounded in bytes; the answer that was not asked for longest goes first. Not thread-safe.
#pragma once

#include "base/attr.h"
#include "base/list.h"
#include "base/str.h"
#include "base/table.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pattern_answer {
    struct table_node _node;
    struct list _age;
    uint64_t complete_to; // patterns up to this number have been tried
    uint64_t *numbers;    // of those that matched
    size_t count;
    size_t _cap;
    size_t _len;
    char _topic[];
};

struct pattern_cache {
    struct table _answers;
    struct list _ages; // the newest last
    size_t _bytes;
    size_t _max;
};

void pattern_cache_init(struct pattern_cache *cache, size_t max_bytes);
void pattern_cache_done(struct pattern_cache *cache);
// The answer for the topic, which is now the newest, or NULL. Valid until the next call.
struct pattern_answer *pattern_cache_find(struct pattern_cache *cache, struct str topic);
// An empty answer for a topic that has none, or NULL when memory is out or it would not fit.
struct pattern_answer *pattern_cache_add(struct pattern_cache *cache, struct str topic);
// Notes a pattern that matches. When memory is out, or the answer has grown larger than the cache may be, the
// answer is forgotten: false.
bool pattern_cache_note(struct pattern_cache *cache, struct pattern_answer *answer, uint64_t number);
