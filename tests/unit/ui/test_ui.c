#include "ui/ui.h"

#include "ui/files_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define UI_PAGE TESTDATA "/../../src/ui/page"

static bool contains(struct str text, const char *part)
{
    return memmem(text.ptr, text.len, part, strlen(part)) != NULL;
}

static void the_empty_name_is_the_page(void **state)
{
    (void)state;
    const struct ui_file *page = ui_find(STR(""));
    assert_non_null(page);
    assert_ptr_equal(page, ui_find(STR("index.html")));
    assert_true(str_eq(page->type, STR("text/html; charset=utf-8")));
    assert_true(str_starts_with(page->bytes, STR("<!doctype html>\n")));
    assert_true(str_ends_with(page->bytes, STR("</html>\n")));
}

static void each_kind_of_file_has_its_type(void **state)
{
    (void)state;
    assert_true(str_eq(ui_find(STR("app.js"))->type, STR("text/javascript; charset=utf-8")));
    assert_true(str_eq(ui_find(STR("app.css"))->type, STR("text/css; charset=utf-8")));
    assert_true(str_eq(ui_find(STR("icon.svg"))->type, STR("image/svg+xml")));
}

static void names_are_compared_exactly(void **state)
{
    (void)state;
    assert_null(ui_find(STR("APP.js")));
    assert_null(ui_find(STR("app")));
    assert_null(ui_find(STR("app.js/")));
    assert_null(ui_find(STR("./app.js")));
    assert_null(ui_find(STR("../page/app.js")));
    assert_null(ui_find(STR("app.js\0")));
}

static void every_file_is_embedded_as_it_stands(void **state)
{
    (void)state;
    for (const struct ui_file *file = ui_files; file->name.ptr; file++) {
        char path[512];
        snprintf(path, sizeof(path), "%s/%.*s", UI_PAGE, STR_ARG(file->name));
        FILE *source = fopen(path, "rb");
        assert_non_null(source);
        char *bytes = malloc(file->bytes.len + 1);
        size_t len = fread(bytes, 1, file->bytes.len + 1, source);
        assert_int_equal(fclose(source), 0);
        assert_int_equal(len, file->bytes.len);
        assert_memory_equal(bytes, file->bytes.ptr, len);
        free(bytes);
    }
}

static void every_file_has_a_tag_of_its_own(void **state)
{
    (void)state;
    for (const struct ui_file *a = ui_files; a->name.ptr; a++) {
        assert_int_equal(a->etag.len, 18);
        assert_true(a->etag.ptr[0] == '"' && a->etag.ptr[17] == '"');
        for (const struct ui_file *b = a + 1; b->name.ptr; b++)
            assert_false(str_eq(a->etag, b->etag));
    }
}

// After each `prefix`, up to the quote, stands the name of one of our files or a place on the page.
static void assert_references(struct str text, const char *prefix)
{
    const char *at = text.ptr;
    while ((at = memmem(at, (size_t)(text.ptr + text.len - at), prefix, strlen(prefix)))) {
        at += strlen(prefix);
        struct str rest = str_make(at, (size_t)(text.ptr + text.len - at));
        struct str name = str_slice(rest, 0, str_find(rest, 0, '"'));
        if (!str_starts_with(name, STR("#")))
            assert_non_null(ui_find(name));
    }
}

static void the_page_refers_only_to_files_that_are_there(void **state)
{
    (void)state;
    for (const struct ui_file *file = ui_files; file->name.ptr; file++) {
        assert_references(file->bytes, "from \"./");
        assert_references(file->bytes, "url(\"");
        assert_references(file->bytes, " src=\"");
        assert_references(file->bytes, " href=\"");
    }
}

static void the_page_keeps_to_its_policy(void **state)
{
    (void)state;
    struct str page = ui_find(STR(""))->bytes;
    assert_false(contains(page, "<style"));
    assert_false(contains(page, " style="));
    assert_false(contains(page, "<script>"));
    assert_false(contains(page, " onclick="));
    for (const struct ui_file *file = ui_files; file->name.ptr; file++) {
        assert_false(contains(file->bytes, "innerHTML"));
        assert_false(contains(file->bytes, "eval("));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_empty_name_is_the_page),
        cmocka_unit_test(each_kind_of_file_has_its_type),
        cmocka_unit_test(names_are_compared_exactly),
        cmocka_unit_test(every_file_is_embedded_as_it_stands),
        cmocka_unit_test(every_file_has_a_tag_of_its_own),
        cmocka_unit_test(the_page_refers_only_to_files_that_are_there),
        cmocka_unit_test(the_page_keeps_to_its_policy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
