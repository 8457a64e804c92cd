// Any bytes are the body of a QUERY: its matchers are read as a subscription reads them, each stays once, and
// the index finds those that match a topic, the last exact one, as trying each of them does.
#include "base/arena.h"
#include "base/assert.h"
#include "base/err.h"
#include "http/form.h"
#include "mercure/matcher.h"
#include "mercure/pattern.h"
#include "mercure/subscription.h"
#include "url/chars.h"
#include "url/url.h"

#include <string.h>

#define MATCHERS_MAX 100U
#define MATCHER_LEN_MAX 4096U

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void pattern_failed(struct pattern *pattern, int err, void *arg)
{
    (void)pattern;
    (void)err;
    (void)arg;
}

static bool kind_of(struct str name, uint8_t *ret_kind)
{
    if (str_eq(name, STR("match")) || str_eq(name, STR("match_exact")))
        *ret_kind = SUBSCRIPTION_EXACT;
    else if (str_eq(name, STR("match_urlpattern")))
        *ret_kind = SUBSCRIPTION_URLPATTERN;
    else if (str_eq(name, STR("topic")))
        *ret_kind = SUBSCRIPTION_SELECTOR;
    else
        return false;
    return true;
}

static bool compile(struct patterns *patterns, struct matcher *matcher)
{
    if (matcher->kind == SUBSCRIPTION_EXACT || str_eq(matcher->text, STR("*")))
        return true;
    enum pattern_kind kind = matcher->kind == SUBSCRIPTION_URLPATTERN ? PATTERN_URL : PATTERN_TEMPLATE;
    int err = patterns_get(patterns, kind, matcher->text, &matcher->pattern);
    return err == HUB_OK || (kind == PATTERN_TEMPLATE && err == HUB_E_INVALID);
}

static size_t read_matchers(struct patterns *patterns, struct str body, struct arena *arena,
                            struct matcher *matchers)
{
    struct form form;
    struct str name;
    struct str value;
    size_t count = 0;
    form_init(&form, body, arena);
    while (count < MATCHERS_MAX && form_next(&form, &name, &value)) {
        struct matcher matcher = {.text = value, .place = (uint16_t)count};
        if (kind_of(name, &matcher.kind) && value.len <= MATCHER_LEN_MAX && chars_valid(value) &&
            compile(patterns, &matcher))
            matchers[count++] = matcher;
    }
    return count;
}

static void check_order(const struct matcher *matchers, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        HUB_ASSERT(matchers[i - 1].kind <= matchers[i].kind);
        HUB_ASSERT(matchers[i - 1].kind != matchers[i].kind || matchers[i - 1].place < matchers[i].place);
        for (size_t j = 0; j < i; j++)
            HUB_ASSERT(matchers[j].kind != matchers[i].kind || !str_eq(matchers[j].text, matchers[i].text));
    }
}

static void found(struct pattern *pattern, void *arg)
{
    bool *is_found = pattern->user;
    HUB_ASSERT(!*is_found);
    *is_found = true;
    (void)arg;
}

// Patterns of different kinds, or written twice in both, may be one object: it is watched once.
static void check_index(struct patterns *patterns, const struct matcher *matchers, size_t count,
                        struct str topic)
{
    bool is_found[MATCHERS_MAX] = {false};
    for (size_t i = 0; i < count; i++) {
        if (matchers[i].pattern && !matchers[i].pattern->user)
            HUB_ASSERT(pattern_watch(matchers[i].pattern, &is_found[i]) == HUB_OK);
    }
    HUB_ASSERT(patterns_visit(patterns, topic, found, NULL) == HUB_OK);
    for (size_t i = 0; i < count; i++) {
        struct pattern *pattern = matchers[i].pattern;
        if (pattern && !pattern->is_refused)
            HUB_ASSERT(pattern_matches(pattern, topic) == *(bool *)pattern->user || pattern->is_refused);
    }
    for (size_t i = 0; i < count; i++) {
        if (matchers[i].pattern)
            pattern_unwatch(matchers[i].pattern);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t len)
{
    struct url base;
    struct patterns patterns;
    struct arena arena;
    struct matcher matchers[MATCHERS_MAX];
    struct str topic = STR("https://example.com/books/1");
    HUB_ASSERT(url_parse(&base, STR("https://hub.example/.well-known/mercure"), NULL) == HUB_OK);
    patterns_init(&patterns, &base, pattern_failed, NULL);
    arena_init(&arena, SIZE_MAX / 2);
    size_t count = read_matchers(&patterns, str_make((const char *)input, len), &arena, matchers);
    count = matchers_sort(matchers, count);
    check_order(matchers, count);
    for (size_t i = 0; i < count && matchers[i].kind == SUBSCRIPTION_EXACT; i++)
        topic = matchers[i].text;
    check_index(&patterns, matchers, count, topic);
    matchers_done(matchers, count);
    patterns_done(&patterns);
    arena_done(&arena);
    url_done(&base);
    return 0;
}
