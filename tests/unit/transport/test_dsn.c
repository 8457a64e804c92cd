#include "transport/dsn.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
    struct arena arena;
    struct buf reason;
};

static int setup(void **state)
{
    static struct fixture fixture;
    arena_init(&fixture.arena, 1 << 20);
    buf_init(&fixture.reason, 1024);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    arena_done(&fixture->arena);
    buf_done(&fixture->reason);
    return 0;
}

static void assert_str(struct str s, const char *expected)
{
    assert_int_equal(s.len, strlen(expected));
    assert_memory_equal(s.ptr, expected, s.len);
}

static void the_parts_are_found(void **state)
{
    struct fixture *fixture = *state;
    static const char *const cases[][5] = {
        {"bolt://m.db", "bolt", "m.db", "", ""},
        {"bolt:///var/m.db", "bolt", "", "/var/m.db", ""},
        {"bolt://dir/m.db?size=10&x=/y", "bolt", "dir", "/m.db", "size=10&x=/y"},
        {"bolt://user:pw@host:1/a?b#c?d", "bolt", "host:1", "/a", "b"},
        {"bolt://m.db?#", "bolt", "m.db", "", ""},
        {"bolt://m.db#x?y", "bolt", "m.db", "", ""},
        {"pulsar+ssl://a/b%20c%2Fd", "pulsar+ssl", "a", "/b c/d", ""},
        {"local://", "local", "", "", ""},
        {"local://?a/b@c", "local", "", "", "a/b@c"},
        {"bolt:///a/b@c", "bolt", "", "/a/b@c", ""},
        {"bolt://%41", "bolt", "%41", "", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct dsn dsn;
        assert_int_equal(dsn_parse(&dsn, str_from_c(cases[i][0]), &fixture->arena, &fixture->reason), HUB_OK);
        assert_str(dsn.scheme, cases[i][1]);
        assert_str(dsn.host, cases[i][2]);
        assert_str(dsn.path, cases[i][3]);
        assert_int_equal(dsn.path.ptr[dsn.path.len], 0);
        assert_str(dsn.query, cases[i][4]);
    }
}

static void what_is_no_such_url_is_refused_with_a_sentence(void **state)
{
    struct fixture *fixture = *state;
    static const char *const cases[][2] = {
        {"", "needs a scheme"},         {"bolt", "needs a scheme"},      {"://a", "needs a scheme"},
        {"bolt:/a", "needs a scheme"},  {"m.db", "needs a scheme"},      {"bolt:///%", "hexadecimal"},
        {"bolt:///a%4", "hexadecimal"}, {"bolt:///a%zz", "hexadecimal"}, {"bolt:///a%00b", "hexadecimal"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct dsn dsn;
        buf_clear(&fixture->reason);
        assert_int_equal(dsn_parse(&dsn, str_from_c(cases[i][0]), &fixture->arena, &fixture->reason),
                         HUB_E_INVALID);
        assert_non_null(strstr(buf_c(&fixture->reason), cases[i][1]));
    }
}

static void memory_that_runs_out_is_told(void **state)
{
    struct fixture *fixture = *state;
    struct arena small;
    arena_init(&small, 0);
    struct dsn dsn;
    assert_int_equal(dsn_parse(&dsn, STR("bolt:///a"), &small, &fixture->reason), -ENOMEM);
    arena_done(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_parts_are_found, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_no_such_url_is_refused_with_a_sentence, setup, teardown),
        cmocka_unit_test_setup_teardown(memory_that_runs_out_is_told, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
