#include "base/network.h"

#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static bool is_in(const char *network, const char *address)
{
    struct network parsed;
    struct ip ip;
    assert_int_equal(network_parse(&parsed, str_from_c(network)), HUB_OK);
    assert_int_equal(ip_parse(&ip, str_from_c(address)), HUB_OK);
    return networks_have(&(struct networks){&parsed, 1}, &ip);
}

static void a_network_has_the_addresses_that_begin_as_it_does(void **state)
{
    (void)state;
    assert_true(is_in("10.0.0.0/8", "10.255.0.1"));
    assert_false(is_in("10.0.0.0/8", "11.0.0.1"));
    assert_true(is_in("192.0.2.128/25", "192.0.2.129"));
    assert_false(is_in("192.0.2.128/25", "192.0.2.127"));
    assert_true(is_in("192.0.2.1", "192.0.2.1"));
    assert_false(is_in("192.0.2.1", "192.0.2.2"));
    assert_true(is_in("0.0.0.0/0", "203.0.113.9"));
    assert_true(is_in("2001:db8::/32", "2001:DB8:1::5"));
    assert_false(is_in("2001:db8::/32", "2001:db9::"));
    assert_true(is_in("::1", "0:0::1"));
    assert_true(is_in("::/0", "fe80::1"));
}

static void ipv4_is_the_same_mapped_into_ipv6(void **state)
{
    (void)state;
    assert_true(is_in("10.0.0.0/8", "::ffff:10.1.2.3"));
    assert_true(is_in("::ffff:10.0.0.0/104", "10.1.2.3"));
    assert_false(is_in("0.0.0.0/0", "::1"));
}

static void any_of_the_networks_will_do(void **state)
{
    (void)state;
    struct network list[2];
    struct ip ip;
    assert_int_equal(network_parse(&list[0], STR("10.0.0.0/8")), HUB_OK);
    assert_int_equal(network_parse(&list[1], STR("::1")), HUB_OK);
    assert_int_equal(ip_parse(&ip, STR("::1")), HUB_OK);
    assert_true(networks_have(&(struct networks){list, 2}, &ip));
    assert_false(networks_have(&(struct networks){list, 1}, &ip));
    assert_false(networks_have(&(struct networks){0}, &ip));
}

static void what_is_no_address_or_network_is_refused(void **state)
{
    (void)state;
    static const struct str wrong[] = {
        STR(""),
        STR("10.0.0"),
        STR("10.0.0.0/"),
        STR("10.0.0.0/33"),
        STR("::/129"),
        STR("10.0.0.0/-1"),
        STR("localhost"),
        STR("10.0.0.0/8/8"),
        STR("[::1]"),
        STR("010.0.0.1"),
        STR("::1\0"),
        STR("/8"),
        STR("fe80::1%eth0"),
        STR("1111:2222:3333:4444:5555:6666:7777:8888:9999"),
    };
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct network network;
        if (network_parse(&network, wrong[i]) != HUB_E_INVALID)
            fail_msg("%.*s was taken", STR_ARG(wrong[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_network_has_the_addresses_that_begin_as_it_does),
        cmocka_unit_test(ipv4_is_the_same_mapped_into_ipv6),
        cmocka_unit_test(any_of_the_networks_will_do),
        cmocka_unit_test(what_is_no_address_or_network_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
