// Patterns of topics: URL Patterns, and the URI Templates of the 0.x protocol. Equal patterns are one object,
// compiled once, which all subscriptions and grants of one hub on one worker share. Those that subscribers
// wait with are *watched*: an index finds the ones that a topic may match without trying the others.
//
// One set of patterns has one base URL and one thread.
#pragma once

#include "base/attr.h"
#include "base/list.h"
#include "base/radix.h"
#include "base/str.h"
#include "base/table.h"
#include "mercure/pattern_cache.h"
#include "mercure/topic_view.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pattern;
struct pattern_place;
struct patterns;
struct url;
struct url_pattern;
struct url_template;

enum pattern_kind {
    PATTERN_URL,
    PATTERN_TEMPLATE, // matches its own text as well
};

struct pattern {
    struct table_node _node;        // in patterns._interned
    struct table_node _number_node; // in patterns._watched, by number
    struct list _order;             // in patterns._order while it is watched
    struct list _remembered;        // in patterns._refused, or alone
    struct radix_leaf _leaf;        // in its place while it is watched
    struct pattern_place *_place;   // NULL for a template
    struct patterns *_patterns;
    uint64_t _number; // rises with each pattern that begins to be watched
    size_t _owners;
    enum pattern_kind kind;
    bool is_refused; // it takes too long: it matches nothing any more
    struct url_pattern *_url;
    struct url_template *_template;
    void *user; // of who watches it; NULL while it is not watched
    struct str text;
};

// What its owners must know of a pattern. HUB_E_TOO_BIG: it takes too long to be matched, and is refused.
// HUB_E_FULL: it is watched and takes long, and slow tests have used their allowance up; -ENOMEM: the owners
// may have missed a topic, and may come back. HUB_E_UNSUPPORTED: it would take too long to tell whether it
// matches a long topic, and does not. Called from inside a test; it may not change the patterns.
typedef void pattern_failed_fn(struct pattern *pattern, int err, void *arg);

struct patterns {
    const struct url *_base;
    pattern_failed_fn *_failed;
    void *_arg;
    struct table _interned;
    struct table _watched; // by number
    struct list _order;    // watched ones, by rising number
    struct list _refused;  // remembered, each with an owner more; the newest last
    size_t _refused_count;
    uint64_t _last_number;
    struct table _places;
    size_t _place_counts[4]; // places with any scheme or host, see pattern_index.c
    struct radix _templates;
    struct pattern_cache _cache;
    struct topic_view _topic; // the one that was looked at last
    uint64_t compiled;        // what compiling has cost so far, see PATTERNS_COMPILE_MAX
    // Nanoseconds, for what slow tests may take as time passes. NULL: they have what they may take at once.
    uint64_t (*now_ns)(void);
    uint64_t _slow; // what they have taken lately
    uint64_t _slow_at_ns;
};

// What one request or token may have compiled, as the difference of patterns.compiled: the bytes of memory of
// new URL Patterns, and 24 for each byte of their texts. Each takes about 10 ns, 20 at most: the worst
// request takes 13 ms. A hundred ordinary patterns are from an eighth (/books/:id, 0.5 ms) to three quarters
// of it (with custom groups, 2.5 ms). URI Templates need no bound: a hundred of 4 KiB take 6 ms.
#define PATTERNS_COMPILE_MAX ((uint64_t)640 * 1024)

// The base URL is the caller's and outlives the patterns. `failed` may be NULL.
void patterns_init(struct patterns *patterns, const struct url *base, pattern_failed_fn *failed, void *arg);
// Every pattern must have been given back.
void patterns_done(struct patterns *patterns);

// The pattern with that text, with one owner more. HUB_E_INVALID when it does not compile (or is no
// template), HUB_E_TOO_BIG when it is over a limit of its kind, HUB_E_DENIED when it was refused before,
// -ENOMEM.
MUST_CHECK int patterns_get(struct patterns *patterns, enum pattern_kind kind, struct str text,
                            struct pattern **ret_pattern);
struct pattern *pattern_ref(struct pattern *pattern);
void pattern_unref(struct pattern *pattern);
size_t pattern_memory(const struct pattern *pattern);
// Whether it matches the topic. Asking for the same topic again, of any pattern, parses it once.
bool pattern_matches(struct pattern *pattern, struct str topic);

// Puts a pattern that is not watched into the index. -ENOMEM.
MUST_CHECK int pattern_watch(struct pattern *pattern, void *user);
// Takes it out; harmless when it is not in.
void pattern_unwatch(struct pattern *pattern);
typedef void pattern_visit_fn(struct pattern *pattern, void *arg);
// Calls `visit`, which may not change the patterns, once for each watched pattern that matches the topic.
// -ENOMEM: some were not tried.
MUST_CHECK int patterns_visit(struct patterns *patterns, struct str topic, pattern_visit_fn *visit,
                              void *arg);
