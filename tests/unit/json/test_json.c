#include "json/json.h"

#include "base/buf.h"
#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct json *parse(const char *text)
{
    struct json *root = NULL;
    struct json_error error = {0};
    int err = json_parse(&root, str_from_c(text), &error);
    if (err)
        print_error("%s: %s\n", text, error.text);
    assert_int_equal(err, HUB_OK);
    return root;
}

static void assert_refused(struct str text, int expected)
{
    struct json *root = NULL;
    struct json_error error = {0};
    int err = json_parse(&root, text, &error);
    if (err != expected)
        print_error("not refused as expected: %.*s\n", STR_ARG(text));
    assert_int_equal(err, expected);
    assert_null(root);
    assert_true(error.text[0] != '\0');
}

static void assert_str(struct str s, const char *expected)
{
    assert_int_equal(s.len, strlen(expected));
    assert_memory_equal(s.ptr, expected, s.len);
}

static void assert_dump(const char *text, const char *expected)
{
    struct json *root = parse(text);
    struct buf buf;
    buf_init(&buf, JSON_TEXT_MAX);
    json_dump(root, &buf);
    assert_int_equal(buf.err, HUB_OK);
    assert_string_equal(buf_c(&buf), expected);
    buf_done(&buf);
    json_free(root);
}

static void members_and_elements_are_found(void **state)
{
    (void)state;
    struct json *root = parse("{\"a\": [1, \"two\", true, null], \"b\": {\"c\": 2.5}}");
    assert_int_equal(json_kind(root), JSON_KIND_OBJECT);
    const struct json *a = json_get(root, STR("a"));
    assert_int_equal(json_count(a), 4);
    double number;
    assert_true(json_to_double(json_at(a, 0), &number));
    assert_true(number == 1);
    assert_str(json_str(json_at(a, 1)), "two");
    assert_int_equal(json_kind(json_at(a, 2)), JSON_KIND_BOOL);
    assert_int_equal(json_kind(json_at(a, 3)), JSON_KIND_NULL);
    assert_true(json_to_double(json_get(json_get(root, STR("b")), STR("c")), &number));
    assert_true(number == 2.5);
    json_free(root);
}

static void what_is_not_there_answers_nothing(void **state)
{
    (void)state;
    struct json *root = parse("{\"a\": 1}");
    const struct json *none = json_at(json_get(json_get(root, STR("x")), STR("y")), 3);
    double number;
    assert_null(none);
    assert_int_equal(json_kind(none), JSON_KIND_NONE);
    assert_int_equal(json_count(none), 0);
    assert_null(json_str(none).ptr);
    assert_false(json_to_double(none, &number));
    assert_null(json_str(json_get(root, STR("a"))).ptr);
    assert_null(json_at(root, 0));
    void *iter = NULL;
    struct str key;
    assert_false(json_next(json_get(root, STR("a")), &iter, &key, &none));
    json_free(root);
    json_free(NULL);
}

static void members_are_walked_in_the_order_of_the_text(void **state)
{
    (void)state;
    struct json *root = parse("{\"z\":1,\"a\":2,\"m\":3}");
    char keys[8] = "";
    void *iter = NULL;
    struct str key;
    const struct json *value;
    while (json_next(root, &iter, &key, &value))
        strncat(keys, key.ptr, key.len);
    assert_string_equal(keys, "zam");
    json_free(root);
}

static void a_key_is_compared_whole(void **state)
{
    (void)state;
    struct json *root = parse("{\"iss\":\"a\"}");
    assert_null(json_get(root, STR("is")));
    assert_null(json_get(root, STR("issu")));
    assert_null(json_get(root, STR("ISS")));
    assert_non_null(json_get(root, str_make("issuer", 3)));
    json_free(root);
}

static void a_string_may_hold_a_zero_byte(void **state)
{
    (void)state;
    struct json *root = parse("\"a\\u0000b\"");
    struct str s = json_str(root);
    assert_int_equal(s.len, 3);
    assert_memory_equal(s.ptr, "a\0b", 4);
    json_free(root);
}

static void malformed_texts_are_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        " ",
        "{",
        "[1,]",
        "{\"a\":1,}",
        "{a:1}",
        "'a'",
        "nul",
        "01",
        "1.",
        "+1",
        "NaN",
        "Infinity",
        "[1] x",
        "[1][2]",
        "\"\t\"",
        "\"\\x\"",
        "\"\\ud800\"",
        "\"\xff\"",
        "\"\xc0\x80\"",
        "1e400",
        "\xef\xbb\xbf{}",
        "{\"a\":1,\"a\":2}",
        "{\"a\":{\"b\":1,\"b\":1}}",
        "{\"\\u0000\":1}",
        "// x\n1",
        "[1 2]",
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        assert_refused(str_from_c(texts[i]), HUB_E_INVALID);
    assert_refused(str_make("1\0", 2), HUB_E_INVALID);
    assert_refused(str_make("[1\0,true\0]", 10), HUB_E_INVALID);
}

static void an_error_names_its_place(void **state)
{
    (void)state;
    struct json *root;
    struct json_error error;
    assert_int_equal(json_parse(&root, STR("{\n  \"a\": 1,\n  \"b\" 2\n}"), &error), HUB_E_INVALID);
    assert_int_equal(error.line, 3);
    assert_true(error.column > 1);
    assert_non_null(strstr(error.text, "':' expected"));
    assert_int_equal(json_parse(&root, STR("["), NULL), HUB_E_INVALID);
}

static void fill(char *text, size_t depth)
{
    memset(text, '[', depth);
    memset(text + depth, ']', depth);
}

static void depth_is_bounded(void **state)
{
    (void)state;
    char text[2 * (JSON_DEPTH_MAX + 1)];
    fill(text, JSON_DEPTH_MAX);
    struct json *root;
    assert_int_equal(json_parse(&root, str_make(text, 2 * JSON_DEPTH_MAX), NULL), HUB_OK);
    struct buf buf;
    buf_init(&buf, sizeof(text));
    json_dump(root, &buf);
    assert_int_equal(buf.len, 2 * JSON_DEPTH_MAX);
    assert_memory_equal(buf.ptr, text, buf.len);
    buf_done(&buf);
    json_free(root);
    fill(text, JSON_DEPTH_MAX + 1);
    assert_refused(str_make(text, sizeof(text)), HUB_E_TOO_BIG);
}

static void brackets_inside_strings_do_not_count(void **state)
{
    (void)state;
    char text[JSON_DEPTH_MAX + 8];
    memset(text, '[', sizeof(text));
    memcpy(text, "\"\\\"", 3);
    text[sizeof(text) - 1] = '"';
    struct json *root;
    assert_int_equal(json_parse(&root, str_make(text, sizeof(text)), NULL), HUB_OK);
    json_free(root);
}

static void a_hundred_kilobytes_of_brackets_are_refused_at_once(void **state)
{
    (void)state;
    size_t len = 100 * 1024;
    char *text = malloc(len);
    assert_non_null(text);
    memset(text, '[', len);
    assert_refused(str_make(text, len), HUB_E_TOO_BIG);
    free(text);
}

static void size_is_bounded(void **state)
{
    (void)state;
    char *text = malloc(JSON_TEXT_MAX + 1);
    assert_non_null(text);
    memset(text, ' ', JSON_TEXT_MAX + 1);
    text[0] = '1';
    struct json *root;
    assert_int_equal(json_parse(&root, str_make(text, JSON_TEXT_MAX), NULL), HUB_OK);
    json_free(root);
    assert_refused(str_make(text, JSON_TEXT_MAX + 1), HUB_E_TOO_BIG);
    free(text);
}

static void a_dump_keeps_order_and_numbers(void **state)
{
    (void)state;
    assert_dump("{ \"z\" : [ 1 , 0.1, -2.50, 1e100 ], \"a\": { } }", "{\"z\":[1,0.1,-2.5,1e+100],\"a\":{}}");
    assert_dump("[\"\xC3\xA9\\u00e9\\n\\\"\\\\\\/\\u0001\", null, true, false, []]",
                "[\"\xC3\xA9\xC3\xA9\\n\\\"\\\\/\\u0001\",null,true,false,[]]");
    assert_dump("[9223372036854775807,-1,1.7976931348623157e308,5e-324]",
                "[9223372036854775807,-1,1.7976931348623157e+308,4.94065645841247e-324]");
    assert_dump("[-0.0,0.0,-0]", "[-0.0,0,0]");
    assert_dump("\"a\\u0000\"", "\"a\\u0000\"");
    assert_dump("[[],[[{\"a\":[{}]}]]]", "[[],[[{\"a\":[{}]}]]]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_and_elements_are_found),
        cmocka_unit_test(what_is_not_there_answers_nothing),
        cmocka_unit_test(members_are_walked_in_the_order_of_the_text),
        cmocka_unit_test(a_key_is_compared_whole),
        cmocka_unit_test(a_string_may_hold_a_zero_byte),
        cmocka_unit_test(malformed_texts_are_refused),
        cmocka_unit_test(an_error_names_its_place),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(brackets_inside_strings_do_not_count),
        cmocka_unit_test(a_hundred_kilobytes_of_brackets_are_refused_at_once),
        cmocka_unit_test(size_is_bounded),
        cmocka_unit_test(a_dump_keeps_order_and_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
