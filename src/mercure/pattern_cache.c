#include "mercure/pattern_cache.h"

#include "base/err.h"
#include "base/hash.h"

#include <stdlib.h>
#include <string.h>

void pattern_cache_init(struct pattern_cache *cache, size_t max_bytes)
{
    *cache = (struct pattern_cache){._max = max_bytes};
    list_init(&cache->_ages);
}

static size_t answer_size(const struct pattern_answer *answer)
{
    return sizeof(*answer) + answer->_len + answer->_cap * sizeof(*answer->numbers);
}

static void forget(struct pattern_cache *cache, struct pattern_answer *answer)
{
    cache->_bytes -= answer_size(answer);
    table_remove(&cache->_answers, &answer->_node);
    list_remove(&answer->_age);
    free(answer->numbers);
    free(answer);
}

void pattern_cache_done(struct pattern_cache *cache)
{
    LIST_FOREACH (node, &cache->_ages)
        forget(cache, CONTAINER_OF(node, struct pattern_answer, _age));
    table_done(&cache->_answers);
}

struct pattern_answer *pattern_cache_find(struct pattern_cache *cache, struct str topic)
{
    struct table_node *node = table_first(&cache->_answers, hash_keyed(topic));
    for (; node; node = table_next(node)) {
        struct pattern_answer *answer = CONTAINER_OF(node, struct pattern_answer, _node);
        if (!str_eq(str_make(answer->_topic, answer->_len), topic))
            continue;
        list_remove(&answer->_age);
        list_append(&cache->_ages, &answer->_age);
        return answer;
    }
    return NULL;
}

// Lets go of the oldest answers but this one, until the rest is within the bound. False when it is too large
// by itself.
static bool make_room(struct pattern_cache *cache, const struct pattern_answer *keep)
{
    while (cache->_bytes > cache->_max) {
        struct pattern_answer *oldest = CONTAINER_OF(list_first(&cache->_ages), struct pattern_answer, _age);
        if (oldest == keep)
            return false;
        forget(cache, oldest);
    }
    return true;
}

struct pattern_answer *pattern_cache_add(struct pattern_cache *cache, struct str topic)
{
    struct pattern_answer *answer = malloc(sizeof(*answer) + topic.len);
    if (!answer)
        return NULL;
    *answer = (struct pattern_answer){._len = topic.len};
    if (topic.len)
        memcpy(answer->_topic, topic.ptr, topic.len);
    if (table_insert(&cache->_answers, &answer->_node, hash_keyed(topic)) != HUB_OK) {
        free(answer);
        return NULL;
    }
    list_init(&answer->_age);
    list_append(&cache->_ages, &answer->_age);
    cache->_bytes += answer_size(answer);
    if (make_room(cache, answer))
        return answer;
    forget(cache, answer);
    return NULL;
}

static bool grow(struct pattern_cache *cache, struct pattern_answer *answer)
{
    size_t cap = answer->_cap ? 2 * answer->_cap : 8;
    uint64_t *grown = realloc(answer->numbers, cap * sizeof(*grown));
    if (!grown)
        return false;
    cache->_bytes += (cap - answer->_cap) * sizeof(*grown);
    answer->numbers = grown;
    answer->_cap = cap;
    return make_room(cache, answer);
}

bool pattern_cache_note(struct pattern_cache *cache, struct pattern_answer *answer, uint64_t number)
{
    if (answer->count == answer->_cap && !grow(cache, answer)) {
        forget(cache, answer);
        return false;
    }
    answer->numbers[answer->count++] = number;
    return true;
}
