#include "http/date.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static void assert_date(uint64_t unix_s, const char *expected)
{
    char text[HTTP_DATE_LEN + 1] = {0};
    http_date_write(text, unix_s);
    assert_string_equal(text, expected);
}

static void dates_are_written_as_the_standard_says(void **state)
{
    (void)state;
    assert_date(784111777, "Sun, 06 Nov 1994 08:49:37 GMT");
    assert_date(0, "Thu, 01 Jan 1970 00:00:00 GMT");
    assert_date(951782399, "Mon, 28 Feb 2000 23:59:59 GMT");
    assert_date(951782400, "Tue, 29 Feb 2000 00:00:00 GMT");
    assert_date(4107542400, "Mon, 01 Mar 2100 00:00:00 GMT");
}

static void every_day_is_the_one_that_the_system_knows(void **state)
{
    (void)state;
    for (time_t day = 0; day < 365 * 200; day++) {
        time_t unix_s = day * 86400 + day % 86400;
        struct tm tm;
        char text[64];
        assert_non_null(gmtime_r(&unix_s, &tm));
        assert_int_equal(strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &tm), HTTP_DATE_LEN);
        assert_date((uint64_t)unix_s, text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dates_are_written_as_the_standard_says),
        cmocka_unit_test(every_day_is_the_one_that_the_system_knows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
