#include "mercure/topic_set.h"

#include "base/hash.h"
#include "url/template.h"

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

static int compare_templates(const void *a, const void *b)
{
    const struct topic_template *left = a;
    const struct topic_template *right = b;
    return str_cmp(left->text, right->text);
}

size_t topic_set_sort_templates(struct topic_template *list, size_t count)
{
    if (count == 0)
        return 0;
    qsort(list, count, sizeof(*list), compare_templates);
    size_t kept = 1;
    for (size_t i = 1; i < count; i++) {
        if (!str_eq(list[i].text, list[kept - 1].text))
            list[kept++] = list[i];
    }
    return kept;
}

bool topic_set_is_empty(const struct topic_set *set)
{
    return !set->all && set->exact_count + set->pattern_count + set->template_count == 0;
}

bool topic_set_has(const struct topic_set *set, struct str topic)
{
    if (set->all ||
        (set->exact_count && bsearch(&topic, set->exact, set->exact_count, sizeof(topic), compare)))
        return true;
    for (size_t i = 0; i < set->template_count; i++) {
        if (url_template_matches(set->templates[i].compiled, topic))
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

static uint64_t hash_templates(uint64_t hash, const struct topic_template *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        hash = hash_list(hash, &list[i].text, 1);
    return hash;
}

uint64_t topic_set_hash(const struct topic_set *set)
{
    uint64_t hash = hash_list(set->all, set->exact, set->exact_count);
    hash = hash_list(hash + set->exact_count, set->patterns, set->pattern_count);
    return hash_templates(3 * hash + set->pattern_count, set->templates, set->template_count);
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

static bool templates_equal(const struct topic_set *a, const struct topic_set *b)
{
    if (a->template_count != b->template_count)
        return false;
    for (size_t i = 0; i < a->template_count; i++) {
        if (!str_eq(a->templates[i].text, b->templates[i].text))
            return false;
    }
    return true;
}

bool topic_set_equal(const struct topic_set *a, const struct topic_set *b)
{
    return a->all == b->all && list_equal(a->exact, a->exact_count, b->exact, b->exact_count) &&
           list_equal(a->patterns, a->pattern_count, b->patterns, b->pattern_count) && templates_equal(a, b);
}
