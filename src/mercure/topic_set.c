#include "mercure/topic_set.h"

#include "base/hash.h"
#include "mercure/pattern.h"

#include <stdlib.h>

static int compare(const void *a, const void *b)
{
    const struct str *left = a;
    const struct str *right = b;
    return str_cmp(*left, *right);
}

size_t topic_set_sort(struct str *list, size_t count)
{
    if (count == 0)
        return 0;
    qsort(list, count, sizeof(*list), compare);
    size_t kept = 1;
    for (size_t i = 1; i < count; i++) {
        if (!str_eq(list[i], list[kept - 1]))
            list[kept++] = list[i];
    }
    return kept;
}

static int compare_patterns(const void *a, const void *b)
{
    const uintptr_t left = (uintptr_t) * (struct pattern *const *)a;
    const uintptr_t right = (uintptr_t) * (struct pattern *const *)b;
    return (left > right) - (left < right);
}

size_t topic_set_sort_patterns(struct pattern **list, size_t count)
{
    if (count == 0)
        return 0;
    qsort(list, count, sizeof(struct pattern *), compare_patterns);
    size_t kept = 1;
    for (size_t i = 1; i < count; i++) {
        if (list[i] != list[kept - 1])
            list[kept++] = list[i];
    }
    return kept;
}

bool topic_set_is_empty(const struct topic_set *set)
{
    return !set->all && set->exact_count + set->pattern_count == 0;
}

bool topic_set_has(const struct topic_set *set, struct str topic)
{
    if (set->all ||
        (set->exact_count && bsearch(&topic, set->exact, set->exact_count, sizeof(topic), compare)))
        return true;
    for (size_t i = 0; i < set->pattern_count; i++) {
        if (pattern_matches(set->patterns[i], topic))
            return true;
    }
    return false;
}

static uint64_t hash_list(uint64_t hash, const struct str *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        hash = hash * UINT64_C(0x9E3779B97F4A7C15) + hash_keyed(list[i]);
    return hash;
}

uint64_t topic_set_hash(const struct topic_set *set)
{
    uint64_t hash = hash_list(set->all, set->exact, set->exact_count) + set->exact_count;
    for (size_t i = 0; i < set->pattern_count; i++)
        hash = hash_list(hash, &set->patterns[i]->text, 1);
    return hash;
}

static bool list_equal(const struct str *a, size_t a_count, const struct str *b, size_t b_count)
{
    if (a_count != b_count)
        return false;
    for (size_t i = 0; i < a_count; i++) {
        if (!str_eq(a[i], b[i]))
            return false;
    }
    return true;
}

bool topic_set_equal(const struct topic_set *a, const struct topic_set *b)
{
    if (a->all != b->all || a->pattern_count != b->pattern_count ||
        !list_equal(a->exact, a->exact_count, b->exact, b->exact_count))
        return false;
    // Equal patterns are one object.
    for (size_t i = 0; i < a->pattern_count; i++) {
        if (a->patterns[i] != b->patterns[i])
            return false;
    }
    return true;
}
