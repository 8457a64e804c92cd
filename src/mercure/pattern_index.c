// How watched patterns are found. A URL Pattern is at its place: the scheme and the host that it names, or
// any. There, and for URI Templates in one tree of their own, a tree of what their path (the topic) must
// begin with leads to those that can match. Topics for which many have to be tried all the same are
// remembered.
#include "mercure/pattern_priv.h"

#include "base/err.h"
#include "base/hash.h"
#include "url/pattern.h"
#include "url/template.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

// A topic is worth remembering when more patterns than these had to be tried.
#define TRIED_WORTH_KEEPING 8U

struct pattern_place {
    struct table_node node;
    struct radix paths;
    size_t count;
    unsigned kind;
    struct str scheme; // "" for any
    struct str host;
};

// The kinds of places, as they stand in patterns._place_counts.
enum place_kind {
    PLACE_ANY_SCHEME = 1,
    PLACE_ANY_HOST = 2,
};
#define PLACE_KINDS 4U

// ---- Places ----

static uint64_t place_hash(unsigned kind, struct str scheme, struct str host)
{
    return hash_keyed(scheme) * 31 + hash_keyed(host) + kind;
}

static struct pattern_place *find_place(const struct patterns *patterns, unsigned kind, struct str scheme,
                                        struct str host)
{
    struct table_node *node = table_first(&patterns->_places, place_hash(kind, scheme, host));
    for (; node; node = table_next(node)) {
        struct pattern_place *place = CONTAINER_OF(node, struct pattern_place, node);
        if (place->kind == kind && str_eq(place->scheme, scheme) && str_eq(place->host, host))
            return place;
    }
    return NULL;
}

static struct str copy_to(char *to, struct str text)
{
    if (text.len)
        memcpy(to, text.ptr, text.len);
    return str_make(to, text.len);
}

static struct pattern_place *new_place(struct patterns *patterns, unsigned kind, struct str scheme,
                                       struct str host)
{
    struct pattern_place *place = calloc(1, sizeof(*place) + scheme.len + host.len);
    if (!place)
        return NULL;
    char *bytes = (char *)(place + 1);
    place->kind = kind;
    place->scheme = copy_to(bytes, scheme);
    place->host = copy_to(bytes + scheme.len, host);
    if (table_insert(&patterns->_places, &place->node, place_hash(kind, scheme, host)) != HUB_OK) {
        free(place);
        return NULL;
    }
    patterns->_place_counts[kind]++;
    return place;
}

static struct pattern_place *get_place(struct pattern *pattern)
{
    struct str scheme = url_pattern_literal(pattern->_url, URL_PROTOCOL);
    struct str host = url_pattern_literal(pattern->_url, URL_HOSTNAME);
    unsigned kind = (scheme.ptr ? 0U : PLACE_ANY_SCHEME) | (host.ptr ? 0U : PLACE_ANY_HOST);
    struct pattern_place *place = find_place(pattern->_patterns, kind, scheme, host);
    return place ? place : new_place(pattern->_patterns, kind, scheme, host);
}

static void release_place(struct patterns *patterns, struct pattern_place *place)
{
    if (place->count)
        return;
    patterns->_place_counts[place->kind]--;
    table_remove(&patterns->_places, &place->node);
    radix_done(&place->paths);
    free(place);
}

// ---- Watching ----

static int insert_url(struct pattern *pattern)
{
    struct pattern_place *place = get_place(pattern);
    if (!place)
        return -ENOMEM;
    int err = radix_insert(&place->paths, &pattern->_leaf, url_pattern_start(pattern->_url, URL_PATHNAME));
    if (err) {
        release_place(pattern->_patterns, place);
        return err;
    }
    place->count++;
    pattern->_place = place;
    return HUB_OK;
}

int pattern_watch(struct pattern *pattern, void *user)
{
    struct patterns *patterns = pattern->_patterns;
    pattern->_number = patterns->_last_number + 1;
    int err = table_insert(&patterns->_watched, &pattern->_number_node, pattern->_number);
    if (err)
        return err;
    err = pattern->kind == PATTERN_URL
              ? insert_url(pattern)
              : radix_insert(&patterns->_templates, &pattern->_leaf, pattern->_template->start);
    if (err) {
        table_remove(&patterns->_watched, &pattern->_number_node);
        return err;
    }
    patterns->_last_number++;
    pattern->user = user;
    list_append(&patterns->_order, &pattern->_order);
    return HUB_OK;
}

void pattern_unwatch(struct pattern *pattern)
{
    struct patterns *patterns = pattern->_patterns;
    if (!radix_has(&pattern->_leaf))
        return;
    radix_remove(&pattern->_leaf);
    pattern->user = NULL;
    list_remove(&pattern->_order);
    if (pattern->_place) {
        pattern->_place->count--;
        release_place(patterns, pattern->_place);
        pattern->_place = NULL;
    }
    table_remove(&patterns->_watched, &pattern->_number_node);
}

// ---- Finding ----

// One look for the patterns of a topic.
struct search {
    struct patterns *patterns;
    struct pattern_answer *answer; // to be completed; NULL: the topic is not remembered
    size_t tried;
    size_t early_count;
    uint64_t early[TRIED_WORTH_KEEPING]; // of those that matched before it was known to be worth keeping
    pattern_visit_fn *visit;
    void *arg;
};

static void note(struct search *search, uint64_t number)
{
    if (search->answer && !pattern_cache_note(&search->patterns->_cache, search->answer, number))
        search->answer = NULL;
}

static void begin_answer(struct search *search)
{
    struct patterns *patterns = search->patterns;
    search->answer = pattern_cache_add(&patterns->_cache, topic_view_text(&patterns->_topic));
    for (size_t i = 0; i < search->early_count; i++)
        note(search, search->early[i]);
}

static void try_candidate(struct radix_leaf *leaf, void *arg)
{
    struct pattern *pattern = CONTAINER_OF(leaf, struct pattern, _leaf);
    struct search *search = arg;
    if (search->tried++ == TRIED_WORTH_KEEPING)
        begin_answer(search);
    if (!pattern_test(pattern))
        return;
    if (search->tried <= TRIED_WORTH_KEEPING)
        search->early[search->early_count++] = pattern->_number;
    note(search, pattern->_number);
    search->visit(pattern, search->arg);
}

static void try_places(struct search *search, const struct url *url)
{
    const struct patterns *patterns = search->patterns;
    for (unsigned kind = 0; kind < PLACE_KINDS; kind++) {
        struct str scheme = kind & PLACE_ANY_SCHEME ? STR("") : url->scheme;
        struct str host = kind & PLACE_ANY_HOST ? STR("") : url->host;
        if (patterns->_place_counts[kind] == 0)
            continue;
        struct pattern_place *place = find_place(patterns, kind, scheme, host);
        if (place)
            radix_visit(&place->paths, url->path, try_candidate, search);
    }
}

static void search_index(struct search *search)
{
    const struct topic_view *topic = &search->patterns->_topic;
    radix_visit(&search->patterns->_templates, topic_view_text(topic), try_candidate, search);
    if (topic->is_url)
        try_places(search, &topic->url);
    if (search->answer)
        search->answer->complete_to = search->patterns->_last_number;
}

static struct pattern *find_watched(const struct patterns *patterns, uint64_t number)
{
    struct table_node *node = table_first(&patterns->_watched, number);
    return node ? CONTAINER_OF(node, struct pattern, _number_node) : NULL;
}

static void visit_remembered(struct search *search)
{
    struct pattern_answer *answer = search->answer;
    size_t kept = 0;
    for (size_t i = 0; i < answer->count; i++) {
        struct pattern *pattern = find_watched(search->patterns, answer->numbers[i]);
        if (!pattern)
            continue;
        answer->numbers[kept++] = pattern->_number;
        if (!pattern->is_refused)
            search->visit(pattern, search->arg);
    }
    answer->count = kept;
}

// Whether the literals of its text leave it possible: cheaper than to try it.
static bool is_candidate(const struct pattern *pattern, const struct topic_view *topic)
{
    if (pattern->kind == PATTERN_TEMPLATE)
        return str_starts_with(topic_view_text(topic), pattern->_template->start);
    const struct pattern_place *place = pattern->_place;
    return topic->is_url && (place->kind & PLACE_ANY_SCHEME || str_eq(place->scheme, topic->url.scheme)) &&
           (place->kind & PLACE_ANY_HOST || str_eq(place->host, topic->url.host)) &&
           str_starts_with(topic->url.path, url_pattern_start(pattern->_url, URL_PATHNAME));
}

static void try_newer(struct search *search, uint64_t than)
{
    struct patterns *patterns = search->patterns;
    for (struct list *node = patterns->_order.prev; node != &patterns->_order; node = node->prev) {
        struct pattern *pattern = CONTAINER_OF(node, struct pattern, _order);
        if (pattern->_number <= than)
            break;
        if (!is_candidate(pattern, &patterns->_topic) || !pattern_test(pattern))
            continue;
        note(search, pattern->_number);
        search->visit(pattern, search->arg);
    }
    if (search->answer)
        search->answer->complete_to = patterns->_last_number;
}

int patterns_visit(struct patterns *patterns, struct str topic, pattern_visit_fn *visit, void *arg)
{
    if (list_empty(&patterns->_order))
        return HUB_OK;
    struct search search = {.patterns = patterns, .visit = visit, .arg = arg};
    search.answer = pattern_cache_find(&patterns->_cache, topic);
    bool is_complete = search.answer && search.answer->complete_to == patterns->_last_number;
    int err = is_complete ? HUB_OK : topic_view_set(&patterns->_topic, topic, patterns->_base);
    if (err)
        return err;
    if (!search.answer) {
        search_index(&search);
        return HUB_OK;
    }
    uint64_t complete_to = search.answer->complete_to;
    visit_remembered(&search);
    try_newer(&search, complete_to);
    return HUB_OK;
}
