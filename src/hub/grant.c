#include "hub/grant.h"

#include "base/assert.h"
#include "base/err.h"
#include "base/hash.h"
#include "hub/pattern_use.h"
#include "mercure/authorization.h"

#include <errno.h>
#include <stdlib.h>

struct grant_link {
    struct table_node node;
    struct grant *grant;
    struct str topic; // the authorization's
};

struct grant_pattern {
    struct list node; // in use->grants
    struct grant *grant;
    struct pattern_use *use;
};

static struct grant *grant_of(struct list *node)
{
    return CONTAINER_OF(node, struct grant_pattern, node)->grant;
}

void grants_init(struct grants *grants)
{
    *grants = (struct grants){0};
    list_init(&grants->_stars);
}

void grants_done(struct grants *grants)
{
    HUB_ASSERT(grants->_interned.count == 0);
    table_done(&grants->_interned);
    table_done(&grants->_by_topic);
}

static struct grant *find(const struct grants *grants, const struct authorization *authorization,
                          uint64_t hash)
{
    struct table_node *node = table_first(&grants->_interned, hash);
    for (; node; node = table_next(node)) {
        struct grant *grant = CONTAINER_OF(node, struct grant, _node);
        if (authorization_equal(grant->authorization, authorization))
            return grant;
    }
    return NULL;
}

static void free_grant(struct grants *grants, struct grant *grant)
{
    for (size_t i = 0; i < grant->_link_count; i++)
        table_remove(&grants->_by_topic, &grant->_links[i].node);
    for (size_t i = 0; i < grant->_pattern_count; i++) {
        list_remove(&grant->_patterns[i].node);
        pattern_use_release(grant->_patterns[i].use);
    }
    list_remove(&grant->_star);
    ref_put(&grant->authorization->ref);
    free(grant->_links);
    free(grant->_patterns);
    free(grant->subscribers);
    free(grant);
}

static int index_topics(struct grants *grants, struct grant *grant)
{
    const struct topic_set *set = &grant->authorization->subscribe;
    if (set->exact_count == 0)
        return HUB_OK;
    grant->_links = calloc(set->exact_count, sizeof(*grant->_links));
    if (!grant->_links)
        return -ENOMEM;
    for (; grant->_link_count < set->exact_count; grant->_link_count++) {
        struct grant_link *link = &grant->_links[grant->_link_count];
        link->grant = grant;
        link->topic = set->exact[grant->_link_count];
        int err = table_insert(&grants->_by_topic, &link->node, hash_keyed(link->topic));
        if (err)
            return err;
    }
    return HUB_OK;
}

static int index_patterns(struct grant *grant)
{
    const struct topic_set *set = &grant->authorization->subscribe;
    if (set->pattern_count == 0)
        return HUB_OK;
    grant->_patterns = calloc(set->pattern_count, sizeof(*grant->_patterns));
    if (!grant->_patterns)
        return -ENOMEM;
    for (; grant->_pattern_count < set->pattern_count; grant->_pattern_count++) {
        struct grant_pattern *link = &grant->_patterns[grant->_pattern_count];
        link->grant = grant;
        link->use = pattern_use_get(set->patterns[grant->_pattern_count]);
        if (!link->use)
            return -ENOMEM;
        list_init(&link->node);
        list_append(&link->use->grants, &link->node);
    }
    return HUB_OK;
}

// A grant of every topic is in a list of its own; any other one is with each topic and pattern that it names.
static int index_grant(struct grants *grants, struct grant *grant)
{
    if (grant->authorization->subscribe.all) {
        list_append(&grants->_stars, &grant->_star);
        return HUB_OK;
    }
    int err = index_topics(grants, grant);
    return err ? err : index_patterns(grant);
}

static int new_grant(struct grants *grants, struct authorization *authorization, uint64_t hash,
                     struct grant **ret_grant)
{
    struct grant *grant = calloc(1, sizeof(*grant));
    if (!grant)
        return -ENOMEM;
    grant->authorization = authorization;
    ref_get(&authorization->ref);
    list_init(&grant->_star);
    int err = index_grant(grants, grant);
    if (!err)
        err = table_insert(&grants->_interned, &grant->_node, hash);
    if (err) {
        free_grant(grants, grant);
        return err;
    }
    *ret_grant = grant;
    return HUB_OK;
}

static void release(struct grants *grants, struct grant *grant)
{
    if (grant->subscriber_count)
        return;
    table_remove(&grants->_interned, &grant->_node);
    free_grant(grants, grant);
}

static int add_subscriber(struct grant *grant, struct subscriber *subscriber, uint32_t *ret_index)
{
    if (grant->subscriber_count == grant->_subscriber_cap) {
        uint32_t cap = grant->_subscriber_cap ? 2 * grant->_subscriber_cap : 1;
        struct subscriber **grown = realloc(grant->subscribers, cap * sizeof(*grown));
        if (!grown)
            return -ENOMEM;
        grant->subscribers = grown;
        grant->_subscriber_cap = cap;
    }
    *ret_index = grant->subscriber_count++;
    grant->subscribers[*ret_index] = subscriber;
    return HUB_OK;
}

int grants_add(struct grants *grants, struct authorization *authorization, struct subscriber *subscriber,
               struct grant **ret_grant, uint32_t *ret_index)
{
    uint64_t hash = authorization_hash(authorization);
    struct grant *grant = find(grants, authorization, hash);
    if (!grant) {
        int err = new_grant(grants, authorization, hash, &grant);
        if (err)
            return err;
    }
    int err = add_subscriber(grant, subscriber, ret_index);
    if (err) {
        release(grants, grant);
        return err;
    }
    *ret_grant = grant;
    return HUB_OK;
}

struct subscriber *grants_remove(struct grants *grants, struct grant *grant, uint32_t index)
{
    HUB_ASSERT(index < grant->subscriber_count);
    struct subscriber *last = grant->subscribers[--grant->subscriber_count];
    bool moved = index < grant->subscriber_count;
    if (moved)
        grant->subscribers[index] = last;
    release(grants, grant);
    return moved ? last : NULL;
}

void grants_each_with(const struct pattern_use *use, void (*fn)(struct subscriber *subscriber))
{
    LIST_FOREACH (node, &use->grants) {
        const struct grant *grant = grant_of(node);
        for (uint32_t i = 0; i < grant->subscriber_count; i++)
            fn(grant->subscribers[i]);
    }
}

bool grant_covers_record(const struct grant *grant, const struct record *record)
{
    struct record_topics walk = {0};
    struct str topic;
    uint32_t hash;
    while (record_next_topic(record, &walk, &topic, &hash)) {
        if (authorization_grants_subscribe(grant->authorization, topic))
            return true;
    }
    return false;
}

bool grant_covers(struct grant *grant, const struct record *record, uint64_t offset)
{
    if (grant->_asked != offset) {
        grant->_asked = offset;
        grant->_answer = grant_covers_record(grant, record);
    }
    return grant->_answer;
}

static struct grant_link *link_first(const struct grants *grants, struct str topic)
{
    struct table_node *node = table_first(&grants->_by_topic, hash_keyed(topic));
    return node ? CONTAINER_OF(node, struct grant_link, node) : NULL;
}

static struct grant_link *link_next(const struct grant_link *link)
{
    struct table_node *node = table_next(&link->node);
    return node ? CONTAINER_OF(node, struct grant_link, node) : NULL;
}

static void visit_once(struct grant *grant, uint64_t offset, grant_visit_fn *visit, void *arg)
{
    if (grant->_visited == offset)
        return;
    grant->_visited = offset;
    visit(grant, arg);
}

void grants_visit(struct grants *grants, const struct record *record, uint64_t offset,
                  const struct pattern_matches *matches, grant_visit_fn *visit, void *arg)
{
    LIST_FOREACH (node, &grants->_stars)
        visit(CONTAINER_OF(node, struct grant, _star), arg);
    struct record_topics walk = {0};
    struct str topic;
    uint32_t hash;
    while (record_next_topic(record, &walk, &topic, &hash)) {
        for (struct grant_link *link = link_first(grants, topic); link; link = link_next(link)) {
            if (str_eq(link->topic, topic))
                visit_once(link->grant, offset, visit, arg);
        }
    }
    for (size_t i = 0; i < matches->count; i++) {
        LIST_FOREACH (node, &matches->uses[i]->grants)
            visit_once(grant_of(node), offset, visit, arg);
    }
}

static size_t count_by_topics(const struct grants *grants, const struct record *record, size_t limit)
{
    size_t count = 0;
    struct record_topics walk = {0};
    struct str topic;
    uint32_t hash;
    while (record_next_topic(record, &walk, &topic, &hash)) {
        struct grant_link *link = link_first(grants, topic);
        for (; link && count < limit; link = link_next(link))
            count += link->grant->subscriber_count;
    }
    return count;
}

static size_t count_by_patterns(const struct pattern_matches *matches, size_t limit)
{
    size_t count = 0;
    for (size_t i = 0; i < matches->count; i++) {
        LIST_FOREACH (node, &matches->uses[i]->grants) {
            count += grant_of(node)->subscriber_count;
            if (count >= limit)
                return limit;
        }
    }
    return count;
}

size_t grants_count(const struct grants *grants, const struct record *record,
                    const struct pattern_matches *matches, size_t limit)
{
    size_t count = 0;
    LIST_FOREACH (node, &grants->_stars) {
        count += CONTAINER_OF(node, struct grant, _star)->subscriber_count;
        if (count >= limit)
            return limit;
    }
    count += count_by_topics(grants, record, limit - count);
    if (count < limit)
        count += count_by_patterns(matches, limit - count);
    return count < limit ? count : limit;
}
