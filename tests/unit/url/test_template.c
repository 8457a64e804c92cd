#include "url/template.h"

#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum verdict {
    MATCH,
    DIFFER,
    NO_TEMPLATE,
};

struct row {
    const char *name;
    const char *text;
    const char *topic;
    enum verdict verdict;
};

#define MATCHES(text, topic) \
    { \
        text " matches \"" topic "\"", text, topic, MATCH \
    }
#define DIFFERS(text, topic) \
    { \
        text " does not match \"" topic "\"", text, topic, DIFFER \
    }
#define IS_TEXT(text) \
    { \
        text " is no template", text, "", NO_TEMPLATE \
    }

// One test each.
static const struct row rows[] = {
    MATCHES("https://example.com/{id}", "https://example.com/"),
    MATCHES("https://example.com/{id}", "https://example.com/1"),
    MATCHES("https://example.com/{id}", "https://example.com/a,b"),
    MATCHES("https://example.com/{id}", "https://example.com/a%2Fb"),
    MATCHES("https://example.com/{id}", "https://example.com/~a.b_c-d"),
    DIFFERS("https://example.com/{id}", "https://example.com/a/b"),
    DIFFERS("https://example.com/{id}", "https://example.com/a b"),
    DIFFERS("https://example.com/{id}", "https://example.com/\u00e9"),
    DIFFERS("https://example.com/{id}", "https://example.com/a=b"),
    DIFFERS("https://example.com/{id}", "https://example.com/a+b"),
    DIFFERS("https://example.com/{id}", "https://example.com/a%2"),
    DIFFERS("https://example.com/{id}", "https://example.com/a%2x"),
    DIFFERS("https://example.com/{id}", "https://example.co"),
    MATCHES("https://example.com/{+path}", "https://example.com/"),
    MATCHES("https://example.com/{+path}", "https://example.com/a/b?c=d#e"),
    MATCHES("https://example.com/{+path}", "https://example.com/a%20b"),
    DIFFERS("https://example.com/{+path}", "https://example.com/a b"),
    DIFFERS("https://example.com/{+path}", "https://example.com/a\"b"),
    MATCHES("{+u}", ""),
    MATCHES("{+u}", "https://example.com/x?y"),
    MATCHES("{#frag}", ""),
    MATCHES("{#frag}", "#a/b"),
    MATCHES("{#frag}", "##"),
    DIFFERS("{#frag}", "a"),
    MATCHES("{.ext}", ""),
    MATCHES("{.ext}", ".json"),
    MATCHES("{.ext}", ".a.b"),
    MATCHES("{.ext}", ".a,b"),
    DIFFERS("{.ext}", "json"),
    MATCHES("{/seg}", ""),
    MATCHES("{/seg}", "/"),
    MATCHES("{/seg}", "/a"),
    MATCHES("{/seg}", "/a,b"),
    DIFFERS("{/seg}", "/a/b"),
    MATCHES("{/seg*}", ""),
    MATCHES("{/seg*}", "/a/b/c"),
    MATCHES("{/seg*}", "/a=b/c"),
    MATCHES("{/seg*}", "/a//b"),
    MATCHES("{/a,b}", ""),
    MATCHES("{/a,b}", "/x"),
    MATCHES("{/a,b}", "/x/y"),
    DIFFERS("{/a,b}", "/x/y/z"),
    MATCHES("{;p}", ""),
    MATCHES("{;p}", ";"),
    MATCHES("{;p}", ";q"),
    MATCHES("{;p}", ";p=1"),
    DIFFERS("{;p}", ";p=1;p=2"),
    MATCHES("{?topic}", ""),
    MATCHES("{?topic}", "?"),
    MATCHES("{?topic}", "?topic=a"),
    MATCHES("{?topic}", "?other=b"),
    MATCHES("{?topic}", "?a=b=c"),
    DIFFERS("{?topic}", "?topic=a&x=y"),
    DIFFERS("{?topic}", "topic=a"),
    MATCHES("{?a,b}", "?a=1"),
    MATCHES("{?a,b}", "?a=1&b=2"),
    MATCHES("{?a,b}", "?x"),
    DIFFERS("{?a,b}", "?a=1&b=2&c=3"),
    MATCHES("{&x}", "&"),
    MATCHES("{&x}", "&x=1"),
    DIFFERS("{&x}", "x"),
    MATCHES("{a,b,c}", ""),
    MATCHES("{a,b,c}", "1"),
    MATCHES("{a,b,c}", "1,2,3"),
    MATCHES("{a,b,c}", "1,2,3,4,5"),
    MATCHES("{a*}", ""),
    MATCHES("{a*}", "1"),
    MATCHES("{a*}", "1,2,3"),
    MATCHES("{a*}", "a=1,b=2"),
    MATCHES("{id:3}", "1"),
    MATCHES("{id:3}", "1234567"),
    MATCHES("{+a,b}", "x/y,z"),
    MATCHES("{+a,b}", "x/y,z,w/q"),
    MATCHES("{x}{y}", "ab"),
    DIFFERS("{x}{y}", "a,b,c=d"),
    MATCHES("/.well-known/mercure/subscriptions/{topic}/{subscriber}",
            "/.well-known/mercure/subscriptions/foo/urn%3Auuid%3A1"),
    MATCHES("/.well-known/mercure/subscriptions/{topic}/{subscriber}",
            "/.well-known/mercure/subscriptions//"),
    DIFFERS("/.well-known/mercure/subscriptions/{topic}/{subscriber}",
            "/.well-known/mercure/subscriptions/a+b/c"),
    DIFFERS("/.well-known/mercure/subscriptions/{topic}/{subscriber}",
            "/.well-known/mercure/subscriptions/*/c"),
    MATCHES("/.well-known/mercure/subscriptions{/topic}{/subscriber}", "/.well-known/mercure/subscriptions"),
    MATCHES("/.well-known/mercure/subscriptions{/topic}{/subscriber}",
            "/.well-known/mercure/subscriptions/foo"),
    MATCHES("/.well-known/mercure/subscriptions{/topic}{/subscriber}",
            "/.well-known/mercure/subscriptions/foo/bar"),
    MATCHES("{scheme}://{+host}/demo/books/{id}.jsonld", "https://localhost:3000/demo/books/1.jsonld"),
    MATCHES("{scheme}://{+host}/demo/books/{id}.jsonld", "https://a/b/demo/books/1.jsonld"),
    MATCHES("{scheme}://{+host}/demo/books/{id}.jsonld", "http:///demo/books/.jsonld"),
    MATCHES("a%20{x}", "a%20b"),
    DIFFERS("a%20{x}", "a b"),
    MATCHES("\u00e9{x}", "\u00e9a"),
    DIFFERS("\u00e9{x}", "%C3%A9a"),
    MATCHES("a.b*c(d)[e]{x}", "a.b*c(d)[e]z"),
    DIFFERS("a.b*c(d)[e]{x}", "aXb*c(d)[e]z"),
    MATCHES("a'b{x}", "a'bc"),
    MATCHES("{x.y}", "z"),
    MATCHES("{%41}", "a"),
    IS_TEXT("a{b"),
    IS_TEXT("a}b"),
    IS_TEXT("{=x}"),
    IS_TEXT("{x y}"),
    IS_TEXT("{x-y}"),
    IS_TEXT("a b{x}"),
    IS_TEXT("a\"b{x}"),
    IS_TEXT("a<b{x}"),
    IS_TEXT("a\\b{x}"),
    IS_TEXT("a^b{x}"),
    IS_TEXT("a|b{x}"),
    IS_TEXT("a`b{x}"),
    IS_TEXT("a%zz{x}"),
    IS_TEXT("{.x.}"),
    IS_TEXT("{x:0}"),
    IS_TEXT("{x*:3}"),
    IS_TEXT("a{}b"),
    IS_TEXT("{x:10000}"),
    IS_TEXT("{x:}"),
    IS_TEXT("{x..y}"),
    IS_TEXT("{x,}"),
    IS_TEXT("{+}"),
    IS_TEXT("{x"),
    IS_TEXT("{x}}"),
    IS_TEXT("{{x}"),
    IS_TEXT("{,x}"),
    IS_TEXT("{!x}"),
    IS_TEXT(""),
    IS_TEXT("https://example.com/1"),
    MATCHES("{x:9999}", "a"),
    MATCHES("{x*}/{y*}", "a=1,b=2/c"),
    MATCHES("a{x}%41", "ab%41"),
    MATCHES("{x}a", "aaaa"),
    DIFFERS("{x}a", "aaab"),
};

static bool matches(const struct url_template *template, struct str topic)
{
    uint64_t work = UINT64_MAX;
    return url_template_test(template, topic, &work) == 1;
}

static void the_vector_holds(void **state)
{
    const struct row *row = *state;
    struct url_template *template = NULL;
    int err = url_template_compile(&template, str_from_c(row->text));
    if (row->verdict == NO_TEMPLATE) {
        assert_int_equal(err, HUB_E_INVALID);
        return;
    }
    assert_int_equal(err, HUB_OK);
    assert_int_equal(matches(template, str_from_c(row->topic)), row->verdict == MATCH);
    url_template_free(template);
}

static void every_match_begins_with_the_start(void **state)
{
    (void)state;
    struct url_template *template;
    assert_int_equal(url_template_compile(&template, STR("https://example.com/{a}/{b}")), HUB_OK);
    assert_int_equal(template->start.len, sizeof("https://example.com/") - 1);
    url_template_free(template);
}

static void a_template_has_at_most_4096_bytes(void **state)
{
    (void)state;
    char text[URL_TEMPLATE_MAX + 1];
    memset(text, 'a', sizeof(text));
    memcpy(text, "{x}", 3);
    struct url_template *template;
    assert_int_equal(url_template_compile(&template, str_make(text, URL_TEMPLATE_MAX)), HUB_OK);
    assert_true(matches(template, str_make(text + 3, URL_TEMPLATE_MAX - 3)));
    assert_false(matches(template, str_make(text + 3, URL_TEMPLATE_MAX - 4)));
    url_template_free(template);
    assert_int_equal(url_template_compile(&template, str_make(text, URL_TEMPLATE_MAX + 1)), HUB_E_TOO_BIG);
}

// Values that could each begin anywhere: a walk that tried them one after the other would not end.
static void a_template_of_many_values_is_no_trap(void **state)
{
    (void)state;
    char text[URL_TEMPLATE_VALUES_MAX * 4 + 4];
    char topic[URL_TEMPLATE_MAX];
    for (size_t i = 0; i < sizeof(text); i += 4)
        memcpy(text + i, "{a*}", 4);
    memset(topic, 'a', sizeof(topic));
    topic[sizeof(topic) - 1] = '/';
    struct url_template *template;
    assert_int_equal(url_template_compile(&template, str_make(text, sizeof(text) - 4)), HUB_OK);
    assert_false(matches(template, str_make(topic, sizeof(topic))));
    assert_true(matches(template, str_make(topic, sizeof(topic) - 1)));
    url_template_free(template);
    assert_int_equal(url_template_compile(&template, str_make(text, sizeof(text))), HUB_E_TOO_BIG);
}

int main(void)
{
    static struct CMUnitTest vectors[ARRAY_LEN(rows)];
    static struct row copies[ARRAY_LEN(rows)]; // for the state is not const
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        copies[i] = rows[i];
        vectors[i] = (struct CMUnitTest){rows[i].name, the_vector_holds, NULL, NULL, &copies[i]};
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_match_begins_with_the_start),
        cmocka_unit_test(a_template_has_at_most_4096_bytes),
        cmocka_unit_test(a_template_of_many_values_is_no_trap),
    };
    int failed = cmocka_run_group_tests(vectors, NULL, NULL);
    return failed + cmocka_run_group_tests(tests, NULL, NULL);
}
