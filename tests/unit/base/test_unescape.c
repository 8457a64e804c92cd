#include "base/unescape.h"

#include "base/arena.h"
#include "base/err.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void check(const char *text, bool plus, struct str wanted)
{
    struct arena arena;
    struct str found;
    arena_init(&arena, 4096);
    assert_int_equal(unescape(str_from_c(text), plus, &arena, &found), HUB_OK);
    assert_true(str_eq(found, wanted));
    assert_int_equal(found.ptr[found.len], 0);
    arena_done(&arena);
}

static void escapes_become_bytes(void **state)
{
    (void)state;
    check("", false, STR(""));
    check("a%2Fb%2fc", false, STR("a/b/c"));
    check("%00%ff", false, str_make("\0\xff", 2));
    check("%2525", false, STR("%25"));
}

static void a_plus_is_a_space_where_it_is_asked_for(void **state)
{
    (void)state;
    check("a+b%2B", true, STR("a b+"));
    check("a+b%2B", false, STR("a+b+"));
}

static void half_an_escape_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"%", "a%", "%4", "%4g", "%g4", "%%41"};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct arena arena;
        struct str found;
        arena_init(&arena, 4096);
        assert_int_equal(unescape(str_from_c(texts[i]), true, &arena, &found), HUB_E_INVALID);
        arena_done(&arena);
    }
}

static void memory_is_bounded(void **state)
{
    (void)state;
    struct arena arena;
    struct str found;
    static char text[8192];
    arena_init(&arena, 4096);
    assert_int_equal(unescape(str_make(text, sizeof(text)), true, &arena, &found), -ENOMEM);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(escapes_become_bytes),
        cmocka_unit_test(a_plus_is_a_space_where_it_is_asked_for),
        cmocka_unit_test(half_an_escape_is_refused),
        cmocka_unit_test(memory_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
