// A set of topics that a token grants, in one form: two sets that grant the same are equal member by member,
// which is what is needed to share one object among the bearers of many tokens.
//
// A URL Pattern is kept and matches nothing yet. URI Templates are those of the 0.x protocol.
#pragma once

#include "base/attr.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct url_template;

struct topic_template {
    struct str text;
    const struct url_template *compiled; // the owner's of the set
};

struct topic_set {
    bool all; // `*`; the lists are empty then
    size_t exact_count;
    size_t pattern_count;
    size_t template_count;
    const struct str *exact;                // sorted by str_cmp, each once
    const struct str *patterns;             // the same
    const struct topic_template *templates; // by their texts, the same
};

// Sorts the list and drops what is there twice: the number that is left.
size_t topic_set_sort(struct str *list, size_t count);
// The same of templates.
size_t topic_set_sort_templates(struct topic_template *list, size_t count);
bool topic_set_is_empty(const struct topic_set *set);
bool topic_set_has(const struct topic_set *set, struct str topic);
// The same for equal sets. Keyed: differs between processes.
uint64_t topic_set_hash(const struct topic_set *set);
bool topic_set_equal(const struct topic_set *a, const struct topic_set *b);
