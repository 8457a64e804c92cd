#include "mercure/pattern.h"

#include "base/buf.h"
#include "base/err.h"
#include "url/url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HUB_URL "https://hub.example/.well-known/mercure"

struct fixture {
    struct url base;
    struct patterns patterns;
    size_t failed;
    size_t visited;
    struct pattern *last;
};

static void note_failure(struct pattern *pattern, int err, void *arg)
{
    (void)pattern;
    struct fixture *fixture = arg;
    assert_int_equal(err, HUB_E_TOO_BIG);
    fixture->failed++;
}

static void set_up(struct fixture *fixture)
{
    *fixture = (struct fixture){0};
    assert_int_equal(url_parse(&fixture->base, STR(HUB_URL), NULL), HUB_OK);
    patterns_init(&fixture->patterns, &fixture->base, note_failure, fixture);
}

static void tear_down(struct fixture *fixture)
{
    patterns_done(&fixture->patterns);
    url_done(&fixture->base);
}

static struct pattern *get(struct fixture *fixture, enum pattern_kind kind, const char *text)
{
    struct pattern *pattern;
    assert_int_equal(patterns_get(&fixture->patterns, kind, str_from_c(text), &pattern), HUB_OK);
    return pattern;
}

static struct pattern *watch(struct fixture *fixture, enum pattern_kind kind, const char *text)
{
    struct pattern *pattern = get(fixture, kind, text);
    assert_int_equal(pattern_watch(pattern, fixture), HUB_OK);
    return pattern;
}

static void unwatch(struct pattern *pattern)
{
    pattern_unwatch(pattern);
    pattern_unref(pattern);
}

static void count_visit(struct pattern *pattern, void *arg)
{
    struct fixture *fixture = arg;
    assert_ptr_equal(pattern->user, fixture);
    fixture->visited++;
    fixture->last = pattern;
}

static size_t visit(struct fixture *fixture, const char *topic)
{
    fixture->visited = 0;
    assert_int_equal(patterns_visit(&fixture->patterns, str_from_c(topic), count_visit, fixture), HUB_OK);
    return fixture->visited;
}

static void equal_patterns_are_one(void **state)
{
    (void)state;
    struct fixture fixture;
    set_up(&fixture);
    struct pattern *a = get(&fixture, PATTERN_URL, "/books/:id");
    struct pattern *b = get(&fixture, PATTERN_URL, "/books/:id");
    struct pattern *template = get(&fixture, PATTERN_TEMPLATE, "/books/{id}");
    assert_ptr_equal(a, b);
    assert_ptr_not_equal(a, template);
    pattern_unref(a);
    pattern_unref(b);
    pattern_unref(template);
    assert_int_equal(fixture.patterns._interned.count, 0);
    tear_down(&fixture);
}

static void a_template_does_not_reach_into_other_folders(void **state)
{
    (void)state;
    struct fixture fixture;
    set_up(&fixture);
    struct pattern *template = get(&fixture, PATTERN_TEMPLATE, "https://a.example/books/{id}{/more*}");
    assert_true(pattern_matches(template, STR("https://a.example/books/1/2.3/...")));
    assert_false(pattern_matches(template, STR("https://a.example/books/..")));
    assert_false(pattern_matches(template, STR("https://a.example/books/1/../../admin/x")));
    assert_false(pattern_matches(template, STR("https://a.example/books/1/%2e%2E/.%2e/admin/x")));
    assert_false(pattern_matches(template, STR("https://a.example/books/.")));
    pattern_unref(template);
    template = get(&fixture, PATTERN_TEMPLATE, "/books/{?page}{#part}");
    assert_true(pattern_matches(template, STR("/books/?page=..")));
    assert_true(pattern_matches(template, STR("/books/#../x")));
    pattern_unref(template);
    tear_down(&fixture);
}

static void what_does_not_compile_is_told(void **state)
{
    (void)state;
    struct fixture fixture;
    set_up(&fixture);
    struct pattern *pattern;
    assert_int_equal(patterns_get(&fixture.patterns, PATTERN_URL, STR("/(unclosed"), &pattern),
                     HUB_E_INVALID);
    assert_int_equal(patterns_get(&fixture.patterns, PATTERN_TEMPLATE, STR("a{b"), &pattern), HUB_E_INVALID);
    tear_down(&fixture);
}

static void topics_are_resolved_against_the_base(void **state)
{
    (void)state;
    struct fixture fixture;
    set_up(&fixture);
    struct pattern *pattern = get(&fixture, PATTERN_URL, "https://hub.example/books/:id");
    assert_true(pattern_matches(pattern, STR("/books/1")));
    assert_true(pattern_matches(pattern, STR("https://hub.example/books/1")));
    assert_false(pattern_matches(pattern, STR("/books/1/2")));
    assert_false(pattern_matches(pattern, STR("https://[no url")));
    pattern_unref(pattern);
    tear_down(&fixture);
}

static void a_template_matches_its_own_text(void **state)
{
    (void)state;
    struct fixture fixture;
    set_up(&fixture);
    struct pattern *pattern = watch(&fixture, PATTERN_TEMPLATE, "/books/{id}");
    assert_true(pattern_matches(pattern, STR("/books/{id}")));
    assert_true(pattern_matches(pattern, STR("/books/1")));
    assert_int_equal(visit(&fixture, "/books/{id}"), 1);
    assert_int_equal(visit(&fixture, "/books/1"), 1);
    assert_int_equal(visit(&fixture, "/books/1/2"), 0);
    unwatch(pattern);
    tear_down(&fixture);
}

static const char *const kinds_of_places[] = {
    "https://a.example/x/:id",
    "https://*.example/x/:id",
    "*://a.example/x/:id",
    "*://*/x/:id",
    "https://a.example/*",
    "https://a.example/x/1",
    "*",
    "https://b.example/x/:id",
    "https://a.example/y/:id",
};

static void patterns_are_found_whatever_they_leave_open(void **state)
{
    (void)state;
    struct fixture fixture;
    set_up(&fixture);
    struct pattern *patterns[ARRAY_LEN(kinds_of_places)];
    for (size_t i = 0; i < ARRAY_LEN(patterns); i++)
        patterns[i] = watch(&fixture, PATTERN_URL, kinds_of_places[i]);
    static const char *const topics[] = {"https://a.example/x/1",
                                         "http://a.example/x/1",
                                         "https://c.example/x/1",
                                         "https://a.example/y/2",
                                         "urn:x",
                                         "https://a.example/x/1?q#f"};
    for (size_t round = 0; round < 2; round++) {
        for (size_t topic = 0; topic < ARRAY_LEN(topics); topic++) {
            size_t expected = 0;
            for (size_t i = 0; i < ARRAY_LEN(patterns); i++)
                expected += pattern_matches(patterns[i], str_from_c(topics[topic]));
            assert_int_equal(visit(&fixture, topics[topic]), expected);
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(patterns); i++)
        unwatch(patterns[i]);
    assert_int_equal(visit(&fixture, topics[0]), 0);
    tear_down(&fixture);
}

static struct pattern *watch_numbered(struct fixture *fixture, unsigned number)
{
    struct buf text;
    buf_init(&text, 256);
    buf_printf(&text, "https://a.example/:user/%u", number);
    buf_append_c(&text, 0);
    struct pattern *pattern = watch(fixture, PATTERN_URL, text.ptr);
    buf_done(&text);
    return pattern;
}

// All begin alike, so that each has to be tried for a topic; what was found is remembered.
static void remembered_topics_learn_of_patterns_that_come_and_go(void **state)
{
    (void)state;
    struct fixture fixture;
    set_up(&fixture);
    struct pattern *others[100];
    for (unsigned i = 0; i < ARRAY_LEN(others); i++)
        others[i] = watch_numbered(&fixture, i);
    assert_int_equal(visit(&fixture, "https://a.example/u/7"), 1);
    assert_int_equal(visit(&fixture, "https://a.example/u/7"), 1);
    assert_ptr_equal(fixture.last, others[7]);
    struct pattern *later = watch(&fixture, PATTERN_URL, "https://a.example/u/:number");
    struct pattern *elsewhere = watch(&fixture, PATTERN_URL, "https://b.example/u/:number");
    struct pattern *template = watch(&fixture, PATTERN_TEMPLATE, "https://a.example/u/{number}");
    assert_int_equal(visit(&fixture, "https://a.example/u/7"), 3);
    assert_int_equal(visit(&fixture, "https://a.example/u/7"), 3);
    unwatch(others[7]);
    assert_int_equal(visit(&fixture, "https://a.example/u/7"), 2);
    others[7] = watch_numbered(&fixture, 7);
    assert_int_equal(visit(&fixture, "https://a.example/u/7"), 3);
    for (unsigned i = 0; i < ARRAY_LEN(others); i++)
        unwatch(others[i]);
    assert_int_equal(visit(&fixture, "https://a.example/u/7"), 2);
    unwatch(later);
    unwatch(elsewhere);
    unwatch(template);
    assert_int_equal(visit(&fixture, "https://a.example/u/7"), 0);
    tear_down(&fixture);
}

static void a_pattern_that_costs_too_much_is_refused_and_matches_nothing_any_more(void **state)
{
    (void)state;
    struct fixture fixture;
    set_up(&fixture);
    static const char hostile[] = "https://a.example/((?:a|aa)+(?:b|c))";
    static const char topic[] =
        "https://a.example/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaad";
    struct pattern *pattern = watch(&fixture, PATTERN_URL, hostile);
    assert_int_equal(visit(&fixture, topic), 0);
    assert_int_equal(fixture.failed, 1);
    assert_true(pattern->is_refused);
    assert_int_equal(visit(&fixture, topic), 0);
    assert_int_equal(fixture.failed, 1);
    unwatch(pattern);
    struct pattern *again;
    assert_int_equal(patterns_get(&fixture.patterns, PATTERN_URL, str_from_c(hostile), &again), HUB_E_DENIED);
    tear_down(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_patterns_are_one),
        cmocka_unit_test(a_template_does_not_reach_into_other_folders),
        cmocka_unit_test(what_does_not_compile_is_told),
        cmocka_unit_test(topics_are_resolved_against_the_base),
        cmocka_unit_test(a_template_matches_its_own_text),
        cmocka_unit_test(patterns_are_found_whatever_they_leave_open),
        cmocka_unit_test(remembered_topics_learn_of_patterns_that_come_and_go),
        cmocka_unit_test(a_pattern_that_costs_too_much_is_refused_and_matches_nothing_any_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
