#include "url/utf8.h"

#include "base/buf.h"
#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void every_code_point_comes_back(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, 4);
    for (uint32_t c = 0; c <= 0x10FFFF; c++) {
        buf_clear(&text);
        utf8_append(&text, c);
        bool is_surrogate = c >= 0xD800 && c <= 0xDFFF;
        if (str_is_utf8(buf_str(&text)) == is_surrogate)
            fail_msg("U+%04X", (unsigned)c);
        size_t at = 0;
        assert_int_equal(utf8_next(buf_str(&text), &at), c);
        assert_int_equal(at, text.len);
    }
    assert_int_equal(text.err, HUB_OK);
    buf_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_point_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
