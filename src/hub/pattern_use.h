// What one worker's subscribers of one hub do with a pattern: who waits with it, and whose grants have it. It
// is watched (mercure/pattern.h) as long as it is of use.
#pragma once

#include "base/attr.h"
#include "base/list.h"
#include "hub/subscription_list.h"

#include <stddef.h>

struct pattern;

struct pattern_use {
    struct pattern *pattern; // one reference
    struct subscription_list subscriptions;
    struct list grants; // links of grant.c
};

// Those that match an update; grows with the largest number that there was.
struct pattern_matches {
    struct pattern_use **uses;
    size_t count;
    size_t _cap;
};

// Finds or makes it; NULL when memory is out. One that stays unused is to be given back with
// pattern_use_release.
struct pattern_use *pattern_use_get(struct pattern *pattern);
// Frees it if it is of no use.
void pattern_use_release(struct pattern_use *use);

// Zeroed when empty. -ENOMEM.
MUST_CHECK int pattern_matches_add(struct pattern_matches *matches, struct pattern_use *use);
void pattern_matches_done(struct pattern_matches *matches);
