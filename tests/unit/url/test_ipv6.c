#include "base/buf.h"
#include "base/err.h"
#include "url/ip.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

// Parses and writes again.
static void assert_form(const char *text, const char *expected)
{
    uint16_t pieces[8];
    assert_int_equal(ipv6_parse(str_from_c(text), pieces), HUB_OK);
    struct buf out;
    buf_init(&out, 39);
    ipv6_append(&out, pieces);
    assert_string_equal(buf_c(&out), expected);
    buf_done(&out);
}

static void assert_refused(struct str text)
{
    uint16_t pieces[8];
    assert_int_equal(ipv6_parse(text, pieces), HUB_E_INVALID);
}

static void pieces_lose_case_and_leading_zeros(void **state)
{
    (void)state;
    assert_form("2001:0DB8:0085:A3b4:c:8a2e:0370:7334", "2001:db8:85:a3b4:c:8a2e:370:7334");
    assert_form("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
}

static void the_first_longest_run_of_zeros_is_compressed(void **state)
{
    (void)state;
    assert_form("0:0:0:0:0:0:0:0", "::");
    assert_form("1:0:0:0:0:0:0:0", "1::");
    assert_form("0:0:0:0:0:0:0:1", "::1");
    assert_form("0:f:0:0:f:f:0:0", "0:f::f:f:0:0");
    assert_form("1:0:0:2:0:0:0:3", "1:0:0:2::3");
}

static void a_single_zero_is_not_compressed(void **state)
{
    (void)state;
    assert_form("1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7");
    assert_form("1::2:3:4:5:6:7", "1:0:2:3:4:5:6:7");
}

static void a_compression_stands_for_what_is_missing(void **state)
{
    (void)state;
    assert_form("::", "::");
    assert_form("::1", "::1");
    assert_form("1::", "1::");
    assert_form("1:2::7:8", "1:2::7:8");
    assert_form("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0");
    assert_form("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8");
}

static void the_last_two_pieces_may_be_an_ipv4_address(void **state)
{
    (void)state;
    assert_form("::127.0.0.1", "::7f00:1");
    assert_form("1:2:3:4:5:6:255.254.253.252", "1:2:3:4:5:6:fffe:fdfc");
    assert_refused(STR("::127.0.0"));
    assert_refused(STR("::127.0.0.1.2"));
    assert_refused(STR("::127.0.0.256"));
    assert_refused(STR("::127.0.0.01"));
    assert_refused(STR("::127.0.0.0x1"));
    assert_refused(STR("::127..0.1"));
    assert_refused(STR("::.1.2.3"));
    assert_refused(STR("::127.0.0.1:2"));
    assert_refused(STR("1:2:3:4:5:6:7:1.2.3.4"));
    assert_refused(STR("::ff.0.0.1"));
}

static void other_forms_are_refused(void **state)
{
    (void)state;
    assert_refused(STR(""));
    assert_refused(STR(":"));
    assert_refused(STR(":1"));
    assert_refused(STR("1:"));
    assert_refused(STR("1:2:3:4:5:6:7"));
    assert_refused(STR("1:2:3:4:5:6:7:8:9"));
    assert_refused(STR("1:2:3:4:5:6:7:8::"));
    assert_refused(STR("1::2::3"));
    assert_refused(STR(":::"));
    assert_refused(STR("12345::"));
    assert_refused(STR("g::"));
    assert_refused(STR("::1%25eth0"));
    assert_refused(STR("::1\0"));
    assert_refused(STR("\0"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_lose_case_and_leading_zeros),
        cmocka_unit_test(the_first_longest_run_of_zeros_is_compressed),
        cmocka_unit_test(a_single_zero_is_not_compressed),
        cmocka_unit_test(a_compression_stands_for_what_is_missing),
        cmocka_unit_test(the_last_two_pieces_may_be_an_ipv4_address),
        cmocka_unit_test(other_forms_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
