#include "conf/tree.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct arena arena;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 16 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

static struct tree *parse(const char *text)
{
    struct tree *root = NULL;
    struct tree_error error = {0};
    int err = tree_parse(&root, str_from_c(text), &arena, &error);
    if (err)
        print_error("%u:%u %s\n", error.line, error.column, error.text);
    assert_int_equal(err, HUB_OK);
    return root;
}

static void assert_refused(struct str text, int expected, unsigned line, unsigned column, const char *why)
{
    struct tree *root = NULL;
    struct tree_error error = {0};
    int err = tree_parse(&root, text, &arena, &error);
    if (err != expected)
        print_error("%.*s: %d\n", STR_ARG(str_slice(text, 0, 80)), err);
    assert_int_equal(err, expected);
    assert_null(root);
    assert_string_equal(error.text, why);
    assert_int_equal(error.line, line);
    assert_int_equal(error.column, column);
}

static void assert_str(struct str s, const char *expected)
{
    assert_int_equal(s.len, strlen(expected));
    assert_memory_equal(s.ptr, expected, s.len + 1);
}

static void members_know_their_keys_and_places(void **state)
{
    (void)state;
    struct tree *root = parse("# comment\n"
                              "addr: :80\n"
                              "list:\n"
                              "  - a\n"
                              "  - 'b c'\n"
                              "map: {x: 1, \"y\": [2]}\n");
    assert_int_equal(root->kind, TREE_MAPPING);
    assert_int_equal(root->count, 3);
    const struct tree *addr = root->child;
    assert_str(addr->key, "addr");
    assert_str(addr->text, ":80");
    assert_int_equal(addr->key_line, 2);
    assert_int_equal(addr->key_column, 1);
    assert_int_equal(addr->line, 2);
    assert_int_equal(addr->column, 7);
    const struct tree *list = addr->next;
    assert_int_equal(list->kind, TREE_SEQUENCE);
    assert_int_equal(list->count, 2);
    assert_str(list->child->next->text, "b c");
    assert_int_equal(list->child->next->line, 5);
    assert_int_equal(list->child->key.len, 0);
    const struct tree *map = list->next;
    assert_int_equal(map->kind, TREE_MAPPING);
    assert_str(map->child->next->key, "y");
    assert_str(map->child->next->child->text, "2");
    assert_null(map->next);
}

static void literal_blocks_keep_their_lines(void **state)
{
    (void)state;
    struct tree *root =
        parse("key: |\n  -----BEGIN-----\n  abc\nnext: >-\n  a\n  b\nplain: yes\nnumber: 010\n");
    const struct tree *key = root->child;
    assert_str(key->text, "-----BEGIN-----\nabc\n");
    assert_str(key->next->text, "a b");
    assert_str(key->next->next->text, "yes");
    assert_str(key->next->next->next->text, "010");
}

static void null_is_only_what_stands_without_quotes(void **state)
{
    (void)state;
    struct tree *root = parse("a:\nb: ~\nc: null\nd: ''\ne: 'null'\nf: nullify\n");
    const bool expected[] = {true, true, true, false, false, false};
    const struct tree *member = root->child;
    for (size_t i = 0; i < ARRAY_LEN(expected); i++, member = member->next)
        assert_int_equal(member->null, expected[i]);
}

static void json_is_read(void **state)
{
    (void)state;
    struct tree *root = parse("{\n\t\"a\":1,\"b\": [\"x\\/y\", \"\\u00e9\"],\n\t\"c\": {\"d\":null}\n}\n");
    assert_str(root->child->text, "1");
    assert_str(root->child->next->child->text, "x/y");
    assert_str(root->child->next->child->next->text, "\xC3\xA9");
    assert_true(root->child->next->next->child->null);
}

static void nothing_is_nothing(void **state)
{
    (void)state;
    assert_null(parse(""));
    assert_null(parse("# only a comment\n"));
    assert_null(parse("---\n"));
    assert_null(parse("null"));
    assert_null(parse("\xEF\xBB\xBF"));
}

static void what_people_forget_to_quote_is_told(void **state)
{
    (void)state;
    const char *bang = "a value that starts with '!' must stand in quotes";
    assert_refused(STR("a: !ChangeMe!"), HUB_E_INVALID, 1, 4, bang);
    assert_refused(STR("a: !ChangeMe"), HUB_E_INVALID, 1, 4, bang);
    assert_refused(STR("a: ! b"), HUB_E_INVALID, 1, 4, bang);
    assert_refused(STR("a: !!str b"), HUB_E_INVALID, 1, 4, bang);
    assert_refused(STR("a: !x [b]"), HUB_E_INVALID, 1, 4, bang);
    assert_refused(STR("a: !x {b: c}"), HUB_E_INVALID, 1, 4, bang);
    assert_refused(STR("a: *"), HUB_E_INVALID, 1, 4, "a value that starts with '*' must stand in quotes");
    assert_refused(STR("a: [*]"), HUB_E_INVALID, 1, 5, "a value that starts with '*' must stand in quotes");
    assert_refused(STR("a: &"), HUB_E_INVALID, 1, 4, "a value that starts with '&' must stand in quotes");
}

static void anchors_and_aliases_are_refused(void **state)
{
    (void)state;
    assert_refused(STR("a: &x b\nc: *x\n"), HUB_E_INVALID, 1, 4,
                   "anchors are not supported; a value that starts with '&' must stand in quotes");
    assert_refused(STR("a: &x [b]\n"), HUB_E_INVALID, 1, 4,
                   "anchors are not supported; a value that starts with '&' must stand in quotes");
    assert_refused(STR("a: &x {b: c}\n"), HUB_E_INVALID, 1, 4,
                   "anchors are not supported; a value that starts with '&' must stand in quotes");
    assert_refused(STR("a: b\nc: *x\n"), HUB_E_INVALID, 2, 4,
                   "aliases are not supported; a value that starts with '*' must stand in quotes");
}

static void duplicate_keys_are_marked(void **state)
{
    (void)state;
    const struct tree *member = parse("a: 1\nb: 2\n'a': 3\n")->child;
    assert_false(member->twice || member->next->twice);
    assert_true(member->next->next->twice);
    assert_int_equal(member->next->next->key_line, 3);
    member = parse("x: {a: 1}\ny: {a: 1}\n")->child;
    assert_false(member->child->twice || member->next->child->twice);
}

static void odd_documents_are_refused(void **state)
{
    (void)state;
    assert_refused(STR("a: 1\n---\nb: 2\n"), HUB_E_INVALID, 2, 1, "there may be only one document");
    assert_refused(STR("[a]: 1\n"), HUB_E_INVALID, 1, 1, "a key must be a plain word");
    assert_refused(STR("? {a: b}\n: 1\n"), HUB_E_INVALID, 1, 3, "a key must be a plain word");
    assert_refused(STR("a: [1\n"), HUB_E_INVALID, 2, 1,
                   "malformed YAML: did not find expected ',' or ']' (are quotes missing?)");
    assert_refused(STR("a: b: c\n"), HUB_E_INVALID, 1, 5,
                   "malformed YAML: mapping values are not allowed in this context (are quotes missing?)");
    assert_refused(STR("# x\n%TAG ! a\n---\n"), HUB_E_INVALID, 2, 1, "no line may start with '%'");
    assert_refused(STR("a: \xff\n"), HUB_E_INVALID, 1, 1,
                   "the text is not valid UTF-8, or holds a control character");
    assert_refused(STR("a: \x01\n"), HUB_E_INVALID, 1, 1,
                   "the text is not valid UTF-8, or holds a control character");
    assert_refused(str_make("a: \0\n", 5), HUB_E_INVALID, 1, 1,
                   "the text is not valid UTF-8, or holds a control character");
}

static struct str repeat(struct buf *buf, const char *head, const char *text, size_t count, const char *tail)
{
    buf_clear(buf);
    buf_append_str(buf, str_from_c(head));
    for (size_t i = 0; i < count; i++)
        buf_append_str(buf, str_from_c(text));
    buf_append_str(buf, str_from_c(tail));
    assert_int_equal(buf->err, HUB_OK);
    return buf_str(buf);
}

static void depth_is_bounded(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 1 << 20);
    repeat(&buf, "", "[", TREE_DEPTH_MAX, "]]]]]]]]]]]]]]]]");
    assert_non_null(parse(buf_c(&buf)));
    repeat(&buf, "", "[", TREE_DEPTH_MAX + 1, "]]]]]]]]]]]]]]]]]");
    assert_refused(buf_str(&buf), HUB_E_TOO_BIG, 1, 17, "the text is nested too deeply");
    buf_done(&buf);
}

static void hostile_texts_are_refused_without_effort(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 1 << 20);
    const char *deep = "the text is nested too deeply";
    assert_refused(repeat(&buf, "", "[", 100 * 1024, ""), HUB_E_TOO_BIG, 1, 17, deep);
    assert_refused(repeat(&buf, "", "{a: ", 50 * 1024, ""), HUB_E_TOO_BIG, 1, 65, deep);
    assert_refused(repeat(&buf, "", "- ", 100 * 1024, ""), HUB_E_TOO_BIG, 1, 33, deep);
    assert_refused(repeat(&buf, "", "[a,", 80 * 1024, ""), HUB_E_TOO_BIG, 1, 49, deep);
    assert_refused(repeat(&buf, "", "? ", 100 * 1024, ""), HUB_E_INVALID, 1, 3, "a key must be a plain word");
    assert_refused(repeat(&buf, "", "%TAG !a! b\n", 20 * 1024, ""), HUB_E_INVALID, 1, 1,
                   "no line may start with '%'");
    buf_done(&buf);
}

static void size_is_bounded(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 1 << 20);
    struct tree *root;
    struct tree_error error;
    repeat(&buf, "a: ", "x", TREE_TEXT_MAX - 3, "");
    assert_int_equal(tree_parse(&root, buf_str(&buf), &arena, &error), HUB_OK);
    assert_int_equal(root->child->text.len, TREE_TEXT_MAX - 3);
    assert_refused(repeat(&buf, "a: ", "x", TREE_TEXT_MAX - 2, ""), HUB_E_TOO_BIG, 0, 0,
                   "the text is larger than 256 KiB");
    buf_done(&buf);
}

static void the_number_of_values_is_bounded(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 1 << 20);
    repeat(&buf, "[", "x,", TREE_NODES_MAX - 1, "]"); // and the sequence itself
    assert_non_null(parse(buf_c(&buf)));
    assert_refused(repeat(&buf, "[\n", "x,", TREE_NODES_MAX, "]"), HUB_E_TOO_BIG, 2,
                   2 * (TREE_NODES_MAX - 1) + 1, "the text has too many values");
    buf_done(&buf);
}

static void the_number_of_keys_is_bounded(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 1 << 20);
    for (unsigned i = 0; i < TREE_MEMBERS_MAX; i++)
        buf_printf(&buf, "k%u: 1\n", i);
    assert_non_null(parse(buf_c(&buf)));
    buf_printf(&buf, "one_more: 1\n");
    assert_refused(buf_str(&buf), HUB_E_TOO_BIG, TREE_MEMBERS_MAX + 1, 1, "there are too many keys");
    buf_done(&buf);
}

static void memory_that_runs_out_is_told(void **state)
{
    (void)state;
    struct arena small;
    struct tree *root;
    struct tree_error error;
    arena_init(&small, 0);
    assert_int_equal(tree_parse(&root, STR("a: b"), &small, &error), -ENOMEM);
    arena_done(&small);
    arena_init(&small, 16);
    assert_int_equal(tree_parse(&root, STR("[a]"), &small, &error), -ENOMEM);
    arena_done(&small);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(members_know_their_keys_and_places),
        TEST(literal_blocks_keep_their_lines),
        TEST(null_is_only_what_stands_without_quotes),
        TEST(json_is_read),
        TEST(nothing_is_nothing),
        TEST(what_people_forget_to_quote_is_told),
        TEST(anchors_and_aliases_are_refused),
        TEST(duplicate_keys_are_marked),
        TEST(odd_documents_are_refused),
        TEST(depth_is_bounded),
        TEST(hostile_texts_are_refused_without_effort),
        TEST(size_is_bounded),
        TEST(the_number_of_values_is_bounded),
        TEST(the_number_of_keys_is_bounded),
        TEST(memory_that_runs_out_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
