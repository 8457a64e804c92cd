#include "base/uuid.h"

#include "base/attr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define NOW_MS UINT64_C(1792800000123)

static struct str make_v7(char *to, uint64_t now_ms)
{
    uuid_urn_v7(to, now_ms);
    return str_make(to, UUID_URN_LEN);
}

static void version_7_carries_its_time(void **state)
{
    (void)state;
    char text[UUID_URN_LEN + 1] = {0};
    static const uint64_t times[] = {1, NOW_MS, NOW_MS + 5};
    for (size_t i = 0; i < ARRAY_LEN(times); i++) {
        uint64_t time_ms;
        assert_true(uuid_urn_time(make_v7(text, times[i]), &time_ms));
        assert_true(time_ms == times[i]);
    }
    assert_int_equal(text[UUID_URN_LEN], 0);
}

static void ids_of_one_thread_rise_also_within_a_millisecond(void **state)
{
    (void)state;
    char last[UUID_URN_LEN], next[UUID_URN_LEN];
    uint64_t now_ms = UINT64_C(1) << 47;
    (void)make_v7(last, now_ms);
    // More than a counter of 12 bits holds; and a clock that goes back.
    for (unsigned i = 0; i < 20000; i++) {
        if (i == 10000)
            now_ms -= 1000;
        assert_true(str_cmp(make_v7(next, now_ms), str_make(last, sizeof(last))) > 0);
        memcpy(last, next, sizeof(last));
    }
}

static void version_4_is_random_and_carries_no_time(void **state)
{
    (void)state;
    char a[UUID_URN_LEN], b[UUID_URN_LEN];
    uuid_urn_v4(a);
    uuid_urn_v4(b);
    assert_memory_not_equal(a, b, sizeof(a));
    assert_memory_equal(a, "urn:uuid:", 9);
    assert_int_equal(a[9 + 14], '4');
    assert_non_null(strchr("89ab", a[9 + 19]));
    uint64_t time_ms;
    assert_false(uuid_urn_time(str_make(a, sizeof(a)), &time_ms));
}

static void what_is_no_urn_of_version_7_has_no_time(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "urn:uuid:",
        "0191e7f2-0000-7000-8000-000000000000",
        "urn:uuid:0191e7f2-0000-7000-8000-00000000000",
        "urn:uuid:0191e7f2-0000-7000-8000-0000000000000",
        "urn:uuid:0191e7f2-0000-4000-8000-000000000000",
        "urn:uuid:0191e7f2-0000-7000-c000-000000000000",
        "urn:uuid:0191E7F2-0000-7000-8000-000000000000",
        "URN:UUID:0191e7f2-0000-7000-8000-000000000000",
        "urn:uuid:0191e7f2+0000-7000-8000-000000000000",
        "urn:uuid:0191e7f2-0000-7000-8000-00000000000g",
        "urn:uuid:0191e7f20-000-7000-8000-000000000000",
    };
    uint64_t time_ms = 7;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        assert_false(uuid_urn_time(str_from_c(texts[i]), &time_ms));
    char zero[] = "urn:uuid:0191e7f2-0000-7000-8000-000000000000";
    assert_true(uuid_urn_time(str_from_c(zero), &time_ms));
    zero[20] = '\0';
    time_ms = 7;
    assert_false(uuid_urn_time(str_make(zero, UUID_URN_LEN), &time_ms));
    zero[20] = '0';
    zero[9 + 19] = '\0';
    assert_false(uuid_urn_time(str_make(zero, UUID_URN_LEN), &time_ms));
    assert_int_equal(time_ms, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(version_7_carries_its_time),
        cmocka_unit_test(ids_of_one_thread_rise_also_within_a_millisecond),
        cmocka_unit_test(version_4_is_random_and_carries_no_time),
        cmocka_unit_test(what_is_no_urn_of_version_7_has_no_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
