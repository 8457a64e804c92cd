#include "transport/bolt/settings.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    struct arena arena;
    struct buf notes;
    struct buf reason;
    struct settings settings;
};

static int setup(void **state)
{
    static struct fixture fixture;
    arena_init(&fixture.arena, 1 << 20);
    buf_init(&fixture.notes, 4096);
    buf_init(&fixture.reason, 1024);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    arena_done(&fixture->arena);
    buf_done(&fixture->notes);
    buf_done(&fixture->reason);
    return 0;
}

static int parse(struct fixture *fixture, const char *url)
{
    buf_clear(&fixture->notes);
    buf_clear(&fixture->reason);
    return settings_parse(&fixture->settings, str_from_c(url), &fixture->arena, &fixture->notes,
                          &fixture->reason);
}

static void accept(struct fixture *fixture, const char *url, const char *path)
{
    assert_int_equal(parse(fixture, url), HUB_OK);
    assert_string_equal(fixture->settings.path.ptr, path);
    assert_int_equal(fixture->settings.path.len, strlen(path));
}

static void refuse(struct fixture *fixture, const char *url, const char *why)
{
    assert_int_equal(parse(fixture, url), HUB_E_INVALID);
    assert_non_null(strstr(buf_c(&fixture->reason), why));
}

static void the_path_is_the_urls_or_else_its_host(void **state)
{
    struct fixture *fixture = *state;
    char here[PATH_MAX], expected[PATH_MAX + 16];
    assert_non_null(getcwd(here, sizeof(here)));
    accept(fixture, "bolt:///var/lib/m.db", "/var/lib/m.db");
    assert_int_equal(fixture->notes.len, 0);
    (void)snprintf(expected, sizeof(expected), "%s/m.db", here);
    accept(fixture, "bolt://m.db", expected);
    accept(fixture, "bolt://m.db?size=3", expected);
    accept(fixture, "bolt://user@m.db", expected);
    (void)snprintf(expected, sizeof(expected), "%s/a b.db", here);
    accept(fixture, "bolt://a%20b.db", expected);
    accept(fixture, "bolt:///a%20b.db", "/a b.db");
    assert_int_equal(fixture->notes.len, 0);
}

static void a_host_before_a_path_is_left_out_with_a_note(void **state)
{
    struct fixture *fixture = *state;
    accept(fixture, "bolt://dir/file.db", "/file.db");
    assert_non_null(strstr(buf_c(&fixture->notes), "\"dir\""));
    assert_non_null(strstr(buf_c(&fixture->notes), "/file.db.lmdb\n"));
}

static void the_defaults_keep_and_sync_everything(void **state)
{
    struct fixture *fixture = *state;
    accept(fixture, "bolt:///m.db", "/m.db");
    assert_int_equal(fixture->settings.size, 0);
    assert_int_equal(fixture->settings.sync, SYNC_ALWAYS);
    accept(fixture, "bolt:///m.db?size=18446744073709551615&sync=off", "/m.db");
    assert_true(fixture->settings.size == UINT64_MAX);
    assert_int_equal(fixture->settings.sync, SYNC_OFF);
}

static void what_a_go_hub_took_is_taken_or_ignored_with_a_note(void **state)
{
    struct fixture *fixture = *state;
    accept(fixture, "bolt:///m.db?bucket_name=updates&cleanup_frequency=0.3&size=10", "/m.db");
    assert_int_equal(fixture->settings.size, 10);
    assert_true(str_eq(fixture->settings.bucket, STR("updates")));
    assert_null(strstr(buf_c(&fixture->notes), "bucket_name"));
    assert_non_null(strstr(buf_c(&fixture->notes), "cleanup_frequency"));
}

static void what_cannot_be_is_refused_with_a_sentence(void **state)
{
    struct fixture *fixture = *state;
    refuse(fixture, "bolt://", "needs a path");
    refuse(fixture, "bolt://?size=1", "needs a path");
    refuse(fixture, "bolt:///", "must name a file");
    refuse(fixture, "bolt:///var/lib/", "must name a file");
    refuse(fixture, "bolt:///a%zz", "hexadecimal");
    refuse(fixture, "bolt://a%zz", "hexadecimal");
    refuse(fixture, "bolt:///a%00", "hexadecimal");
    refuse(fixture, "bolt:///m.db?size=-1", "size");
    refuse(fixture, "bolt:///m.db?size=many", "size");
    refuse(fixture, "bolt:///m.db?sync=maybe", "always, off");
    refuse(fixture, "bolt:///m.db?sise=1", "did you mean \"size\"?");
    refuse(fixture, "bolt", "needs a scheme");
}

static void a_path_may_be_as_long_as_the_system_takes_it(void **state)
{
    struct fixture *fixture = *state;
    char url[PATH_MAX + 16];
    memset(url, 'a', sizeof(url));
    memcpy(url, "bolt:///", 8);
    size_t most = PATH_MAX - 17;
    url[7 + most + 1] = '\0';
    refuse(fixture, url, "longer than");
    url[7 + most] = '\0';
    assert_int_equal(parse(fixture, url), HUB_OK);
    assert_int_equal(fixture->settings.path.len, most);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_path_is_the_urls_or_else_its_host, setup, teardown),
        cmocka_unit_test_setup_teardown(a_host_before_a_path_is_left_out_with_a_note, setup, teardown),
        cmocka_unit_test_setup_teardown(the_defaults_keep_and_sync_everything, setup, teardown),
        cmocka_unit_test_setup_teardown(what_a_go_hub_took_is_taken_or_ignored_with_a_note, setup, teardown),
        cmocka_unit_test_setup_teardown(what_cannot_be_is_refused_with_a_sentence, setup, teardown),
        cmocka_unit_test_setup_teardown(a_path_may_be_as_long_as_the_system_takes_it, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
