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

static bool test_url(struct pattern *pattern, const struct topic_view *topic)
{
    if (!topic->is_url)
        return false;
    int matches = url_pattern_test(pattern->_url, &topic->url);
    if (matches < 0)
        fail(pattern, matches);
    return matches > 0;
}

// A variable never stands for "..": URL Patterns take such a topic for one in another folder, where a
// template that grants publishing does not reach.
static bool test_template(const struct pattern *pattern, struct str topic)
{
    return str_eq(pattern->text, topic) ||
           (url_template_matches(pattern->_template, topic) && !url_has_dot_segments(topic));
}

bool pattern_test(struct pattern *pattern)
{
    const struct topic_view *topic = &pattern->_patterns->_topic;
    if (pattern->is_refused)
        return false;
    if (pattern->kind == PATTERN_URL)
        return test_url(pattern, topic);
    return test_template(pattern, topic_view_text(topic));
}

bool pattern_matches(struct pattern *pattern, struct str topic)
{
    int err = topic_view_set(&pattern->_patterns->_topic, topic, pattern->_patterns->_base);
    if (err)
        fail(pattern, err);
    return !err && pattern_test(pattern);
}
