#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "client/url.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct fixture {
    struct arena arena;
    struct buf reason;
    struct client_url url;
};

static int set_up(void **state)
{
    static struct fixture fixture;
    fixture = (struct fixture){0};
    arena_init(&fixture.arena, 65536);
    buf_init(&fixture.reason, 1024);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    arena_done(&fixture->arena);
    buf_done(&fixture->reason);
    return 0;
}

static void assert_url(struct fixture *fixture, const char *text, const char *address, const char *host,
                       const char *path)
{
    char formatted[ADDRESS_TEXT_MAX];
    assert_int_equal(client_url_resolve(&fixture->url, str_from_c(text), &fixture->arena, &fixture->reason),
                     HUB_OK);
    (void)address_format(&fixture->url.address, formatted);
    assert_string_equal(formatted, address);
    assert_true(str_eq(fixture->url.host, str_from_c(host)));
    assert_true(str_eq(fixture->url.path, str_from_c(path)));
}

static void http_urls_are_taken_apart(void **state)
{
    assert_url(*state, "http://127.0.0.1:3000/.well-known/mercure?a=b#c", "127.0.0.1:3000", "127.0.0.1:3000",
               "/.well-known/mercure?a=b");
    assert_url(*state, "http://[::1]:81/x", "[::1]:81", "[::1]:81", "/x");
}

static void port_80_and_the_root_are_the_defaults(void **state)
{
    assert_url(*state, "http://127.0.0.1", "127.0.0.1:80", "127.0.0.1", "/");
    assert_url(*state, "http://[::1]", "[::1]:80", "[::1]", "/");
}

static void unix_sockets_may_have_a_path(void **state)
{
    assert_url(*state, "unix:/run/hub.sock", "unix:/run/hub.sock", "localhost", "/");
    assert_url(*state, "unix:/run/hub.sock:/hub", "unix:/run/hub.sock", "localhost", "/hub");
}

static void what_cannot_be_asked_is_refused_with_a_sentence(void **state)
{
    struct fixture *fixture = *state;
    static const char *const wrong[] = {
        "localhost:3000",         "https://localhost/",
        "http://127.0.0.1:x/",    "http://127.0.0.1:70000/",
        "http://127.0.0.1/a b",   "http://",
        "http://127.0.0.1?a=b",   "unix:relative",
        "http://127.0.0.1/\r\nX", "",
    };
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        buf_clear(&fixture->reason);
        assert_true(
            client_url_resolve(&fixture->url, str_from_c(wrong[i]), &fixture->arena, &fixture->reason) < 0);
        assert_true(fixture->reason.len > 0);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(http_urls_are_taken_apart),
        TEST(port_80_and_the_root_are_the_defaults),
        TEST(unix_sockets_may_have_a_path),
        TEST(what_cannot_be_asked_is_refused_with_a_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
