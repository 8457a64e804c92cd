#include "conf/syntax.h"

#include "base/attr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void assert_sound(const char *(*check)(struct str), const char *const *texts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *wrong = check(str_from_c(texts[i]));
        if (wrong)
            fail_msg("%s %s", texts[i], wrong);
    }
}

static void assert_wrong(const char *(*check)(struct str), const char *const *texts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!check(str_from_c(texts[i])))
            fail_msg("%s was taken", texts[i]);
    }
}

static void addresses_have_a_host_and_a_port_or_a_path(void **state)
{
    (void)state;
    static const char *const sound[] = {
        ":80",         ":0",       "127.0.0.1:2019",   "localhost:65535",
        "[::1]:80",    "[::]:443", "[fe80::1%eth0]:1", "hub-1.example.com:8080",
        "unix:/run/a", "unix:/a b"};
    static const char *const wrong[] = {
        "",       "80",          "localhost", "localhost:", ":65536", ":-1",
        ":http",  "::1:80",      "[::1]",     "[::1:80",    "[]:80",  "[::1]x:80",
        "a b:80", "http://a:80", "unix:",     "unix:run",   "unix:/", ":000080"};
    assert_sound(syntax_check_address, sound, ARRAY_LEN(sound));
    assert_wrong(syntax_check_address, wrong, ARRAY_LEN(wrong));
}

static void a_socket_path_fits_the_kernels_address(void **state)
{
    (void)state;
    char text[5 + 108] = "unix:/";
    memset(text + 6, 'a', sizeof(text) - 6);
    assert_null(syntax_check_address(str_make(text, sizeof(text) - 1)));
    assert_non_null(syntax_check_address(str_make(text, sizeof(text))));
}

static void an_origin_is_a_scheme_and_an_authority(void **state)
{
    (void)state;
    static const char *const sound[] = {"*",
                                        "null",
                                        "https://example.com",
                                        "http://localhost:3000",
                                        "https://[::1]:8443",
                                        "capacitor://",
                                        "http://localhost:*",
                                        "https://*.example.com",
                                        "https://example.*",
                                        "HTTPS://Example.COM",
                                        "chrome-extension://abc",
                                        "https://b\xC3\xBC"
                                        "cher.example"};
    static const char *const wrong[] = {"",
                                        "example.com",
                                        "*.example.com",
                                        "https://example.com/",
                                        "https://example.com/a",
                                        "https://example.com?a",
                                        "https://example.com#a",
                                        "https://user@example.com",
                                        "https://example.com:",
                                        "https://example.com:http",
                                        "https://example.com:8*",
                                        "https://*.example.com:*",
                                        "https://example.com:65536",
                                        "https://*.*.example.com",
                                        "https://:80",
                                        "https:example.com",
                                        "//example.com",
                                        "https://a b",
                                        "https://a,https://b",
                                        "Null",
                                        "**",
                                        "https://a\\b"};
    assert_sound(syntax_check_origin, sound, ARRAY_LEN(sound));
    assert_wrong(syntax_check_origin, wrong, ARRAY_LEN(wrong));
}

static void a_web_url_is_absolute_and_has_a_host(void **state)
{
    (void)state;
    static const char *const sound[] = {"https://example.com", "http://localhost:3000/.well-known/mercure",
                                        "https://example.com/a?b=c%20d", "HTTPS://[::1]:1/",
                                        "https://1.2.3.4"};
    static const char *const wrong[] = {"",
                                        "example.com",
                                        "/a",
                                        "ftp://example.com",
                                        "https://",
                                        "https:///a",
                                        "https://:80",
                                        "https://example.com#a",
                                        "https://u:p@example.com/",
                                        "https://example.com:x/",
                                        "https://example.com:70000/",
                                        "https://exa mple.com/",
                                        "https://example.com/a b",
                                        "https://example.com/\x01",
                                        "https://[::1/",
                                        "https://a,b/",
                                        "https://*.example.com"};
    assert_sound(syntax_check_web_url, sound, ARRAY_LEN(sound));
    assert_wrong(syntax_check_web_url, wrong, ARRAY_LEN(wrong));
}

static void a_cookies_name_is_a_token(void **state)
{
    (void)state;
    static const char *const sound[] = {"a", "__Secure-mercure_access_token", "!#$%&'*+-.^_`|~09AZaz"};
    static const char *const wrong[] = {"",      "a b",   "a=b",      "a;b",  "a,b",
                                        "\"a\"", "a\x7f", "\xC3\xA9", "a\tb", "(a)"};
    assert_sound(syntax_check_token, sound, ARRAY_LEN(sound));
    assert_wrong(syntax_check_token, wrong, ARRAY_LEN(wrong));
    assert_non_null(syntax_check_token(str_make("a\0", 2)));
}

static void the_host_of_a_url_is_found(void **state)
{
    (void)state;
    assert_true(str_eq(syntax_host(STR("https://example.com:80/a:b")), STR("example.com")));
    assert_true(str_eq(syntax_host(STR("https://[::1]:80")), STR("[::1]")));
    assert_true(str_eq(syntax_host(STR("https://a?b")), STR("a")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_have_a_host_and_a_port_or_a_path),
        cmocka_unit_test(a_socket_path_fits_the_kernels_address),
        cmocka_unit_test(an_origin_is_a_scheme_and_an_authority),
        cmocka_unit_test(a_web_url_is_absolute_and_has_a_host),
        cmocka_unit_test(a_cookies_name_is_a_token),
        cmocka_unit_test(the_host_of_a_url_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
