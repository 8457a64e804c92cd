#include "base/err.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void every_code_has_a_text(void **state)
{
    (void)state;
    assert_string_equal(err_text(HUB_OK), "no error");
    assert_string_equal(err_text(HUB_E_TOO_BIG), "over a size limit");
    assert_string_equal(err_text(-ENOENT), "No such file or directory");
    assert_string_equal(err_text(-999999), "unknown error");
    assert_string_equal(err_text(5555), "unknown error");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_has_a_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
