#include "url/pattern.h"
#include "url/pattern_priv.h"

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "url/url.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

// The base URL of a hub that has not been told its own, and the one of a hub that has.
#define NO_HUB "http://mercure.invalid"
#define HUB "https://example.com/.well-known/mercure"

// "topic" matches "pattern" or does not; without a topic: the pattern does not compile.
struct row {
    const char *name;
    const char *pattern;
    const char *topic;
    const char *base;
    bool matches;
};

#define MATCH(pattern, topic, base) \
    { \
        "\"" pattern "\" matches \"" topic "\" at " base, pattern, topic, base, true \
    }
#define NO_MATCH(pattern, topic, base) \
    { \
        "\"" pattern "\" does not match \"" topic "\" at " base, pattern, topic, base, false \
    }
#define ERROR(pattern) \
    { \
        "\"" pattern "\" does not compile", pattern, NULL, NO_HUB, false \
    }

#define BOOK "https://example.com/books/:id"
#define API "/.well-known/mercure/subscriptions/"
#define SUBSCRIPTION API "exact/https%3A%2F%2Fexample.com/urn%3Auuid%3A1"

static const struct row rows[] = {
    MATCH(BOOK, "https://example.com/books/1", NO_HUB),
    NO_MATCH(BOOK, "https://example.com/books/1/", NO_HUB),
    NO_MATCH(BOOK, "https://example.com/books/", NO_HUB),
    MATCH(BOOK, "https://example.com/books/1?x=1#y", NO_HUB),
    MATCH(BOOK, "https://EXAMPLE.com/books/1", NO_HUB),
    NO_MATCH(BOOK, "https://example.com/BOOKS/1", NO_HUB),
    MATCH(BOOK, "https://example.com:443/books/1", NO_HUB),
    NO_MATCH(BOOK, "https://example.com:444/books/1", NO_HUB),
    NO_MATCH(BOOK, "http://example.com/books/1", NO_HUB),
    MATCH(BOOK, "https://user:pw@example.com/books/1", NO_HUB),
    MATCH(BOOK, "https://example.com/books/a%2Fb", NO_HUB),
    MATCH("https://example.com/*", "https://example.com/a/b/c", NO_HUB),
    MATCH("https://example.com", "https://example.com/a/b", NO_HUB),
    NO_MATCH("https://example.com/foo/*", "https://example.com/foo", NO_HUB),
    MATCH("https://*.example.com/x", "https://a.b.example.com/x", NO_HUB),
    NO_MATCH("https://:sub.example.com/x", "https://a.b.example.com/x", NO_HUB),
    MATCH("*://example.com/books/:id", "foo://example.com/books/1", NO_HUB),
    MATCH("/books/:id", "/books/123", NO_HUB),
    NO_MATCH("/books/:id", "https://example.com/books/123", NO_HUB),
    MATCH("/books/:id", "https://example.com/books/123", HUB),
    MATCH(BOOK, "/books/123", HUB),
    MATCH("/:x", "foo", NO_HUB),
    NO_MATCH("/:x", "foo", HUB),
    MATCH(":x", "foo", NO_HUB),
    MATCH(":x", "foo", HUB),
    MATCH("https://example.com/feed/:type(news|alerts)", "https://example.com/feed/news", NO_HUB),
    NO_MATCH("https://example.com/feed/:type(news|alerts)", "https://example.com/feed/sport", NO_HUB),
    MATCH("https://example.com/items{/:tail}?", "https://example.com/items", NO_HUB),
    MATCH("https://example.com/items{/:tail}?", "https://example.com/items/a", NO_HUB),
    MATCH("https://example.com/n/(\\d+)", "https://example.com/n/42", NO_HUB),
    NO_MATCH("https://example.com/n/(\\d+)", "https://example.com/n/4a", NO_HUB),
    MATCH("https://example.com/:id", "https://example.com/:id", NO_HUB),
    MATCH("https://example.com/é/:x", "https://example.com/%C3%A9/1", NO_HUB),
    MATCH("https://bücher.example/:x", "https://xn--bcher-kva.example/1", NO_HUB),
    MATCH(API "*", SUBSCRIPTION, NO_HUB),
    MATCH(API ":mt/:m/:s", SUBSCRIPTION, NO_HUB),
    ERROR("/(unclosed"),
    ERROR("{unclosed"),
    ERROR("https://example.com/[("),
    ERROR("https://example.com/:a/:a"),
    ERROR("https://example.com/(?=x)"),
    // ":example" is a name.
    NO_MATCH("urn:example:*", "urn:example:1", NO_HUB),
    MATCH("urn\\:example\\:*", "urn:example:1", NO_HUB),
};

static struct url_pattern *compile(const char *text, const char *base_text)
{
    struct url base;
    struct url_pattern *pattern;
    struct url_pattern_error error;
    assert_int_equal(url_parse(&base, str_from_c(base_text), NULL), HUB_OK);
    int err = url_pattern_compile(&pattern, str_from_c(text), &base, false, &error);
    if (err)
        fail_msg("%s: %s: %s", text, error.component, error.reason);
    url_done(&base);
    return pattern;
}

static void assert_error(const char *text)
{
    struct url base;
    struct url_pattern *pattern;
    struct url_pattern_error error = {0};
    assert_int_equal(url_parse(&base, STR(NO_HUB), NULL), HUB_OK);
    assert_int_equal(url_pattern_compile(&pattern, str_from_c(text), &base, false, &error), HUB_E_INVALID);
    assert_non_null(error.component);
    assert_non_null(error.reason);
    url_done(&base);
}

static int test_topic(const struct url_pattern *pattern, const char *topic, const char *base_text)
{
    struct url base;
    struct url url;
    assert_int_equal(url_parse(&base, str_from_c(base_text), NULL), HUB_OK);
    assert_int_equal(url_parse(&url, str_from_c(topic), &base), HUB_OK);
    uint64_t work = url_pattern_work(0);
    int result = url_pattern_test(pattern, &url, &work);
    url_done(&url);
    url_done(&base);
    return result;
}

static void the_verdict_is_right(void **state)
{
    const struct row *row = *state;
    if (!row->topic) {
        assert_error(row->pattern);
        return;
    }
    struct url_pattern *pattern = compile(row->pattern, row->base);
    assert_int_equal(test_topic(pattern, row->topic, row->base), row->matches);
    url_pattern_free(pattern);
}

static struct str literal(const struct url_pattern *pattern, enum url_component component)
{
    return url_pattern_literal(pattern, component);
}

static void assert_text(struct str actual, const char *expected)
{
    if (!actual.ptr || !str_eq(actual, str_from_c(expected)))
        fail_msg("\"%.*s\", not \"%s\"", STR_ARG(actual), expected);
}

static void what_can_only_be_one_text_is_told(void **state)
{
    (void)state;
    struct url_pattern *pattern = compile("https://EXAMPLE.com:443/a/../b\xC3\xA9", NO_HUB);
    assert_text(literal(pattern, URL_PROTOCOL), "https");
    assert_text(literal(pattern, URL_HOSTNAME), "example.com");
    assert_text(literal(pattern, URL_PORT), "");
    assert_text(literal(pattern, URL_PATHNAME), "/b%C3%A9");
    assert_null(literal(pattern, URL_SEARCH).ptr);
    assert_null(literal(pattern, URL_USERNAME).ptr);
    url_pattern_free(pattern);
    pattern = compile("http{s}?://*.example.com/b(c)", NO_HUB);
    assert_null(literal(pattern, URL_PROTOCOL).ptr);
    assert_null(literal(pattern, URL_HOSTNAME).ptr);
    assert_null(literal(pattern, URL_PATHNAME).ptr);
    url_pattern_free(pattern);
}

static void what_each_match_starts_with_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *pattern;
        const char *start;
    } cases[] = {
        {"/books/:id", "/books/"},
        {"/books/a", "/books/a"},
        {"/books{/:id}?", "/books"},
        {"/books/:id?", "/books"},
        {"/books/(\\d+)", "/books/"},
        {"/*", "/"},
        {"/", "/"},
        {"{/books}?", ""},
        {"(/books)", "/.well-known/"},
        {"/books{/a}/b", "/books/a/b"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct url_pattern *pattern = compile(cases[i].pattern, HUB);
        assert_text(url_pattern_start(pattern, URL_PATHNAME), cases[i].start);
        url_pattern_free(pattern);
    }
}

static void ignored_case_tells_nothing_of_the_path_but_matches_it(void **state)
{
    (void)state;
    struct url_pattern *pattern;
    assert_int_equal(url_pattern_compile(&pattern, STR("https://example.com/Ab?C"), NULL, true, NULL),
                     HUB_OK);
    assert_text(url_pattern_start(pattern, URL_PATHNAME), "");
    assert_null(literal(pattern, URL_PATHNAME).ptr);
    assert_text(literal(pattern, URL_HOSTNAME), "example.com");
    assert_int_equal(test_topic(pattern, "https://example.com/aB?c", NO_HUB), 1);
    assert_int_equal(test_topic(pattern, "https://example.com/aC?c", NO_HUB), 0);
    url_pattern_free(pattern);
}

static void only_custom_groups_need_a_regular_expression(void **state)
{
    (void)state;
    static const char *const cheap[] = {"/:a*", "/{a}+*", "/(.*)", "/([^\\/]+?)", "/:a(.*)"};
    for (size_t i = 0; i < ARRAY_LEN(cheap); i++) {
        struct url_pattern *pattern = compile(cheap[i], HUB);
        assert_false(pattern_has_regex(pattern));
        url_pattern_free(pattern);
    }
    struct url_pattern *pattern = compile("/(a)", HUB);
    assert_true(pattern_has_regex(pattern));
    url_pattern_free(pattern);
}

static void a_pattern_knows_its_memory(void **state)
{
    (void)state;
    struct url_pattern *small = compile(BOOK, HUB);
    struct url_pattern *large = compile("/(a|b)", HUB);
    assert_in_range(url_pattern_memory(small), 100, 512);
    assert_true(url_pattern_memory(large) > url_pattern_memory(small));
    url_pattern_free(small);
    url_pattern_free(large);
}

static void assert_reason(const char *text, const char *component, const char *reason)
{
    struct url_pattern *pattern;
    struct url_pattern_error error = {0};
    assert_int_equal(url_pattern_compile(&pattern, str_from_c(text), NULL, false, &error), HUB_E_INVALID);
    assert_string_equal(error.component, component);
    assert_string_equal(error.reason, reason);
}

static void an_error_says_where_and_why(void **state)
{
    (void)state;
    assert_reason("/books", "pattern", "it is relative, and there is no base URL");
    assert_reason("https://example.com/\xFF", "pattern", "it is not UTF-8");
    assert_reason("https://example.com/:a/:a", "pathname", "a name is used twice");
    assert_reason("https://example.com/{a", "pathname",
                  "a \"{\" has no \"}\", or more than one group before it");
    assert_reason("https://exa mple.com/", "hostname", "it holds what this component of a URL cannot hold");
    assert_reason("https://example.com/?(a", "search", "a \"(\" has no \")\"");
    assert_reason("https://example.com/#(a(?=b))", "hash",
                  "a custom group holds lookaround, which is not supported");
}

static void a_pattern_over_its_limit_is_too_big(void **state)
{
    (void)state;
    char text[URL_PATTERN_MAX + 16];
    memset(text, 'a', sizeof(text));
    memcpy(text, "http://h/", 9);
    struct url_pattern *pattern;
    struct url_pattern_error error;
    struct str longest = str_make(text, URL_PATTERN_MAX);
    assert_int_equal(url_pattern_compile(&pattern, longest, NULL, false, NULL), HUB_OK);
    url_pattern_free(pattern);
    struct str longer = str_make(text, URL_PATTERN_MAX + 1);
    assert_int_equal(url_pattern_compile(&pattern, longer, NULL, false, &error), HUB_E_TOO_BIG);
    assert_string_equal(error.reason, "it is too long");
    struct url base;
    assert_int_equal(url_parse(&base, str_make(text, sizeof(text)), NULL), HUB_OK);
    assert_int_equal(url_pattern_compile(&pattern, STR("b"), &base, false, &error), HUB_E_TOO_BIG);
    assert_string_equal(error.reason, "its base URL is too long");
    url_done(&base);
}

static void a_protocol_that_cannot_be_tried_is_too_big(void **state)
{
    (void)state;
    struct buf text;
    struct url_pattern *pattern;
    struct url_pattern_error error;
    buf_init(&text, URL_PATTERN_MAX);
    buf_append_c(&text, '(');
    for (unsigned i = 0; i < 390; i++)
        buf_append_str(&text, STR("h?"));
    buf_append_str(&text, STR(")://h/"));
    assert_int_equal(url_pattern_compile(&pattern, buf_str(&text), NULL, false, &error), HUB_E_TOO_BIG);
    assert_string_equal(error.reason, "it takes too many steps to tell whether a scheme matches");
    buf_done(&text);
}

static void the_text_of_the_base_is_no_pattern(void **state)
{
    (void)state;
    struct url_pattern *pattern = compile("b", "http://h:81/:x{1}*(y)/?z");
    assert_int_equal(test_topic(pattern, "http://h:81/:x%7B1%7D*(y)/b", NO_HUB), 1);
    assert_int_equal(test_topic(pattern, "http://h:81/x1y/b", NO_HUB), 0);
    assert_int_equal(test_topic(pattern, "http://h/:x%7B1%7D*(y)/b", NO_HUB), 0);
    url_pattern_free(pattern);
}

static void the_empty_pattern_is_the_folder_of_the_base(void **state)
{
    (void)state;
    struct url_pattern *pattern = compile("", HUB);
    assert_int_equal(test_topic(pattern, "https://example.com/.well-known/", HUB), 1);
    assert_int_equal(test_topic(pattern, HUB, HUB), 0);
    url_pattern_free(pattern);
}

static void user_names_and_ports_match_when_they_are_given(void **state)
{
    (void)state;
    struct url_pattern *pattern = compile("https://:user\\:x@example.com:8*/", NO_HUB);
    assert_int_equal(test_topic(pattern, "https://ann:x@example.com:8080/", NO_HUB), 1);
    assert_int_equal(test_topic(pattern, "https://ann:y@example.com:8080/", NO_HUB), 0);
    assert_int_equal(test_topic(pattern, "https://example.com:8080/", NO_HUB), 0);
    assert_int_equal(test_topic(pattern, "https://ann:x@example.com:90/", NO_HUB), 0);
    url_pattern_free(pattern);
}

#define THREADS 4

static void *test_often(void *arg)
{
    const struct url_pattern *pattern = arg;
    for (unsigned i = 0; i < 2000; i++) {
        if (test_topic(pattern, "/n/42/a/b", HUB) != 1 || test_topic(pattern, "/n/x/a/b", HUB) != 0)
            return arg;
    }
    return NULL;
}

static void threads_share_a_pattern(void **state)
{
    (void)state;
    struct url_pattern *pattern = compile("/n/:id(\\d+)/:rest+", HUB);
    pthread_t threads[THREADS];
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, test_often, pattern), 0);
    for (unsigned i = 0; i < THREADS; i++) {
        void *failed;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    url_pattern_free(pattern);
}

int main(void)
{
    static struct row copies[ARRAY_LEN(rows)]; // for the state is not const
    static struct CMUnitTest verdicts[ARRAY_LEN(rows)];
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        copies[i] = rows[i];
        verdicts[i] = (struct CMUnitTest){rows[i].name, the_verdict_is_right, NULL, NULL, &copies[i]};
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_can_only_be_one_text_is_told),
        cmocka_unit_test(what_each_match_starts_with_is_told),
        cmocka_unit_test(ignored_case_tells_nothing_of_the_path_but_matches_it),
        cmocka_unit_test(only_custom_groups_need_a_regular_expression),
        cmocka_unit_test(a_pattern_knows_its_memory),
        cmocka_unit_test(an_error_says_where_and_why),
        cmocka_unit_test(a_pattern_over_its_limit_is_too_big),
        cmocka_unit_test(a_protocol_that_cannot_be_tried_is_too_big),
        cmocka_unit_test(the_text_of_the_base_is_no_pattern),
        cmocka_unit_test(the_empty_pattern_is_the_folder_of_the_base),
        cmocka_unit_test(user_names_and_ports_match_when_they_are_given),
        cmocka_unit_test(threads_share_a_pattern),
    };
    int failed = cmocka_run_group_tests(verdicts, NULL, NULL);
    return failed + cmocka_run_group_tests(tests, NULL, NULL);
}
