#include "base/buf.h"
#include "base/err.h"
#include "url/url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void assert_serialized(struct str input, const char *expected)
{
    struct url url;
    struct buf out;
    buf_init(&out, 200);
    assert_int_equal(url_parse(&url, input, NULL), HUB_OK);
    url_serialize(&url, &out);
    assert_string_equal(buf_c(&out), expected);
    buf_done(&out);
    url_done(&url);
}

static void assert_origin(struct str input, const char *expected)
{
    struct url url;
    struct buf out;
    buf_init(&out, 200);
    assert_int_equal(url_parse(&url, input, NULL), HUB_OK);
    assert_int_equal(url_origin(&url, &out), HUB_OK);
    assert_string_equal(buf_c(&out), expected);
    buf_done(&out);
    url_done(&url);
}

static void empty_credentials_disappear(void **state)
{
    (void)state;
    assert_serialized(STR("https://@a/"), "https://a/");
    assert_serialized(STR("https://:@a/"), "https://a/");
    assert_serialized(STR("https://u:@a/"), "https://u@a/");
    assert_serialized(STR("https://:p@a/"), "https://:p@a/");
}

static void an_empty_query_and_fragment_stay(void **state)
{
    (void)state;
    assert_serialized(STR("https://a?#"), "https://a/?#");
}

static void a_path_that_starts_with_two_slashes_cannot_become_a_host(void **state)
{
    (void)state;
    assert_serialized(STR("web+demo:/.//not-a-host/"), "web+demo:/.//not-a-host/");
    assert_serialized(STR("web+demo:/path/..//not-a-host/"), "web+demo:/.//not-a-host/");
}

static void a_space_at_the_end_of_an_opaque_path_is_encoded_before_a_query_or_fragment(void **state)
{
    (void)state;
    assert_serialized(STR("data:a b  ?q"), "data:a b %20?q");
    assert_serialized(STR("data: #f"), "data:%20#f");
    assert_serialized(STR("data:a  "), "data:a");
}

static void the_origin_is_scheme_host_and_port(void **state)
{
    (void)state;
    assert_origin(STR("https://u:p@Example.com:8443/a?b#c"), "https://example.com:8443");
    assert_origin(STR("http://[::1]:80/"), "http://[::1]");
    assert_origin(STR("wss://a:80/"), "wss://a:80");
    assert_origin(STR("ftp://a"), "ftp://a");
}

static void files_and_other_schemes_have_no_origin(void **state)
{
    (void)state;
    assert_origin(STR("file:///a"), "null");
    assert_origin(STR("foo://host/a"), "null");
    assert_origin(STR("mailto:a@b"), "null");
}

static void a_blob_has_the_origin_of_the_url_in_it(void **state)
{
    (void)state;
    assert_origin(STR("blob:https://a:8443/b"), "https://a:8443");
    assert_origin(STR("blob:http://a/b"), "http://a");
    assert_origin(STR("blob:ftp://a/b"), "null");
    assert_origin(STR("blob:file:///a"), "null");
    assert_origin(STR("blob:blob:https://a/b"), "null");
    assert_origin(STR("blob:a"), "null");
}

static void a_buffer_that_is_too_small_has_the_error(void **state)
{
    (void)state;
    struct url url;
    struct buf out;
    buf_init(&out, 10);
    assert_int_equal(url_parse(&url, STR("https://example.com/"), NULL), HUB_OK);
    assert_int_equal(url_origin(&url, &out), HUB_E_TOO_BIG);
    buf_clear(&out);
    url_serialize(&url, &out);
    assert_int_equal(out.err, HUB_E_TOO_BIG);
    buf_done(&out);
    url_done(&url);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_credentials_disappear),
        cmocka_unit_test(an_empty_query_and_fragment_stay),
        cmocka_unit_test(a_path_that_starts_with_two_slashes_cannot_become_a_host),
        cmocka_unit_test(a_space_at_the_end_of_an_opaque_path_is_encoded_before_a_query_or_fragment),
        cmocka_unit_test(the_origin_is_scheme_host_and_port),
        cmocka_unit_test(files_and_other_schemes_have_no_origin),
        cmocka_unit_test(a_blob_has_the_origin_of_the_url_in_it),
        cmocka_unit_test(a_buffer_that_is_too_small_has_the_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
