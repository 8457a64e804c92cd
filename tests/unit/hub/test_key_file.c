#include "base/buf.h"
#include "base/err.h"
#include "hub/key_file.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static int path_of(const char *url, char *path, size_t room)
{
    struct buf buf;
    buf_init(&buf, 256);
    int err = key_file_path(str_from_c(url), &buf);
    (void)snprintf(path, room, "%.*s", (int)buf.len, buf.ptr ? buf.ptr : "");
    buf_done(&buf);
    return err;
}

static void assert_path(const char *url, const char *wanted)
{
    char path[256];
    assert_int_equal(path_of(url, path, sizeof(path)), HUB_OK);
    assert_string_equal(path, wanted);
}

static void a_path_is_what_its_url_says(void **state)
{
    (void)state;
    assert_path("file:///etc/keys.json", "/etc/keys.json");
    assert_path("file:/etc/keys.json", "/etc/keys.json");
    assert_path("file://localhost/etc/keys.json", "/etc/keys.json");
    assert_path("file:///a%20b/%C3%A9.json", "/a b/\xc3\xa9.json");
}

static void other_urls_are_no_files(void **state)
{
    (void)state;
    static const char *const urls[] = {
        "https://example.com/", "file:keys.json", "file://other/keys.json", "file:", "file://",
        "file:////host/share",  "file:///a%00b"};
    char path[256];
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++)
        assert_int_equal(path_of(urls[i], path, sizeof(path)), HUB_E_INVALID);
}

struct scene {
    char folder[64];
    char path[96];
    char other[96];
};

static void put(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int setup(void **state)
{
    struct scene *scene = calloc(1, sizeof(*scene));
    assert_non_null(scene);
    (void)snprintf(scene->folder, sizeof(scene->folder), "/tmp/cinnabar-keys-XXXXXX");
    assert_non_null(mkdtemp(scene->folder));
    (void)snprintf(scene->path, sizeof(scene->path), "%s/keys", scene->folder);
    (void)snprintf(scene->other, sizeof(scene->other), "%s/next", scene->folder);
    *state = scene;
    return 0;
}

static int teardown(void **state)
{
    struct scene *scene = *state;
    (void)unlink(scene->path);
    (void)unlink(scene->other);
    assert_int_equal(rmdir(scene->folder), 0);
    free(scene);
    return 0;
}

static int read_file(const struct scene *scene, struct key_file_stamp *stamp, const char *wanted)
{
    struct buf text;
    buf_init(&text, 100);
    int err = key_file_read(scene->path, stamp, &text);
    if (!err)
        assert_true(str_eq(buf_str(&text), str_from_c(wanted)));
    buf_done(&text);
    return err;
}

static void a_file_changes_when_it_is_replaced_or_rewritten(void **state)
{
    const struct scene *scene = *state;
    struct key_file_stamp stamp = {0};
    put(scene->path, "one");
    assert_true(key_file_has_changed(scene->path, &stamp));
    assert_int_equal(read_file(scene, &stamp, "one"), HUB_OK);
    assert_false(key_file_has_changed(scene->path, &stamp));
    put(scene->path, "three");
    assert_true(key_file_has_changed(scene->path, &stamp));
    assert_int_equal(read_file(scene, &stamp, "three"), HUB_OK);
    put(scene->other, "seven"); // of the same size
    assert_int_equal(rename(scene->other, scene->path), 0);
    assert_true(key_file_has_changed(scene->path, &stamp));
    assert_int_equal(read_file(scene, &stamp, "seven"), HUB_OK);
}

static void a_missing_file_is_told_once_until_it_is_there(void **state)
{
    const struct scene *scene = *state;
    struct key_file_stamp stamp = {0};
    assert_int_equal(read_file(scene, &stamp, ""), -ENOENT);
    assert_false(key_file_has_changed(scene->path, &stamp));
    put(scene->path, "one");
    assert_true(key_file_has_changed(scene->path, &stamp));
    assert_int_equal(read_file(scene, &stamp, "one"), HUB_OK);
    assert_int_equal(unlink(scene->path), 0);
    assert_true(key_file_has_changed(scene->path, &stamp));
}

static void a_file_over_the_bound_is_refused(void **state)
{
    const struct scene *scene = *state;
    char text[102] = "";
    memset(text, 'x', 101);
    put(scene->path, text);
    struct key_file_stamp stamp = {0};
    assert_int_equal(read_file(scene, &stamp, ""), HUB_E_TOO_BIG);
    assert_false(key_file_has_changed(scene->path, &stamp));
}

static void a_pipe_or_a_folder_is_no_file(void **state)
{
    const struct scene *scene = *state;
    struct key_file_stamp stamp = {0};
    assert_int_equal(mkfifo(scene->path, 0600), 0);
    assert_int_equal(read_file(scene, &stamp, ""), HUB_E_INVALID);
    struct buf text;
    buf_init(&text, 100);
    assert_int_equal(key_file_read(scene->folder, &stamp, &text), HUB_E_INVALID);
    buf_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_is_what_its_url_says),
        cmocka_unit_test(other_urls_are_no_files),
        cmocka_unit_test_setup_teardown(a_file_changes_when_it_is_replaced_or_rewritten, setup, teardown),
        cmocka_unit_test_setup_teardown(a_missing_file_is_told_once_until_it_is_there, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_over_the_bound_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_pipe_or_a_folder_is_no_file, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
