// A set of topics that a token grants, in one form: two sets that grant the same are equal member by member,
// which is what is needed to share one object among the bearers of many tokens.
//
// Patterns belong to a thread, and so does a set that has some.
#pragma once

#include "base/attr.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pattern;

struct topic_set {
    bool all; // `*`; the lists are empty then
    size_t exact_count;
    size_t pattern_count;
    const struct str *exact;         // sorted by str_cmp, each once
    struct pattern *const *patterns; // by their addresses, each once; references of the set's owner
};

// Sorts the list and drops what is there twice: the number that is left.
size_t topic_set_sort(struct str *list, size_t count);
// The same of patterns.
size_t topic_set_sort_patterns(struct pattern **list, size_t count);
bool topic_set_is_empty(const struct topic_set *set);
bool topic_set_has(const struct topic_set *set, struct str topic);
// The same for equal sets. Keyed: differs between processes.
uint64_t topic_set_hash(const struct topic_set *set);
bool topic_set_equal(const struct topic_set *a, const struct topic_set *b);
