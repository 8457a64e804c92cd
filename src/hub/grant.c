#include "hub/grant.h"

#include "base/assert.h"
#include "base/err.h"
#include "base/hash.h"
#include "mercure/authorization.h"

#include <errno.h>
#include <stdlib.h>

struct grant_link {
    struct table_node node;
    struct grant *grant;
    struct str topic; // the authorization's
};

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
    list_remove(&grant->_star);
    ref_put(&grant->authorization->ref);
    free(grant->_links);
    free(grant->subscribers);
    free(grant);
}

// A grant of every topic is in a list of its own; any other one has a link for each topic that it names.
static int index_grant(struct grants *grants, struct grant *grant)
{
    const struct authorization *authorization = grant->authorization;
    if (authorization->subscribe.all) {
        list_append(&grants->_stars, &grant->_star);
        return HUB_OK;
    }
    size_t count = authorization->subscribe.exact_count;
    if (count == 0)
        return HUB_OK;
    grant->_links = calloc(count, sizeof(*grant->_links));
    if (!grant->_links)
        return -ENOMEM;
    for (; grant->_link_count < count; grant->_link_count++) {
        struct grant_link *link = &grant->_links[grant->_link_count];
        link->grant = grant;
        link->topic = authorization->subscribe.exact[grant->_link_count];
        int err = table_insert(&grants->_by_topic, &link->node, hash_keyed(link->topic));
        if (err)
            return err;
    }
    return HUB_OK;
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

void grants_visit(struct grants *grants, const struct record *record, uint64_t offset, grant_visit_fn *visit,
                  void *arg)
{
    LIST_FOREACH (node, &grants->_stars)
        visit(CONTAINER_OF(node, struct grant, _star), arg);
    struct record_topics walk = {0};
    struct str topic;
    uint32_t hash;
    while (record_next_topic(record, &walk, &topic, &hash)) {
        for (struct grant_link *link = link_first(grants, topic); link; link = link_next(link)) {
            if (link->grant->_visited == offset || !str_eq(link->topic, topic))
                continue;
            link->grant->_visited = offset;
            visit(link->grant, arg);
        }
    }
}

size_t grants_count(const struct grants *grants, const struct record *record, size_t limit)
{
    size_t count = 0;
    LIST_FOREACH (node, &grants->_stars) {
        count += CONTAINER_OF(node, struct grant, _star)->subscriber_count;
        if (count >= limit)
            return limit;
    }
    struct record_topics walk = {0};
    struct str topic;
    uint32_t hash;
    while (record_next_topic(record, &walk, &topic, &hash)) {
        struct grant_link *link = link_first(grants, topic);
        for (; link && count < limit; link = link_next(link))
            count += link->grant->subscriber_count;
    }
    return count < limit ? count : limit;
}
