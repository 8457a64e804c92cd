#include "url/pattern.h"

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
    int result = url_pattern_test(pattern, &url);
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
    url_pattern_unref(pattern);
}

int main(void)
{
    static struct row copies[ARRAY_LEN(rows)]; // for the state is not const
    static struct CMUnitTest verdicts[ARRAY_LEN(rows)];
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        copies[i] = rows[i];
        verdicts[i] = (struct CMUnitTest){rows[i].name, the_verdict_is_right, NULL, NULL, &copies[i]};
    }
    return cmocka_run_group_tests(verdicts, NULL, NULL);
}
