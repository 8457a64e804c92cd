#include "base/file.h"

#include "base/buf.h"
#include "base/err.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define LONG 40000U

static char text[LONG];

// Reads a pipe that holds `len` bytes and ends.
static int read_pipe(size_t len, struct buf *to)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    memset(text, 'x', sizeof(text));
    assert_int_equal(write(ends[1], text, len), len);
    assert_int_equal(close(ends[1]), 0);
    int err = file_read(ends[0], to);
    assert_int_equal(close(ends[0]), 0);
    return err;
}

static void all_is_read_up_to_the_end(void **state)
{
    (void)state;
    struct buf to;
    buf_init(&to, LONG);
    assert_int_equal(read_pipe(LONG, &to), HUB_OK);
    assert_int_equal(to.len, LONG);
    assert_memory_equal(to.ptr, text, LONG);
    buf_done(&to);
}

static void more_than_the_buffer_may_hold_is_too_big(void **state)
{
    (void)state;
    struct buf to;
    buf_init(&to, LONG - 1);
    assert_int_equal(read_pipe(LONG, &to), HUB_E_TOO_BIG);
    buf_done(&to);
}

static void an_empty_file_adds_nothing(void **state)
{
    (void)state;
    struct buf to;
    buf_init(&to, LONG);
    buf_append_c(&to, 'a');
    assert_int_equal(read_pipe(0, &to), HUB_OK);
    assert_int_equal(to.len, 1);
    buf_done(&to);
}

static void what_the_system_says_is_the_error(void **state)
{
    (void)state;
    struct buf to;
    buf_init(&to, LONG);
    assert_int_equal(file_read_path("/nowhere/at/all", &to), -ENOENT);
    assert_int_equal(file_read_path("/", &to), -EISDIR);
    assert_int_equal(file_read(-1, &to), -EBADF);
    buf_done(&to);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_is_read_up_to_the_end),
        cmocka_unit_test(more_than_the_buffer_may_hold_is_too_big),
        cmocka_unit_test(an_empty_file_adds_nothing),
        cmocka_unit_test(what_the_system_says_is_the_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
