#include "base/buf.h"
#include "base/err.h"
#include "url/url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#define VECTORS TESTDATA "/wpt/urltestdata.json"

// A null text is a null string.
static struct str text_of(json_t *vector, const char *key)
{
    json_t *value = json_object_get(vector, key);
    if (!json_is_string(value))
        return str_make(NULL, 0);
    return str_make(json_string_value(value), json_string_length(value));
}

// The attributes of the URL interface, which the vectors are written in, have their delimiters with them.
static void assert_attribute(json_t *vector, const char *key, const char *before, struct str value,
                             const char *after)
{
    struct buf text;
    buf_init(&text, 4 * URL_INPUT_MAX);
    if (value.len > 0) {
        buf_append_str(&text, str_from_c(before));
        buf_append_str(&text, value);
        buf_append_str(&text, str_from_c(after));
    }
    struct str expected = text_of(vector, key);
    if (!str_eq(buf_str(&text), expected))
        fail_msg("%s of %.*s: %.*s, not %.*s", key, STR_ARG(text_of(vector, "input")),
                 STR_ARG(buf_str(&text)), STR_ARG(expected));
    buf_done(&text);
}

static void assert_host_and_port(json_t *vector, const struct url *url)
{
    struct buf text;
    buf_init(&text, URL_INPUT_MAX);
    if (url->port != URL_NO_PORT)
        buf_append_u64(&text, (uint64_t)url->port);
    assert_attribute(vector, "hostname", "", url->host, "");
    assert_attribute(vector, "port", "", buf_str(&text), "");
    buf_clear(&text);
    buf_append_str(&text, url->host);
    if (url->port != URL_NO_PORT)
        buf_printf(&text, ":%d", url->port);
    assert_attribute(vector, "host", "", buf_str(&text), "");
    buf_done(&text);
}

static void assert_href_and_origin(json_t *vector, const struct url *url)
{
    struct buf text;
    buf_init(&text, 4 * URL_INPUT_MAX);
    url_serialize(url, &text);
    assert_attribute(vector, "href", "", buf_str(&text), "");
    if (json_object_get(vector, "origin")) {
        buf_clear(&text);
        assert_int_equal(url_origin(url, &text), HUB_OK);
        assert_attribute(vector, "origin", "", buf_str(&text), "");
    }
    buf_done(&text);
}

static void assert_url(json_t *vector, const struct url *url)
{
    assert_attribute(vector, "protocol", "", url->scheme, ":");
    assert_attribute(vector, "username", "", url->username, "");
    assert_attribute(vector, "password", "", url->password, "");
    assert_host_and_port(vector, url);
    assert_attribute(vector, "pathname", "", url->path, "");
    assert_attribute(vector, "search", "?", url->query, "");
    assert_attribute(vector, "hash", "#", url->fragment, "");
    assert_href_and_origin(vector, url);
}

static int parse_with(struct url *url, struct str input, struct str base_text)
{
    if (!base_text.ptr)
        return url_parse(url, input, NULL);
    struct url base;
    int err = url_parse(&base, base_text, NULL);
    if (!err)
        err = url_parse(url, input, &base);
    url_done(&base);
    return err;
}

static void run_vector(json_t *vector, struct str base)
{
    struct url url = {0};
    int err = parse_with(&url, text_of(vector, "input"), base);
    bool must_fail = json_is_true(json_object_get(vector, "failure"));
    if (err != (must_fail ? HUB_E_INVALID : HUB_OK))
        fail_msg("%.*s with base %.*s: %s", STR_ARG(text_of(vector, "input")), STR_ARG(base), err_text(err));
    if (!must_fail)
        assert_url(vector, &url);
    url_done(&url);
}

// Calls `run` with each vector.
static size_t for_each_vector(void (*run)(json_t *vector))
{
    json_error_t error;
    json_t *vectors = json_load_file(VECTORS, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &error);
    assert_non_null(vectors);
    size_t count = 0;
    size_t i;
    json_t *vector;
    json_array_foreach(vectors, i, vector)
    {
        if (json_is_string(vector))
            continue; // a comment
        run(vector);
        count++;
    }
    json_decref(vectors);
    return count;
}

static void run_as_written(json_t *vector)
{
    run_vector(vector, text_of(vector, "base"));
}

static void every_vector_of_the_web_platform_tests_passes(void **state)
{
    (void)state;
    assert_int_equal(for_each_vector(run_as_written), 891);
}

// The vectors without a base say in "relativeTo" what they are relative to, if to anything.
static void run_with_opaque_base(json_t *vector)
{
    if (text_of(vector, "base").ptr)
        return;
    if (!str_eq(text_of(vector, "relativeTo"), STR("any-base"))) {
        run_vector(vector, STR("about:blank"));
        return;
    }
    struct url url;
    assert_int_equal(parse_with(&url, text_of(vector, "input"), STR("about:blank")), HUB_OK);
    url_done(&url);
}

static void a_base_with_an_opaque_path_helps_only_a_fragment(void **state)
{
    (void)state;
    for_each_vector(run_with_opaque_base);
}

static void run_with_relative_base(json_t *vector)
{
    if (!text_of(vector, "relativeTo").ptr)
        return;
    // "https:" and what follows is relative to a base of that scheme only.
    struct str input = text_of(vector, "input");
    struct url url;
    struct str base =
        str_starts_with(input, STR("https:")) ? STR("https://example.com/") : STR("http://example.com/");
    assert_int_equal(parse_with(&url, input, base), HUB_OK);
    url_done(&url);
}

static void relative_input_that_needs_a_base_parses_with_one(void **state)
{
    (void)state;
    for_each_vector(run_with_relative_base);
}

static void run_round_trip(json_t *vector)
{
    struct str href = text_of(vector, "href");
    if (href.ptr) {
        struct url url;
        assert_int_equal(url_parse(&url, href, NULL), HUB_OK);
        assert_url(vector, &url);
        url_done(&url);
    }
}

static void a_serialized_url_parses_to_itself(void **state)
{
    (void)state;
    for_each_vector(run_round_trip);
}

static void absent_components_are_null_and_empty_ones_are_not(void **state)
{
    (void)state;
    struct url url;
    assert_int_equal(url_parse(&url, STR("mailto:a"), NULL), HUB_OK);
    assert_true(url.has_opaque_path);
    assert_false(url.is_special);
    assert_null(url.host.ptr);
    assert_null(url.query.ptr);
    assert_null(url.fragment.ptr);
    assert_non_null(url.username.ptr);
    url_done(&url);
    assert_int_equal(url_parse(&url, STR("foo://?#"), NULL), HUB_OK);
    assert_false(url.has_opaque_path);
    assert_non_null(url.host.ptr);
    assert_non_null(url.path.ptr);
    assert_non_null(url.query.ptr);
    assert_non_null(url.fragment.ptr);
    url_done(&url);
}

static void the_base_is_not_needed_after_parsing(void **state)
{
    (void)state;
    struct url base;
    struct url url;
    assert_int_equal(url_parse(&base, STR("https://user:pw@example.com:8443/a/b?q"), NULL), HUB_OK);
    assert_int_equal(url_parse(&url, STR("c"), &base), HUB_OK);
    url_done(&base);
    struct buf text;
    buf_init(&text, 100);
    url_serialize(&url, &text);
    assert_string_equal(buf_c(&text), "https://user:pw@example.com:8443/a/c");
    buf_done(&text);
    url_done(&url);
}

static void input_that_is_not_utf8_is_refused(void **state)
{
    (void)state;
    struct url url;
    assert_int_equal(url_parse(&url, STR("https://example.com/\xff"), NULL), HUB_E_INVALID);
    assert_int_equal(url_parse(&url, STR("https://example.com/\xed\xa0\x80"), NULL), HUB_E_INVALID);
    assert_null(url.scheme.ptr);
    url_done(&url);
}

static void input_up_to_the_limit_parses_and_more_does_not(void **state)
{
    (void)state;
    char *input = malloc(URL_INPUT_MAX + 1);
    assert_non_null(input);
    memset(input, ' ', URL_INPUT_MAX + 1);
    memcpy(input, "x:/", 3);
    memset(input + 3, '"', URL_INPUT_MAX - 2);
    struct url url;
    assert_int_equal(url_parse(&url, str_make(input, URL_INPUT_MAX), NULL), HUB_OK);
    assert_int_equal(url.path.len, 1 + 3 * (URL_INPUT_MAX - 3));
    url_done(&url);
    assert_int_equal(url_parse(&url, str_make(input, URL_INPUT_MAX + 1), NULL), HUB_E_TOO_BIG);
    url_done(&url);
    free(input);
}

static void a_result_over_its_limit_is_refused(void **state)
{
    (void)state;
    char *input = malloc(URL_INPUT_MAX);
    assert_non_null(input);
    memset(input, '"', URL_INPUT_MAX);
    memcpy(input, "x:/", 3);
    struct url base;
    assert_int_equal(url_parse(&base, str_make(input, URL_INPUT_MAX), NULL), HUB_OK);
    // The base's path is three times the input already, and the query is as long again.
    memcpy(input, "?", 1);
    struct url url;
    assert_int_equal(url_parse(&url, str_make(input, URL_INPUT_MAX), &base), HUB_E_TOO_BIG);
    assert_null(url.scheme.ptr);
    url_done(&base);
    free(input);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_vector_of_the_web_platform_tests_passes),
        cmocka_unit_test(a_base_with_an_opaque_path_helps_only_a_fragment),
        cmocka_unit_test(relative_input_that_needs_a_base_parses_with_one),
        cmocka_unit_test(a_serialized_url_parses_to_itself),
        cmocka_unit_test(absent_components_are_null_and_empty_ones_are_not),
        cmocka_unit_test(the_base_is_not_needed_after_parsing),
        cmocka_unit_test(input_that_is_not_utf8_is_refused),
        cmocka_unit_test(input_up_to_the_limit_parses_and_more_does_not),
        cmocka_unit_test(a_result_over_its_limit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
