#include "mercure/pattern.h"

#include "base/assert.h"
#include "base/err.h"
#include "base/hash.h"
#include "mercure/pattern_priv.h"
#include "url/pattern.h"
#include "url/template.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

// Refused patterns are remembered, so that they cannot come back at once; so many of them.
#define REFUSED_MAX 64U
#define CACHE_BYTES ((size_t)4 * 1024 * 1024)
// Work on a test, about nanoseconds. An ordinary one takes less than the first two, whatever the topic says:
// it is linear in it. One that takes more is slow. All slow tests of watched patterns together may take so
// much at once, and one part of all time.
#define QUICK_WORK 1000U
#define QUICK_WORK_PER_BYTE 50U
#define SLOW_AT_ONCE 10000000U
#define SLOW_SHARE 8U
// In a longer topic there is much to try for patterns that are not hostile too.
#define LONG_TOPIC 256U
#define COMPILE_COST_PER_BYTE 24U

void patterns_init(struct patterns *patterns, const struct url *base, pattern_failed_fn *failed, void *arg)
{
    *patterns = (struct patterns){._base = base, ._failed = failed, ._arg = arg};
    list_init(&patterns->_order);
    list_init(&patterns->_refused);
    pattern_cache_init(&patterns->_cache, CACHE_BYTES);
    topic_view_init(&patterns->_topic);
}

static void forget_oldest_refused(struct patterns *patterns)
{
    struct list *node = list_first(&patterns->_refused);
    struct pattern *oldest = CONTAINER_OF(node, struct pattern, _remembered);
    list_remove(node);
    patterns->_refused_count--;
    pattern_unref(oldest);
}

void patterns_done(struct patterns *patterns)
{
    while (patterns->_refused_count)
        forget_oldest_refused(patterns);
    HUB_ASSERT(patterns->_interned.count == 0);
    table_done(&patterns->_interned);
    table_done(&patterns->_watched);
    table_done(&patterns->_places);
    radix_done(&patterns->_templates);
    pattern_cache_done(&patterns->_cache);
    topic_view_done(&patterns->_topic);
}

static uint64_t hash_of(enum pattern_kind kind, struct str text)
{
    return hash_keyed(text) + kind;
}

static struct pattern *find(const struct patterns *patterns, enum pattern_kind kind, struct str text)
{
    struct table_node *node = table_first(&patterns->_interned, hash_of(kind, text));
    for (; node; node = table_next(node)) {
        struct pattern *pattern = CONTAINER_OF(node, struct pattern, _node);
        if (pattern->kind == kind && str_eq(pattern->text, text))
            return pattern;
    }
    return NULL;
}

static int compile(struct pattern *pattern)
{
    if (pattern->kind == PATTERN_TEMPLATE)
        return url_template_compile(&pattern->_template, pattern->text);
    return url_pattern_compile(&pattern->_url, pattern->text, pattern->_patterns->_base, false, NULL);
}

static void free_pattern(struct pattern *pattern)
{
    url_pattern_free(pattern->_url);
    url_template_free(pattern->_template);
    free(pattern);
}

size_t pattern_memory(const struct pattern *pattern)
{
    size_t compiled = pattern->_url ? url_pattern_memory(pattern->_url) : 0;
    if (pattern->_template)
        compiled = pattern->_template->memory;
    return sizeof(*pattern) + pattern->text.len + compiled;
}

static int new_pattern(struct patterns *patterns, enum pattern_kind kind, struct str text,
                       struct pattern **ret_pattern)
{
    struct pattern *pattern = calloc(1, sizeof(*pattern) + text.len);
    if (!pattern)
        return -ENOMEM;
    char *copy = (char *)(pattern + 1);
    if (text.len)
        memcpy(copy, text.ptr, text.len);
    pattern->text = str_make(copy, text.len);
    pattern->kind = kind;
    pattern->_patterns = patterns;
    pattern->_owners = 1;
    list_init(&pattern->_order);
    list_init(&pattern->_remembered);
    int err = compile(pattern);
    if (!err)
        err = table_insert(&patterns->_interned, &pattern->_node, hash_of(kind, text));
    if (err) {
        free_pattern(pattern);
        return err;
    }
    if (kind == PATTERN_URL)
        patterns->compiled += pattern_memory(pattern) + COMPILE_COST_PER_BYTE * text.len;
    *ret_pattern = pattern;
    return HUB_OK;
}

int patterns_get(struct patterns *patterns, enum pattern_kind kind, struct str text,
                 struct pattern **ret_pattern)
{
    struct pattern *pattern = find(patterns, kind, text);
    if (!pattern)
        return new_pattern(patterns, kind, text, ret_pattern);
    if (pattern->is_refused)
        return HUB_E_DENIED;
    *ret_pattern = pattern_ref(pattern);
    return HUB_OK;
}

struct pattern *pattern_ref(struct pattern *pattern)
{
    pattern->_owners++;
    return pattern;
}

void pattern_unref(struct pattern *pattern)
{
    if (--pattern->_owners)
        return;
    HUB_ASSERT(!radix_has(&pattern->_leaf));
    table_remove(&pattern->_patterns->_interned, &pattern->_node);
    free_pattern(pattern);
}

// What its owners have asked for cannot be done: they learn it, and it costs nothing from now on.
static void remember_refused(struct pattern *pattern)
{
    struct patterns *patterns = pattern->_patterns;
    pattern->is_refused = true;
    list_append(&patterns->_refused, &pattern_ref(pattern)->_remembered);
    if (++patterns->_refused_count > REFUSED_MAX)
        forget_oldest_refused(patterns);
}

static void fail(struct pattern *pattern, int err)
{
    if (err == HUB_E_TOO_BIG)
        remember_refused(pattern);
    if (pattern->_patterns->_failed)
        pattern->_patterns->_failed(pattern, err, pattern->_patterns->_arg);
}

// ---- Testing ----

// A variable never stands for "..": URL Patterns take such a topic for one in another folder, where a
// template that grants publishing does not reach.
static int try_template(const struct pattern *pattern, struct str topic, uint64_t *work)
{
    int matches = url_template_test(pattern->_template, topic, work);
    return matches == 1 ? !url_has_dot_segments(topic) : matches;
}

static int try(const struct pattern *pattern, const struct topic_view *topic, uint64_t *work)
{
    if (pattern->kind == PATTERN_URL)
        return url_pattern_test(pattern->_url, &topic->url, work);
    return try_template(pattern, topic_view_text(topic), work);
}

// Whether slow tests have anything left of what they may take.
static bool may_be_slow(struct patterns *patterns)
{
    uint64_t now_ns = patterns->now_ns ? patterns->now_ns() : 0;
    uint64_t regained = (now_ns - patterns->_slow_at_ns) / SLOW_SHARE;
    patterns->_slow = patterns->_slow > regained ? patterns->_slow - regained : 0;
    patterns->_slow_at_ns = now_ns;
    return patterns->_slow < SLOW_AT_ONCE;
}

// Only a limit that depends on nothing but pattern and topic makes a pattern refused for good, and none that
// the publisher of a long topic can make it reach. The allowance is for those who wait with a pattern, for
// they can come back: whether a grant covers a topic must be told now.
static int test_slowly(struct pattern *pattern, const struct topic_view *topic, size_t len)
{
    struct patterns *patterns = pattern->_patterns;
    if (pattern->user && !may_be_slow(patterns))
        return HUB_E_FULL;
    uint64_t max = url_pattern_work(len);
    uint64_t work = max;
    int matches = try(pattern, topic, &work);
    if (pattern->user)
        patterns->_slow += max - work;
    return matches == HUB_E_TOO_BIG && len > LONG_TOPIC ? HUB_E_UNSUPPORTED : matches;
}

static int test(struct pattern *pattern, const struct topic_view *topic)
{
    size_t len = topic_view_text(topic).len;
    uint64_t work = QUICK_WORK + QUICK_WORK_PER_BYTE * (uint64_t)len;
    int matches = try(pattern, topic, &work);
    return matches == HUB_E_TOO_BIG ? test_slowly(pattern, topic, len) : matches;
}

bool pattern_test(struct pattern *pattern)
{
    const struct topic_view *topic = &pattern->_patterns->_topic;
    if (pattern->is_refused || (pattern->kind == PATTERN_URL && !topic->is_url))
        return false;
    if (pattern->kind == PATTERN_TEMPLATE && str_eq(pattern->text, topic_view_text(topic)))
        return true;
    int matches = test(pattern, topic);
    if (matches < 0)
        fail(pattern, matches);
    return matches > 0;
}

bool pattern_matches(struct pattern *pattern, struct str topic)
{
    int err = topic_view_set(&pattern->_patterns->_topic, topic, pattern->_patterns->_base);
    if (err)
        fail(pattern, err);
    return !err && pattern_test(pattern);
}
