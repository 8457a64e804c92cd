#include "base/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

// From the definition of FNV-1a, 32 bits: these stand in stored records and may never change.
static void the_stable_hash_is_fnv_1a(void **state)
{
    (void)state;
    assert_int_equal(hash_stable(STR("")), 0x811c9dc5);
    assert_int_equal(hash_stable(STR("a")), 0xe40c292c);
    assert_int_equal(hash_stable(STR("foobar")), 0xbf9cf968);
    assert_int_equal(hash_stable(STR("\xff")), (0x811c9dc5U ^ 0xffU) * 16777619U);
}

static void every_byte_and_the_length_count(void **state)
{
    (void)state;
    char text[40] = {0};
    for (size_t len = 0; len < sizeof(text); len++) {
        uint64_t plain = hash_keyed(str_make(text, len));
        for (size_t i = 0; i < len; i++) {
            text[i] = 1;
            assert_true(hash_keyed(str_make(text, len)) != plain);
            text[i] = 0;
        }
        if (len)
            assert_true(hash_keyed(str_make(text, len - 1)) != plain);
    }
}

static void equal_bytes_have_equal_hashes_wherever_they_stand(void **state)
{
    (void)state;
    char text[64];
    memset(text, 'x', sizeof(text));
    for (size_t at = 0; at < 16; at++)
        assert_true(hash_keyed(str_make(text + at, 21)) == hash_keyed(str_make(text, 21)));
    assert_true(hash_keyed(str_make(NULL, 0)) == hash_keyed(STR("")));
}

static void the_secret_changes_the_keyed_hash_alone(void **state)
{
    (void)state;
    uint64_t keyed = hash_keyed(STR("topic"));
    uint32_t stable = hash_stable(STR("topic"));
    hash_init();
    assert_true(hash_keyed(STR("topic")) != keyed);
    assert_int_equal(hash_stable(STR("topic")), stable);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_stable_hash_is_fnv_1a),
        cmocka_unit_test(every_byte_and_the_length_count),
        cmocka_unit_test(equal_bytes_have_equal_hashes_wherever_they_stand),
        cmocka_unit_test(the_secret_changes_the_keyed_hash_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
