#include "base/buf.h"
#include "base/err.h"
#include "net/address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void assert_resolved(const char *text, const char *expected)
{
    struct buf err;
    buf_init(&err, 256);
    struct address address;
    assert_int_equal(address_resolve(&address, str_from_c(text), &err), HUB_OK);
    char formatted[ADDRESS_TEXT_MAX];
    assert_int_equal(address_format(&address, formatted), strlen(expected));
    assert_string_equal(formatted, expected);
    assert_int_equal(address_is_tcp(&address), strncmp(expected, "unix", 4) != 0);
    buf_done(&err);
}

static void assert_refused(const char *text)
{
    struct buf err;
    buf_init(&err, 256);
    struct address address;
    assert_true(address_resolve(&address, str_from_c(text), &err) < 0);
    assert_true(err.len > 0);
    buf_done(&err);
}

static void addresses_of_every_form_are_understood(void **state)
{
    (void)state;
    assert_resolved("127.0.0.1:80", "127.0.0.1:80");
    assert_resolved("localhost:0", "127.0.0.1:0");
    assert_resolved(":3000", "[::]:3000");
    assert_resolved("[::1]:65535", "[::1]:65535");
    assert_resolved("unix:/run/a b.sock", "unix:/run/a b.sock");
}

static void others_are_refused_with_a_cause(void **state)
{
    (void)state;
    assert_refused("");
    assert_refused("80");
    assert_refused("localhost");
    assert_refused("localhost:");
    assert_refused("localhost:http");
    assert_refused("localhost:65536");
    assert_refused("localhost:-1");
    assert_refused("[::1]");
    assert_refused("[::1:80");
    assert_refused("[::1]80");
    assert_refused("::1:80");
    assert_refused("unix:");
    assert_refused("no such host.invalid:80");
    assert_refused(
        "unix:/0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890"
        "01234567890123456789");
}

static void an_ipv4_client_of_a_socket_of_both_families_looks_like_one(void **state)
{
    (void)state;
    assert_resolved("[::ffff:192.0.2.1]:80", "192.0.2.1:80");
}

static void a_socket_without_a_name_is_just_unix(void **state)
{
    (void)state;
    struct address address = {.len = sizeof(sa_family_t), .un.sun_family = AF_UNIX};
    char text[ADDRESS_TEXT_MAX];
    (void)address_format(&address, text);
    assert_string_equal(text, "unix");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_of_every_form_are_understood),
        cmocka_unit_test(others_are_refused_with_a_cause),
        cmocka_unit_test(an_ipv4_client_of_a_socket_of_both_families_looks_like_one),
        cmocka_unit_test(a_socket_without_a_name_is_just_unix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
