#include "hub/topic.h"

#include "base/assert.h"
#include "base/err.h"
#include "base/hash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct topic *topic_of(struct table_node *node)
{
    return node ? CONTAINER_OF(node, struct topic, _node) : NULL;
}

void topics_init(struct topics *topics)
{
    *topics = (struct topics){0};
}

void topics_done(struct topics *topics)
{
    HUB_ASSERT(topics->_table.count == 0);
    table_done(&topics->_table);
}

static struct topic *find(const struct topics *topics, struct str text, uint64_t hash)
{
    struct topic *topic = topic_of(table_first(&topics->_table, hash));
    while (topic && !str_eq(str_make(topic->text, topic->len), text))
        topic = topic_of(table_next(&topic->_node));
    return topic;
}

static size_t topic_size(const struct topic *topic)
{
    return sizeof(*topic) + topic->len + topic->subscriptions._cap * sizeof(*topic->subscriptions.items) +
           topic->_offset_cap * sizeof(*topic->_offsets);
}

struct topic *topics_get(struct topics *topics, struct str text)
{
    uint64_t hash = hash_keyed(text);
    struct topic *topic = find(topics, text, hash);
    if (topic)
        return topic;
    topic = malloc(sizeof(*topic) + text.len);
    if (!topic)
        return NULL;
    *topic = (struct topic){.stable_hash = hash_stable(text), .len = text.len};
    if (text.len)
        memcpy(topic->text, text.ptr, text.len);
    if (table_insert(&topics->_table, &topic->_node, hash) != HUB_OK) {
        free(topic);
        return NULL;
    }
    topics->memory += topic_size(topic);
    return topic;
}

void topics_release(struct topics *topics, struct topic *topic)
{
    if (topic->subscriptions.count || topic->_offset_count)
        return;
    topics->memory -= topic_size(topic);
    table_remove(&topics->_table, &topic->_node);
    subscription_list_done(&topic->subscriptions);
    free(topic->_offsets);
    free(topic);
}

int topic_subscribe(struct topics *topics, struct topic *topic, struct subscription subscription,
                    uint32_t *ret_index)
{
    topics->memory -= topic_size(topic);
    int err = subscription_list_add(&topic->subscriptions, subscription, ret_index);
    topics->memory += topic_size(topic);
    return err;
}

static uint64_t *offset_at(const struct topic *topic, uint32_t i)
{
    return &topic->_offsets[(topic->_offset_first + i) & (topic->_offset_cap - 1)];
}

static int grow_offsets(struct topics *topics, struct topic *topic)
{
    uint32_t cap = topic->_offset_cap ? topic->_offset_cap * 2 : 2;
    uint64_t *grown = malloc(cap * sizeof(*grown));
    if (!grown)
        return -ENOMEM;
    for (uint32_t i = 0; i < topic->_offset_count; i++)
        grown[i] = *offset_at(topic, i);
    free(topic->_offsets);
    topics->memory += (cap - topic->_offset_cap) * sizeof(*grown);
    topic->_offsets = grown;
    topic->_offset_first = 0;
    topic->_offset_cap = cap;
    return HUB_OK;
}

int topic_push_offset(struct topics *topics, struct topic *topic, uint64_t offset)
{
    if (topic->_offset_count == topic->_offset_cap) {
        int err = grow_offsets(topics, topic);
        if (err)
            return err;
    }
    topic->_offset_count++;
    *offset_at(topic, topic->_offset_count - 1) = offset;
    return HUB_OK;
}

void topic_drop_offset(struct topic *topic, uint64_t offset)
{
    HUB_ASSERT(topic->_offset_count > 0);
    if (*offset_at(topic, 0) == offset)
        topic->_offset_first = (topic->_offset_first + 1) & (topic->_offset_cap - 1);
    else
        HUB_ASSERT(topic_last_offset(topic) == offset);
    topic->_offset_count--;
}

uint64_t topic_last_offset(const struct topic *topic)
{
    return topic->_offset_count ? *offset_at(topic, topic->_offset_count - 1) : 0;
}

uint64_t topic_next_offset(const struct topic *topic, uint64_t after)
{
    uint32_t low = 0;
    uint32_t high = topic->_offset_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (*offset_at(topic, middle) > after)
            high = middle;
        else
            low = middle + 1;
    }
    return low < topic->_offset_count ? *offset_at(topic, low) : 0;
}
