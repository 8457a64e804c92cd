#include "base/quantity.h"

#include "base/buf.h"
#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void assert_duration(const char *text, uint64_t expected)
{
    struct buf reason;
    buf_init(&reason, 256);
    uint64_t ms = 0;
    int err = duration_parse(str_from_c(text), &ms, &reason);
    if (err)
        print_error("%s %s\n", text, buf_c(&reason));
    assert_int_equal(err, HUB_OK);
    assert_true(ms == expected);
    buf_done(&reason);
}

static void assert_duration_refused(const char *text, const char *why)
{
    struct buf reason;
    buf_init(&reason, 256);
    uint64_t ms = 7;
    assert_int_equal(duration_parse(str_from_c(text), &ms, &reason), HUB_E_INVALID);
    assert_int_equal(ms, 7);
    if (!strstr(buf_c(&reason), why))
        fail_msg("%s: %s", text, buf_c(&reason));
    buf_done(&reason);
}

static void assert_size(const char *text, uint64_t expected)
{
    struct buf reason;
    buf_init(&reason, 256);
    uint64_t bytes = 0;
    assert_int_equal(size_parse(str_from_c(text), &bytes, &reason), HUB_OK);
    assert_true(bytes == expected);
    buf_done(&reason);
}

static void assert_size_refused(const char *text)
{
    struct buf reason;
    buf_init(&reason, 256);
    uint64_t bytes = 7;
    assert_int_equal(size_parse(str_from_c(text), &bytes, &reason), HUB_E_INVALID);
    assert_int_equal(bytes, 7);
    assert_non_null(strstr(buf_c(&reason), "must be a size"));
    buf_done(&reason);
}

static void durations_are_written_as_in_go(void **state)
{
    (void)state;
    assert_duration("300ms", 300);
    assert_duration("40s", 40000);
    assert_duration("1h30m", 5400000);
    assert_duration("1h2m3s4ms", 3723004);
    assert_duration("0s", 0);
    assert_duration("0", 0);
    assert_duration("1.5s", 1500);
    assert_duration(".5s", 500);
    assert_duration("1.s", 1000);
    assert_duration("1.1h", 3960000);
    assert_duration("0.0000000000001h", 0);
    assert_duration("1s1s", 2000);
    assert_duration("2000us", 2);
    assert_duration("2000\xC2\xB5s", 2);
    assert_duration("2000\xCE\xBCs", 2);
    assert_duration("3000000ns", 3);
}

static void a_bare_number_is_told_its_unit(void **state)
{
    (void)state;
    assert_duration_refused("40", "write 40s");
    assert_duration_refused("00", "needs a unit");
    assert_duration_refused("99999999999999999999", "must be a duration");
}

static void what_is_no_duration_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"",      "s",    "40 s",  "-1s",      "+1s",  "1S",
                                        "1M",    "1d",   "1h-1m", "1h ",      "1.5",  ".s",
                                        "1..5s", "1,5s", "1e3s",  "5124096h", "1h30", "forever"};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        assert_duration_refused(texts[i], "must be a duration");
    assert_duration_refused("1.5ms", "whole milliseconds");
    assert_duration_refused("100us", "whole milliseconds");
}

static void the_longest_duration_is_what_64_bits_of_nanoseconds_hold(void **state)
{
    (void)state;
    assert_duration("5124095h", UINT64_C(5124095) * 3600000);
    assert_duration_refused("5124095h35m", "must be a duration");
}

static void sizes_have_binary_and_decimal_units(void **state)
{
    (void)state;
    assert_size("0", 0);
    assert_size("1048576", 1048576);
    assert_size("1MiB", 1048576);
    assert_size("1 MiB", 1048576);
    assert_size("1MB", 1000000);
    assert_size("1mb", 1000000);
    assert_size("64kib", 65536);
    assert_size("3KB", 3000);
    assert_size("2GiB", UINT64_C(2) << 30);
    assert_size("2TB", UINT64_C(2000000000000));
    assert_size("7B", 7);
    assert_size("18446744073709551615", UINT64_MAX);
    assert_size("16777215TiB", UINT64_C(16777215) << 40);
}

static void what_is_no_size_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        "MiB",
                                        "1.5MiB",
                                        "-1",
                                        "1M",
                                        "1k",
                                        "1 Mi B",
                                        "0x10",
                                        "1e6",
                                        " 1",
                                        "18446744073709551616",
                                        "16777216TiB"};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        assert_size_refused(texts[i]);
}

static void quantities_are_printed_as_they_are_written(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 256);
    duration_print(0, &buf);
    buf_append_c(&buf, ' ');
    duration_print(1500, &buf);
    buf_append_c(&buf, ' ');
    duration_print(90000, &buf);
    buf_append_c(&buf, ' ');
    duration_print(600000, &buf);
    buf_append_c(&buf, ' ');
    duration_print(7200000, &buf);
    buf_append_c(&buf, ' ');
    size_print(0, &buf);
    buf_append_c(&buf, ' ');
    size_print(64 << 20, &buf);
    buf_append_c(&buf, ' ');
    size_print(1000, &buf);
    assert_string_equal(buf_c(&buf), "0s 1500ms 90s 10m 2h 0 64MiB 1000");
    buf_done(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_are_written_as_in_go),
        cmocka_unit_test(a_bare_number_is_told_its_unit),
        cmocka_unit_test(what_is_no_duration_is_refused),
        cmocka_unit_test(the_longest_duration_is_what_64_bits_of_nanoseconds_hold),
        cmocka_unit_test(sizes_have_binary_and_decimal_units),
        cmocka_unit_test(what_is_no_size_is_refused),
        cmocka_unit_test(quantities_are_printed_as_they_are_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
