#include "url/chars.h"

#include "base/buf.h"
#include "url/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

// General category Cf of Unicode 17, and the controls.
static const struct {
    uint32_t from;
    uint32_t to;
} forbidden[] = {
    {0x0000, 0x001F},   {0x007F, 0x009F},   {0x00AD, 0x00AD},   {0x0600, 0x0605},   {0x061C, 0x061C},
    {0x06DD, 0x06DD},   {0x070F, 0x070F},   {0x0890, 0x0891},   {0x08E2, 0x08E2},   {0x180E, 0x180E},
    {0x200B, 0x200F},   {0x202A, 0x202E},   {0x2060, 0x2064},   {0x2066, 0x206F},   {0xFEFF, 0xFEFF},
    {0xFFF9, 0xFFFB},   {0x110BD, 0x110BD}, {0x110CD, 0x110CD}, {0x13430, 0x1343F}, {0x1BCA0, 0x1BCA3},
    {0x1D173, 0x1D17A}, {0xE0001, 0xE0001}, {0xE0020, 0xE007F},
};

static bool is_forbidden(uint32_t c)
{
    for (size_t i = 0; i < ARRAY_LEN(forbidden); i++) {
        if (c >= forbidden[i].from && c <= forbidden[i].to)
            return true;
    }
    return false;
}

static bool is_surrogate(uint32_t c)
{
    return c >= 0xD800 && c <= 0xDFFF;
}

static void every_code_point_is_judged_as_in_unicode_17(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, 10);
    for (uint32_t c = 0; c <= 0x10FFFF; c++) {
        buf_clear(&text);
        utf8_append(&text, c);
        if (chars_valid(buf_str(&text)) == (is_forbidden(c) || is_surrogate(c)))
            fail_msg("U+%04X", (unsigned)c);
    }
    buf_done(&text);
}

static void a_forbidden_byte_is_found_at_every_place(void **state)
{
    (void)state;
    static const char bad[] = {'\0', '\n', '\x1f', '\x7f'};
    for (size_t len = 1; len <= 24; len++) {
        for (size_t at = 0; at < len; at++) {
            char text[24];
            for (size_t i = 0; i < len; i++)
                text[i] = " ~a\x7e"[i % 4];
            assert_true(chars_valid(str_make(text, len)));
            for (size_t i = 0; i < sizeof(bad); i++) {
                text[at] = bad[i];
                assert_false(chars_valid(str_make(text, len)));
            }
        }
    }
}

static void text_that_is_not_utf8_is_refused(void **state)
{
    (void)state;
    assert_false(chars_valid(STR("\xff")));
    assert_false(chars_valid(STR("abcdefgh\xc3")));
    assert_false(chars_valid(STR("\xc0\x80")));
    assert_false(chars_valid(STR("\xed\xa0\x80")));
    assert_false(chars_valid(STR("\xf4\x90\x80\x80")));
}

static void empty_text_and_the_replacement_character_are_fine(void **state)
{
    (void)state;
    assert_true(chars_valid(STR("")));
    assert_true(chars_valid(str_make(NULL, 0)));
    assert_true(chars_valid(STR("\ufffd")));
    assert_true(chars_valid(STR("https://example.com/caf\u00e9/\U0001f600")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_point_is_judged_as_in_unicode_17),
        cmocka_unit_test(a_forbidden_byte_is_found_at_every_place),
        cmocka_unit_test(text_that_is_not_utf8_is_refused),
        cmocka_unit_test(empty_text_and_the_replacement_character_are_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
