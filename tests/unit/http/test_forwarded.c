#include "http/forwarded.h"

#include "base/attr.h"
#include "base/err.h"
#include "http/fields.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

// Proxies have addresses that begin with 10 or are fd00::/8.
static struct networks proxies(void)
{
    static struct network list[2];
    assert_int_equal(network_parse(&list[0], STR("10.0.0.0/8")), HUB_OK);
    assert_int_equal(network_parse(&list[1], STR("fd00::/8")), HUB_OK);
    return (struct networks){list, 2};
}

#define FIELDS(...) \
    (struct http_field[]){__VA_ARGS__}, sizeof((struct http_field[]){__VA_ARGS__}) / sizeof(struct http_field)

static struct forwarded read(bool anybody, struct http_field *list, size_t count)
{
    struct http_trust trust = {.anybody = anybody};
    if (!anybody)
        trust.proxies = proxies();
    struct http_fields fields = {list, count};
    struct forwarded forwarded;
    forwarded_read(&forwarded, &fields, &trust);
    return forwarded;
}

static void assert_text(struct str actual, const char *expected)
{
    if (!expected)
        assert_null(actual.ptr);
    else if (!actual.ptr || !str_eq(actual, str_from_c(expected)))
        fail_msg("\"%.*s\", not \"%s\"", STR_ARG(actual), expected);
}

#define CLIENT(name, value) (read(false, FIELDS(HTTP_FIELD(name, value))).client)

static void the_client_is_the_last_on_the_way_that_is_no_proxy(void **state)
{
    (void)state;
    assert_text(CLIENT("X-Forwarded-For", "192.0.2.1"), "192.0.2.1");
    assert_text(CLIENT("X-Forwarded-For", "192.0.2.1, 10.0.0.1"), "192.0.2.1");
    assert_text(CLIENT("X-Forwarded-For", "203.0.113.66, 192.0.2.1,10.0.0.1 , fd00::5"), "192.0.2.1");
    assert_text(CLIENT("X-Forwarded-For", "10.0.0.3, 10.0.0.2"), "10.0.0.3");
    assert_text(CLIENT("x-forwarded-for", "2001:db8::1"), "2001:db8::1");
    assert_text(CLIENT("X-Real-IP", "192.0.2.1"), "192.0.2.1");
    assert_text(CLIENT("Forwarded", "for=192.0.2.1"), "192.0.2.1");
    assert_text(
        CLIENT("Forwarded", "for=203.0.113.66;by=x, For=\"[2001:db8::1]:4711\";proto=https , for=10.0.0.1"),
        "2001:db8::1");
}

static void a_port_is_no_part_of_the_client(void **state)
{
    (void)state;
    assert_text(CLIENT("X-Forwarded-For", "192.0.2.1:80"), "192.0.2.1");
    assert_text(CLIENT("X-Forwarded-For", "[2001:db8::1]:80"), "2001:db8::1");
    assert_text(CLIENT("X-Forwarded-For", "[2001:db8::1]"), "2001:db8::1");
}

static void behind_what_is_no_address_nobody_is_known(void **state)
{
    (void)state;
    assert_text(CLIENT("X-Forwarded-For", "unknown"), NULL);
    assert_text(CLIENT("X-Forwarded-For", ""), NULL);
    assert_text(CLIENT("X-Forwarded-For", "192.0.2.1, unknown, 10.0.0.1"), "10.0.0.1");
    assert_text(CLIENT("X-Forwarded-For", "192.0.2.1, unknown"), NULL);
    assert_text(CLIENT("Forwarded", "for=192.0.2.1, proto=https"), NULL);
    assert_text(CLIENT("Forwarded", "for=_hidden"), NULL);
    assert_text(CLIENT("Forwarded", "for=\"192.0.2.1"), NULL);
    assert_text(CLIENT("X-Other", "192.0.2.1"), NULL);
}

static void fields_of_one_name_are_one_list(void **state)
{
    (void)state;
    assert_text(read(false, FIELDS(HTTP_FIELD("X-Forwarded-For", "203.0.113.66"),
                                   HTTP_FIELD("X-Forwarded-For", "192.0.2.1"),
                                   HTTP_FIELD("X-Forwarded-For", "10.0.0.1")))
                    .client,
                "192.0.2.1");
}

static void where_everybody_is_believed_the_first_is_the_client(void **state)
{
    (void)state;
    assert_text(read(true, FIELDS(HTTP_FIELD("X-Forwarded-For", "203.0.113.66, 192.0.2.1, 10.0.0.1"))).client,
                "203.0.113.66");
}

static void what_0x_read_comes_before_the_standard(void **state)
{
    (void)state;
    struct forwarded forwarded =
        read(false, FIELDS(HTTP_FIELD("Forwarded", "for=192.0.2.1;proto=http;host=a.example"),
                           HTTP_FIELD("X-Real-IP", "192.0.2.2"), HTTP_FIELD("X-Forwarded-For", "192.0.2.3"),
                           HTTP_FIELD("X-Forwarded-Scheme", "http"), HTTP_FIELD("X-Forwarded-Proto", "HTTPS"),
                           HTTP_FIELD("X-Forwarded-Host", "b.example:8443")));
    assert_text(forwarded.client, "192.0.2.3");
    assert_text(forwarded.scheme, "https");
    assert_text(forwarded.authority, "b.example:8443");
}

static void scheme_and_host_are_those_of_the_first_proxy(void **state)
{
    (void)state;
    struct forwarded forwarded = read(
        false, FIELDS(HTTP_FIELD("Forwarded",
                                 "host=\"a.example:1\"; PROTO=\"https\", host=b;proto=http;for=1.2.3.4")));
    assert_text(forwarded.scheme, "https");
    assert_text(forwarded.authority, "a.example:1");
    forwarded = read(false, FIELDS(HTTP_FIELD("X-Forwarded-Scheme", "https"),
                                   HTTP_FIELD("X-Forwarded-Host", "a.example, b.example")));
    assert_text(forwarded.scheme, "https");
    assert_text(forwarded.authority, "a.example");
}

static void another_scheme_and_nothing_at_all_tell_nothing(void **state)
{
    (void)state;
    struct forwarded forwarded =
        read(false, FIELDS(HTTP_FIELD("X-Forwarded-Proto", "ws"), HTTP_FIELD("X-Forwarded-Host", "")));
    assert_text(forwarded.scheme, NULL);
    assert_text(forwarded.authority, NULL);
    assert_text(forwarded.client, NULL);
}

static void a_peer_is_believed_by_its_address(void **state)
{
    (void)state;
    struct http_trust trust = {.proxies = proxies()};
    assert_true(http_trust_has(&trust, STR("10.1.2.3:4711")));
    assert_true(http_trust_has(&trust, STR("[fd00::1]:4711")));
    assert_true(http_trust_has(&trust, STR("unix")));
    assert_false(http_trust_has(&trust, STR("192.0.2.1:4711")));
    assert_false(http_trust_has(&trust, STR("[2001:db8::1]:4711")));
    assert_false(http_trust_has(&trust, STR("")));
    trust = (struct http_trust){.anybody = true};
    assert_true(http_trust_has(&trust, STR("192.0.2.1:4711")));
    trust = (struct http_trust){0};
    assert_false(http_trust_has(&trust, STR("10.1.2.3:4711")));
    assert_false(http_trust_has(&trust, STR("unix")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_client_is_the_last_on_the_way_that_is_no_proxy),
        cmocka_unit_test(a_port_is_no_part_of_the_client),
        cmocka_unit_test(behind_what_is_no_address_nobody_is_known),
        cmocka_unit_test(fields_of_one_name_are_one_list),
        cmocka_unit_test(where_everybody_is_believed_the_first_is_the_client),
        cmocka_unit_test(what_0x_read_comes_before_the_standard),
        cmocka_unit_test(scheme_and_host_are_those_of_the_first_proxy),
        cmocka_unit_test(another_scheme_and_nothing_at_all_tell_nothing),
        cmocka_unit_test(a_peer_is_believed_by_its_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
