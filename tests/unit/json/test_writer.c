#include "json/writer.h"

#include "base/buf.h"
#include "base/err.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void write_sample(struct json_writer *writer)
{
    json_begin_object(writer);
    json_write_member(writer, STR("status"), STR("ok"));
    json_write_key(writer, STR("list"));
    json_begin_array(writer);
    json_write_u64(writer, 1);
    json_begin_object(writer);
    json_end_object(writer);
    json_begin_array(writer);
    json_end_array(writer);
    json_end_array(writer);
    json_write_member_u64(writer, STR("n"), UINT64_MAX);
    json_end_object(writer);
}

static void assert_sample(enum json_style style, const char *expected)
{
    struct buf buf;
    buf_init(&buf, 1024);
    struct json_writer writer;
    json_writer_init(&writer, &buf, style);
    write_sample(&writer);
    assert_int_equal(buf.err, HUB_OK);
    assert_string_equal(buf_c(&buf), expected);
    buf_done(&buf);
}

static void compact_has_no_spaces(void **state)
{
    (void)state;
    assert_sample(JSON_STYLE_COMPACT, "{\"status\":\"ok\",\"list\":[1,{},[]],\"n\":18446744073709551615}");
}

static void pretty_gives_each_member_a_line(void **state)
{
    (void)state;
    assert_sample(JSON_STYLE_PRETTY, "{\n"
                                     "  \"status\": \"ok\",\n"
                                     "  \"list\": [\n"
                                     "    1,\n"
                                     "    {},\n"
                                     "    []\n"
                                     "  ],\n"
                                     "  \"n\": 18446744073709551615\n"
                                     "}");
}

static void assert_str(struct str s, const char *expected)
{
    struct buf buf;
    buf_init(&buf, 1024);
    struct json_writer writer;
    json_writer_init(&writer, &buf, JSON_STYLE_COMPACT);
    json_write_str(&writer, s);
    assert_string_equal(buf_c(&buf), expected);
    buf_done(&buf);
}

static void strings_are_escaped(void **state)
{
    (void)state;
    assert_str(STR(""), "\"\"");
    assert_str(STR("a\"b\\c/d"), "\"a\\\"b\\\\c/d\"");
    assert_str(STR("\n\r\t\x01\x1f\x7f"), "\"\\n\\r\\t\\u0001\\u001f\x7f\"");
    assert_str(str_make("a\0b", 3), "\"a\\u0000b\"");
    assert_str(STR("\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"), "\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\"");
}

static void bytes_that_are_not_utf8_are_replaced(void **state)
{
    (void)state;
    assert_str(STR("a\xff"
                   "b\xC3"),
               "\"a\xEF\xBF\xBD"
               "b\xEF\xBF\xBD\"");
    assert_str(STR("\xED\xA0\x80"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
    assert_str(STR("\xF0\x9F\x98"
                   "x"),
               "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBDx\"");
}

static void numbers_have_the_digits_that_they_need(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 1024);
    struct json_writer writer;
    json_writer_init(&writer, &buf, JSON_STYLE_COMPACT);
    json_begin_array(&writer);
    json_write_double(&writer, 0.1);
    json_write_double(&writer, 1.0 / 3);
    json_write_double(&writer, 1e21);
    json_write_double(&writer, -0.0);
    json_write_double(&writer, NAN);
    json_write_double(&writer, -INFINITY);
    json_write_i64(&writer, INT64_MIN);
    json_write_bool(&writer, false);
    json_write_raw(&writer, STR("{\"a\":1}"));
    json_end_array(&writer);
    assert_string_equal(buf_c(&buf),
                        "[0.1,0.3333333333333333,1e+21,-0.0,null,null,-9223372036854775808,false,"
                        "{\"a\":1}]");
    buf_done(&buf);
}

static void a_full_buffer_is_an_error_and_nothing_worse(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 20);
    struct json_writer writer;
    json_writer_init(&writer, &buf, JSON_STYLE_PRETTY);
    write_sample(&writer);
    assert_int_equal(buf.err, HUB_E_TOO_BIG);
    buf_done(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compact_has_no_spaces),
        cmocka_unit_test(pretty_gives_each_member_a_line),
        cmocka_unit_test(strings_are_escaped),
        cmocka_unit_test(bytes_that_are_not_utf8_are_replaced),
        cmocka_unit_test(numbers_have_the_digits_that_they_need),
        cmocka_unit_test(a_full_buffer_is_an_error_and_nothing_worse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
