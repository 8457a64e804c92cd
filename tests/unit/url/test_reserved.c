#include "url/reserved.h"

#include "base/buf.h"
#include "base/err.h"
#include "url/reserved_priv.h"
#include "url/url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HUB_URL "https://mercure.invalid/.well-known/mercure"

struct verdict {
    const char *name;
    struct str topic;
    bool is_reserved;
};

#define LITERAL(text) \
    { \
        "" text, sizeof(text) - 1 \
    }
#define RESERVED(topic) \
    { \
        "\"" topic "\" is reserved", LITERAL(topic), true \
    }
#define ALLOWED(topic) \
    { \
        "\"" topic "\" is allowed", LITERAL(topic), false \
    }

// One test each.
static const struct verdict verdicts[] = {
    RESERVED(""),
    RESERVED("#f"),
    RESERVED("?x"),
    RESERVED("mercure"),
    RESERVED("./mercure"),
    RESERVED("mercure/"),
    RESERVED("mercure?x"),
    RESERVED("../.well-known/mercure"),
    RESERVED("/./.well-known/mercure/x"),
    RESERVED("/%2e/.well-known/mercure/x"),
    RESERVED("/%2Ewell-known/mercure"),
    RESERVED("/.well-known/me%72cure/x"),
    RESERVED("//host/.well-known/mercure/x"),
    RESERVED("https:/.well-known/mercure"),
    RESERVED("https:mercure"),
    RESERVED("https:"),
    RESERVED("HTTPS:?x"),
    RESERVED("data:/.well-known/mercure/x"),
    RESERVED("urn:/.well-known/mercure"),
    RESERVED("javascript:/.well-known/mercure"),
    RESERVED("foo://h/.well-known/mercure/s"),
    RESERVED("\\.well-known\\mercure\\x"),
    RESERVED("https://e.com\\.well-known\\mercure\\x"),
    RESERVED("  mercure/subscriptions/x"),
    RESERVED("mer\tcure"),
    RESERVED("https://e.com/.well-known/mercure/../mercure/x"),
    RESERVED("https://e.com/a/../.well-known/mercure"),
    RESERVED("https://user:p@e.com/.well-known/mercure"),
    ALLOWED("mercure-x"),
    ALLOWED("Mercure"),
    ALLOWED("subscriptions/foo"),
    ALLOWED("bar"),
    ALLOWED(".."),
    ALLOWED("../mercure/x"),
    ALLOWED("/.well-known%2Fmercure"),
    ALLOWED("/.well-known/mercure%2Fx"),
    ALLOWED("/.well-known/%256Dercure"),
    ALLOWED("//.well-known/mercure"),
    ALLOWED("http:mercure"),
    ALLOWED("http:/.well-known/mercure"),
    ALLOWED("urn:example:mercure"),
    ALLOWED("mailto:.well-known/mercure"),
    ALLOWED("foo://h\\.well-known\\mercure"),
    ALLOWED("https://e.com:99999/.well-known/mercure"),
    ALLOWED("https://e.com/.well-known/mercure/../x"),
    ALLOWED("https://e.com/foo/.well-known/mercure/bar"),
    ALLOWED("/.well-known//mercure"),
    ALLOWED("/.well-known/mercure;x"),
    ALLOWED("/.well-known/mercure%20"),
    ALLOWED("/.WELL-KNOWN/mercure"),
    ALLOWED("*"),
};

static void the_verdict_is_right(void **state)
{
    const struct verdict *verdict = *state;
    struct url base;
    assert_int_equal(url_parse(&base, STR(HUB_URL), NULL), HUB_OK);
    assert_int_equal(url_is_reserved(verdict->topic, &base), verdict->is_reserved);
    assert_int_equal(reserved_by_parsing(verdict->topic, &base), verdict->is_reserved);
    url_done(&base);
}

// Templates of 0.x subscribers match it, though it resolves to "/.well-known/".
static void a_topic_that_is_written_in_the_namespace_is_reserved_wherever_it_resolves_to(void **state)
{
    (void)state;
    struct url base;
    assert_int_equal(url_parse(&base, STR(HUB_URL), NULL), HUB_OK);
    assert_true(url_is_reserved(STR("/.well-known/mercure/subscriptions/../.."), &base));
    assert_true(url_is_reserved(STR("/.well-known/mercure/subscriptions/%2e%2e/.%2E"), &base));
    assert_true(url_is_reserved(STR("/.well-known/mercure/../x"), &base));
    assert_false(url_is_reserved(STR("/.well-known/mercure-x/../y"), &base));
    url_done(&base);
}

static void relative_schemes_depend_on_the_scheme_of_the_hub(void **state)
{
    (void)state;
    struct url base;
    assert_int_equal(url_parse(&base, STR("http://localhost:3000/.well-known/mercure"), NULL), HUB_OK);
    assert_true(url_is_reserved(STR("http:mercure"), &base));
    assert_true(url_is_reserved(STR("http:/.well-known/mercure"), &base));
    assert_false(url_is_reserved(STR("https:mercure"), &base));
    assert_true(url_is_reserved(STR("mercure"), &base));
    url_done(&base);
}

static void a_hub_with_the_namespace_in_its_folder_reserves_relative_topics(void **state)
{
    (void)state;
    struct url base;
    assert_int_equal(url_parse(&base, STR("https://h/.well-known/m%65rcure/x"), NULL), HUB_OK);
    assert_true(url_is_reserved(STR("anything"), &base));
    assert_false(url_is_reserved(STR("../anything"), &base));
    url_done(&base);
}

static void a_topic_that_is_not_utf8_is_no_url(void **state)
{
    (void)state;
    struct url base;
    assert_int_equal(url_parse(&base, STR(HUB_URL), NULL), HUB_OK);
    assert_false(url_is_reserved(STR("mercure/\xff"), &base));
    url_done(&base);
}

static void ordinary_topics_need_no_parsing(void **state)
{
    (void)state;
    static const char *const topics[] = {"https://example.com/books/1",
                                         "https://example.com/users/42/messages?page=2#new",
                                         "urn:uuid:5e94c686-2c0b-4f9b-958c-92ccc3bbb4eb",
                                         "chat/room-17",
                                         "/notifications/\u00e9",
                                         "https://example.com:8443/{id}",
                                         "a"};
    struct url base;
    assert_int_equal(url_parse(&base, STR(HUB_URL), NULL), HUB_OK);
    for (size_t i = 0; i < ARRAY_LEN(topics); i++)
        assert_false(reserved_is_possible(str_from_c(topics[i]), &base));
    url_done(&base);
}

static const char *const fragments[] = {
    "mercure", "m",  "ercure", "%6dercur%65", "%256d",  ".well-known", "%2ewell%2Dknown",
    "/",       "\\", ".",      "..",          "%2E",    "?",           "#",
    ":",       "//", "https:", "http:",       "foo:",   "file:",       "h",
    "@",       "C|", " ",      "\n",          "\u00e9", "[::1]",
};

static const char *const bases[] = {
    HUB_URL,
    "http://h/",
    "https://h/.well-known/x",
    "https://h/.well-known/mercure/x?q#f",
    "https://h/%2ewell-known/mercur%65/",
    "https://h/mercure",
    "foo:/.well-known/mercure",
    "foo://h",
    "data:mercure",
    "file:///C:/.well-known/mercure",
};

static void assert_cheap_half_is_right(struct str topic, const struct url *base)
{
    if (reserved_by_parsing(topic, base) && !reserved_is_possible(topic, base))
        fail_msg("%.*s is reserved, with a base path %.*s", STR_ARG(topic), STR_ARG(base->path));
}

// All sequences of `count` fragments.
static void check_sequences(const struct url *base, size_t count)
{
    size_t total = 1;
    for (size_t i = 0; i < count; i++)
        total *= ARRAY_LEN(fragments);
    struct buf topic;
    buf_init(&topic, 1000);
    for (size_t number = 0; number < total; number++) {
        buf_clear(&topic);
        size_t rest = number;
        for (size_t i = 0; i < count; i++, rest /= ARRAY_LEN(fragments))
            buf_append_str(&topic, str_from_c(fragments[rest % ARRAY_LEN(fragments)]));
        assert_cheap_half_is_right(buf_str(&topic), base);
    }
    buf_done(&topic);
}

static void the_cheap_half_lets_nothing_reserved_through(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bases); i++) {
        struct url base;
        assert_int_equal(url_parse(&base, str_from_c(bases[i]), NULL), HUB_OK);
        for (size_t row = 0; row < ARRAY_LEN(verdicts); row++)
            assert_cheap_half_is_right(verdicts[row].topic, &base);
        for (size_t count = 0; count <= (i == 0 ? 4 : 3); count++)
            check_sequences(&base, count);
        url_done(&base);
    }
}

static void a_topic_too_long_to_be_parsed_is_reserved_when_it_may_be(void **state)
{
    (void)state;
    char *topic = malloc(URL_INPUT_MAX + 1);
    assert_non_null(topic);
    memset(topic, 'a', URL_INPUT_MAX + 1);
    struct url base;
    assert_int_equal(url_parse(&base, STR(HUB_URL), NULL), HUB_OK);
    assert_false(url_is_reserved(str_make(topic, URL_INPUT_MAX + 1), &base));
    memcpy(topic, "mercure/", 8);
    assert_true(url_is_reserved(str_make(topic, URL_INPUT_MAX + 1), &base));
    url_done(&base);
    free(topic);
}

int main(void)
{
    static struct CMUnitTest rows[ARRAY_LEN(verdicts)];
    for (size_t i = 0; i < ARRAY_LEN(verdicts); i++) {
        static struct verdict copies[ARRAY_LEN(verdicts)]; // for the state is not const
        copies[i] = verdicts[i];
        rows[i] = (struct CMUnitTest){verdicts[i].name, the_verdict_is_right, NULL, NULL, &copies[i]};
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_topic_that_is_written_in_the_namespace_is_reserved_wherever_it_resolves_to),
        cmocka_unit_test(relative_schemes_depend_on_the_scheme_of_the_hub),
        cmocka_unit_test(a_hub_with_the_namespace_in_its_folder_reserves_relative_topics),
        cmocka_unit_test(a_topic_that_is_not_utf8_is_no_url),
        cmocka_unit_test(ordinary_topics_need_no_parsing),
        cmocka_unit_test(the_cheap_half_lets_nothing_reserved_through),
        cmocka_unit_test(a_topic_too_long_to_be_parsed_is_reserved_when_it_may_be),
    };
    int failed = cmocka_run_group_tests(rows, NULL, NULL);
    return failed + cmocka_run_group_tests(tests, NULL, NULL);
}
