#include "base/arena.h"

#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void pieces_are_aligned_and_apart(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, (size_t)1 << 20);
    unsigned char *pieces[200];
    for (size_t i = 0; i < 200; i++) {
        pieces[i] = arena_alloc(&arena, i + 1);
        assert_non_null(pieces[i]);
        assert_int_equal((uintptr_t)pieces[i] % alignof(max_align_t), 0);
        memset(pieces[i], (int)i, i + 1);
    }
    for (size_t i = 0; i < 200; i++) {
        assert_int_equal(pieces[i][0], i);
        assert_int_equal(pieces[i][i], i);
    }
    arena_done(&arena);
}

static void the_bound_holds(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 4096);
    size_t taken = 0;
    while (arena_alloc(&arena, 100))
        taken += 100;
    assert_in_range(taken, 3000, 4096);
    assert_null(arena_alloc(&arena, 4096));
    arena_done(&arena);
}

static void a_piece_as_large_as_the_bound_fits(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 4096);
    assert_non_null(arena_alloc(&arena, 4096));
    assert_null(arena_alloc(&arena, 1));
    arena_done(&arena);
    arena_init(&arena, 4096);
    assert_null(arena_alloc(&arena, 4097));
    arena_done(&arena);
}

static void sizes_do_not_wrap_round(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, SIZE_MAX);
    assert_null(arena_alloc(&arena, SIZE_MAX));
    assert_null(arena_alloc(&arena, SIZE_MAX - 20));
    assert_null(arena_calloc(&arena, SIZE_MAX / 2, 3));
    assert_null(arena_dup(&arena, str_make("x", SIZE_MAX)).ptr);
    arena_done(&arena);
}

static void calloc_clears(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 65536);
    for (size_t i = 0; i < 50; i++) {
        unsigned char *piece = arena_calloc(&arena, 10, 7);
        assert_non_null(piece);
        for (size_t j = 0; j < 70; j++)
            assert_int_equal(piece[j], 0);
        memset(piece, 0xFF, 70);
    }
    arena_done(&arena);
}

static void a_copy_ends_with_a_zero(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 65536);
    struct str copy = arena_dup(&arena, str_make("abcd", 2));
    assert_int_equal(copy.len, 2);
    assert_string_equal(copy.ptr, "ab");
    copy = arena_dup(&arena, str_make(NULL, 0));
    assert_non_null(copy.ptr);
    assert_string_equal(copy.ptr, "");
    arena_done(&arena);
}

static void it_may_be_used_after_its_end_when_initialised_again(void **state)
{
    (void)state;
    struct arena arena = {0};
    arena_done(&arena);
    arena_init(&arena, 100);
    assert_non_null(arena_alloc(&arena, 0));
    arena_done(&arena);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_aligned_and_apart),
        cmocka_unit_test(the_bound_holds),
        cmocka_unit_test(a_piece_as_large_as_the_bound_fits),
        cmocka_unit_test(sizes_do_not_wrap_round),
        cmocka_unit_test(calloc_clears),
        cmocka_unit_test(a_copy_ends_with_a_zero),
        cmocka_unit_test(it_may_be_used_after_its_end_when_initialised_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
