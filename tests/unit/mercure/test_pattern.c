#include "mercure/pattern.h"

#include "base/attr.h"
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
    int last_failure;
    size_t visited;
    struct pattern *last;
};

static void note_failure(struct pattern *pattern, int err, void *arg)
{
    (void)pattern;
    struct fixture *fixture = arg;
    fixture->failed++;
    fixture->last_failure = err;
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
    assert_int_equal(fixture.last_failure, HUB_E_TOO_BIG);
    assert_true(pattern->is_refused);
    assert_int_equal(visit(&fixture, topic), 0);
    assert_int_equal(fixture.failed, 1);
    unwatch(pattern);
    struct pattern *again;
    assert_int_equal(patterns_get(&fixture.patterns, PATTERN_URL, str_from_c(hostile), &again), HUB_E_DENIED);
    tear_down(&fixture);
}

// `start`, then `repeated` as often as it fits into `len` bytes, then `end`.
static struct str topic_of(struct buf *buf, const char *start, const char *repeated, const char *end,
                           size_t len)
{
    buf_clear(buf);
    buf_append_str(buf, str_from_c(start));
    while (buf->len + strlen(repeated) + strlen(end) <= len)
        buf_append_str(buf, str_from_c(repeated));
    buf_append_str(buf, str_from_c(end));
    return buf_str(buf);
}

static void ordinary_patterns_are_quick_whatever_the_topic_says(void **state)
{
    (void)state;
    static const struct {
        enum pattern_kind kind;
        const char *pattern;
        const char *start;
        const char *repeated;
        const char *end;
    } rows[] = {
        {PATTERN_URL, "/books/:id(\\d+)", "/books/", "1", "x"},
        {PATTERN_URL, "*://*.example.com/*", "https://", "a.", "/example.com/"},
        {PATTERN_URL, "/a/:b(.*)/c/:d(.*)", "/a/", "/c", ""},
        {PATTERN_URL, "/a/:b(.*)/c/:d(\\d+)", "/a/", "/c/1", "x"},
        {PATTERN_URL, "/:kind(books|authors|orders)/:id(\\w+)/*", "/authors/", "a", "-"},
        {PATTERN_URL, "/:id((?:[a-z]|-)+)", "/", "a", "_"},
        {PATTERN_URL, "/:id([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{12})", "/", "0", ""},
        {PATTERN_URL, "/:id((?:[a-z0-9]+-)*[a-z0-9]+)", "/", "ab-", "_"},
        {PATTERN_URL, "/*/*/*/edit", "/", "1/", "x"},
        {PATTERN_URL, "/*/:id(\\d+)", "/", "1/", "x"},
        {PATTERN_TEMPLATE, "/books/{id}", "/books/", "a", "/"},
        {PATTERN_TEMPLATE, "/books{/a,b,c}{?x,y*}", "/books", "/a", "?"},
    };
    static const size_t lengths[] = {60, 256, 1000, 4096};
    struct fixture fixture;
    struct buf buf;
    set_up(&fixture);
    buf_init(&buf, 4096);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct pattern *pattern = get(&fixture, rows[i].kind, rows[i].pattern);
        for (size_t j = 0; j < ARRAY_LEN(lengths); j++) {
            (void)pattern_matches(pattern,
                                  topic_of(&buf, rows[i].start, rows[i].repeated, rows[i].end, lengths[j]));
            if (fixture.failed || fixture.patterns._slow)
                fail_msg("%s is slow with %zu bytes", rows[i].pattern, lengths[j]);
        }
        pattern_unref(pattern);
    }
    buf_done(&buf);
    tear_down(&fixture);
}

// Two wildcards have a square of ways to divide a topic between them, which only its publisher decides.
static void a_long_topic_does_not_get_a_pattern_refused(void **state)
{
    (void)state;
    struct fixture fixture;
    struct buf buf;
    set_up(&fixture);
    buf_init(&buf, 4096);
    struct pattern *pattern = watch(&fixture, PATTERN_URL, "/*/:id(\\d+)/*/edit");
    assert_false(pattern_matches(pattern, topic_of(&buf, "/", "1/", "edit/", 4096)));
    assert_int_equal(fixture.failed, 1);
    assert_int_equal(fixture.last_failure, HUB_E_UNSUPPORTED);
    assert_false(pattern->is_refused);
    assert_true(pattern_matches(pattern, STR("/a/1/b/edit")));
    // A short one can be told.
    assert_false(pattern_matches(pattern, topic_of(&buf, "/", "1/", "edit/", 256)));
    assert_int_equal(fixture.failed, 1);
    unwatch(pattern);
    buf_done(&buf);
    tear_down(&fixture);
}

static uint64_t time_ns;

static uint64_t fake_clock(void)
{
    return time_ns;
}

// Each is within the limit of one test.
static void assert_slow_tests_have_an_allowance(enum pattern_kind kind, const char *text, struct str topic)
{
    struct fixture fixture;
    set_up(&fixture);
    time_ns = 1000000000;
    fixture.patterns.now_ns = fake_clock;
    struct pattern *slow = watch(&fixture, kind, text);
    struct pattern *quick = get(&fixture, PATTERN_URL, "*://*/:a(.*)");
    unsigned count = 0;
    for (; !fixture.failed && count < 100000; count++)
        (void)pattern_matches(slow, topic);
    if (count < 20 || count > 10000)
        fail_msg("%s has been slow %u times", text, count);
    assert_int_equal(fixture.last_failure, HUB_E_FULL);
    assert_false(slow->is_refused);
    assert_true(pattern_matches(quick, topic));
    assert_int_equal(fixture.failed, 1);
    time_ns += 100000000;
    (void)pattern_matches(slow, topic);
    assert_int_equal(fixture.failed, 1);
    // A grant has none: it covers the topic or does not.
    pattern_unwatch(slow);
    for (unsigned i = 0; i < 2 * count; i++)
        (void)pattern_matches(slow, topic);
    assert_int_equal(fixture.failed, 1);
    pattern_unref(slow);
    pattern_unref(quick);
    tear_down(&fixture);
}

static void slow_tests_together_have_an_allowance(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, 4096);
    assert_slow_tests_have_an_allowance(PATTERN_URL, "https://a.example/((?:a|aa)+(?:b|c))",
                                        STR("https://a.example/aaaaaaaaaaaaaaad"));
    (void)topic_of(&text, "/", "*-", "x", 2000);
    assert_slow_tests_have_an_allowance(PATTERN_URL, buf_c(&text),
                                        STR("/------------------------------------------------"));
    (void)topic_of(&text, "", "{a*}", "", 400);
    assert_slow_tests_have_an_allowance(
        PATTERN_TEMPLATE, buf_c(&text),
        STR("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/"));
    buf_done(&text);
}

static void what_compiling_costs_grows_with_texts_and_code(void **state)
{
    (void)state;
    struct fixture fixture;
    struct buf text;
    set_up(&fixture);
    buf_init(&text, 4096);
    uint64_t most = 0;
    for (unsigned i = 0; i < 100; i++) {
        uint64_t before = fixture.patterns.compiled;
        buf_clear(&text);
        buf_printf(&text, "https://shop-%u.example.com/:kind(books|authors)/:id(\\d+)", i);
        pattern_unref(get(&fixture, PATTERN_URL, buf_c(&text)));
        uint64_t cost = fixture.patterns.compiled - before;
        most = cost > most ? cost : most;
    }
    assert_true(fixture.patterns.compiled < PATTERNS_COMPILE_MAX);
    (void)topic_of(&text, "/(", "[ab]*c|", "d)", 1000);
    uint64_t before = fixture.patterns.compiled;
    struct pattern *large = get(&fixture, PATTERN_URL, buf_c(&text));
    uint64_t cost = fixture.patterns.compiled - before;
    assert_true(cost > 10 * most);
    // What is there already costs nothing.
    pattern_unref(get(&fixture, PATTERN_URL, buf_c(&text)));
    assert_int_equal(fixture.patterns.compiled - before, cost);
    pattern_unref(large);
    buf_done(&text);
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
        cmocka_unit_test(ordinary_patterns_are_quick_whatever_the_topic_says),
        cmocka_unit_test(a_long_topic_does_not_get_a_pattern_refused),
        cmocka_unit_test(slow_tests_together_have_an_allowance),
        cmocka_unit_test(what_compiling_costs_grows_with_texts_and_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
