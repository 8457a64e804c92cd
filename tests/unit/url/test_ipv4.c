#include "base/buf.h"
#include "base/err.h"
#include "url/ip.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void assert_address(const char *text, uint32_t expected)
{
    uint32_t address = 1;
    assert_true(ipv4_is_meant(str_from_c(text)));
    assert_int_equal(ipv4_parse(str_from_c(text), &address), HUB_OK);
    assert_int_equal(address, expected);
}

static void assert_refused(const char *text)
{
    uint32_t address;
    assert_int_equal(ipv4_parse(str_from_c(text), &address), HUB_E_INVALID);
}

static void the_last_part_fills_what_the_others_leave(void **state)
{
    (void)state;
    assert_address("1.2.3.4", 0x01020304);
    assert_address("1.2.772", 0x01020304);
    assert_address("1.131844", 0x01020304);
    assert_address("16909060", 0x01020304);
}

static void parts_may_be_hexadecimal_or_octal(void **state)
{
    (void)state;
    assert_address("0xC0.0Xa8.010.00", 0xC0A80800);
    assert_address("0x.0x.0", 0);
    assert_address("037777777777", 0xFFFFFFFF);
}

static void one_dot_may_end_it(void **state)
{
    (void)state;
    assert_address("1.2.3.4.", 0x01020304);
    assert_refused("1.2.3.4..");
}

static void each_part_is_checked_at_its_bound(void **state)
{
    (void)state;
    assert_address("255.255.255.255", 0xFFFFFFFF);
    assert_refused("256.1.1.1");
    assert_refused("1.1.1.256");
    assert_address("1.1.65535", 0x0101FFFF);
    assert_refused("1.1.65536");
    assert_address("1.16777215", 0x01FFFFFF);
    assert_refused("1.16777216");
    assert_address("4294967295", 0xFFFFFFFF);
    assert_refused("4294967296");
    assert_refused("99999999999999999999999999999999999999999999");
    assert_refused("18446744073709551616"); // 2 to the 64th
}

static void what_is_no_number_is_refused(void **state)
{
    (void)state;
    assert_refused("1..2");
    assert_refused(".1");
    assert_refused("09");
    assert_refused("1.0xg");
    assert_refused("1.2.3.4.5");
    assert_refused("");
}

static void only_a_number_at_the_end_means_an_address(void **state)
{
    (void)state;
    assert_true(ipv4_is_meant(STR("foo.09")));
    assert_true(ipv4_is_meant(STR("foo.0x")));
    assert_true(ipv4_is_meant(STR("foo.0xff.")));
    assert_false(ipv4_is_meant(STR("1.2.foo")));
    assert_false(ipv4_is_meant(STR("1.2..")));
    assert_false(ipv4_is_meant(STR("0xg")));
    assert_false(ipv4_is_meant(STR(".")));
}

static void addresses_are_written_as_four_numbers(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 15);
    ipv4_append(&out, 0xFFFEFDFC);
    assert_string_equal(buf_c(&out), "255.254.253.252");
    buf_clear(&out);
    ipv4_append(&out, 1);
    assert_string_equal(buf_c(&out), "0.0.0.1");
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_part_fills_what_the_others_leave),
        cmocka_unit_test(parts_may_be_hexadecimal_or_octal),
        cmocka_unit_test(one_dot_may_end_it),
        cmocka_unit_test(each_part_is_checked_at_its_bound),
        cmocka_unit_test(what_is_no_number_is_refused),
        cmocka_unit_test(only_a_number_at_the_end_means_an_address),
        cmocka_unit_test(addresses_are_written_as_four_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
