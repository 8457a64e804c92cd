// The grants of private updates among one worker's subscribers of one hub. Equal authorizations share one
// object, which is asked once per update; an index finds those that cover a topic without asking the others.
#pragma once

#include "base/attr.h"
#include "base/list.h"
#include "base/table.h"
#include "mercure/record.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct authorization;
struct pattern_matches;
struct pattern_use;
struct subscriber;

// The places of a grant in the index by topic, and with the patterns.
struct grant_link;
struct grant_pattern;

struct grant {
    struct table_node _node; // in grants._interned
    struct list _star;       // in grants._stars, when it covers every topic
    struct authorization *authorization;
    struct subscriber **subscribers; // an array
    uint32_t subscriber_count;
    uint32_t _subscriber_cap;
    uint64_t _asked; // offset of the update that the answer is for
    bool _answer;
    uint64_t _visited; // offset of the update that last came by the index
    size_t _link_count;
    struct grant_link *_links;
    size_t _pattern_count;
    struct grant_pattern *_patterns;
};

struct grants {
    struct table _interned;
    struct table _by_topic;
    struct list _stars;
};

void grants_init(struct grants *grants);
// Every grant must have lost its subscribers.
void grants_done(struct grants *grants);
// Adds the subscriber to the grant of an authorization equal to this one; tells its index there. -ENOMEM.
MUST_CHECK int grants_add(struct grants *grants, struct authorization *authorization,
                          struct subscriber *subscriber, struct grant **ret_grant, uint32_t *ret_index);
// Removes the entry at `index`; the last one takes its place and is returned to have its index changed, or
// NULL. The grant goes with its last subscriber.
struct subscriber *grants_remove(struct grants *grants, struct grant *grant, uint32_t index);
// Calls `fn` for each subscriber whose grant has the pattern.
void grants_each_with(const struct pattern_use *use, void (*fn)(struct subscriber *subscriber));
// Whether the grant covers some topic of the record.
bool grant_covers_record(const struct grant *grant, const struct record *record);
// The same of the update at `offset` of the tail, worked out once however often it is asked.
bool grant_covers(struct grant *grant, const struct record *record, uint64_t offset);
// Walks the grants that may cover the update at `offset`, each once. `matches` are the patterns that match
// it.
typedef void grant_visit_fn(struct grant *grant, void *arg);
void grants_visit(struct grants *grants, const struct record *record, uint64_t offset,
                  const struct pattern_matches *matches, grant_visit_fn *visit, void *arg);
// How many subscribers those have, counted up to `limit`.
size_t grants_count(const struct grants *grants, const struct record *record,
                    const struct pattern_matches *matches, size_t limit);
