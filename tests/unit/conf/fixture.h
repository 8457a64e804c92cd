// What the tests of this folder share: a load from given flags, variables and files, in a folder of its own.
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "conf/conf.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

// Variables with which a configuration is complete.
#define KEYS "MERCURE_PUBLISHER_JWT_KEY=p", "MERCURE_SUBSCRIBER_JWT_KEY=s"
// Arguments of load(): lists of strings.
#define FLAGS(...) ((char *[]){__VA_ARGS__ __VA_OPT__(, ) NULL})
#define VARIABLES(...) ((char *[]){__VA_ARGS__ __VA_OPT__(, ) NULL})

struct fixture {
    char dir[64];
    char path[256]; // of the last file written
    struct conf *conf;
    struct conf_errors errors;
    struct buf printed;
    const struct conf_override *overrides;
    size_t override_count;
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    assert_non_null(fixture);
    (void)snprintf(fixture->dir, sizeof(fixture->dir), "/tmp/cinnabar-conf-XXXXXX");
    assert_non_null(mkdtemp(fixture->dir));
    conf_errors_init(&fixture->errors);
    buf_init(&fixture->printed, 1 << 20);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    conf_free(fixture->conf);
    conf_errors_done(&fixture->errors);
    buf_done(&fixture->printed);
    char command[128];
    (void)snprintf(command, sizeof(command), "rm -rf '%s'", fixture->dir);
    assert_int_equal(system(command), 0);
    free(fixture);
    return 0;
}

// Writes a file below the fixture's folder.
__attribute__((unused)) static const char *write_file(struct fixture *fixture, const char *name,
                                                      struct str text)
{
    (void)snprintf(fixture->path, sizeof(fixture->path), "%s/%s", fixture->dir, name);
    FILE *file = fopen(fixture->path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text.ptr ? text.ptr : "", 1, text.len, file), text.len);
    assert_int_equal(fclose(file), 0);
    return fixture->path;
}

static int load(struct fixture *fixture, char *const *flags, char *const *variables)
{
    conf_free(fixture->conf);
    fixture->conf = NULL;
    conf_errors_done(&fixture->errors);
    conf_errors_init(&fixture->errors);
    struct conf_source source = {
        .argv = flags,
        .environ = variables,
        .overrides = fixture->overrides,
        .override_count = fixture->override_count,
        .override_name = "cinnabar dev",
        .work_dir = fixture->dir,
        .etc_dir = fixture->dir,
    };
    while (flags[source.argc])
        source.argc++;
    int err = conf_load(&fixture->conf, &source, &fixture->errors);
    buf_clear(&fixture->printed);
    conf_errors_print(&fixture->errors, &fixture->printed);
    return err;
}

__attribute__((unused)) static void assert_loaded(struct fixture *fixture, char *const *flags,
                                                  char *const *variables)
{
    int err = load(fixture, flags, variables);
    if (err || fixture->errors.count)
        print_error("%s", buf_c(&fixture->printed));
    assert_int_equal(err, HUB_OK);
    assert_int_equal(fixture->errors.count, 0);
    assert_non_null(fixture->conf);
}

// The texts that conf_errors_print has written must be exactly these.
__attribute__((unused)) static void assert_printed(struct fixture *fixture, const char *expected)
{
    assert_string_equal(buf_c(&fixture->printed), expected);
}

__attribute__((unused)) static void assert_refused(struct fixture *fixture, char *const *flags,
                                                   char *const *variables, const char *expected)
{
    assert_int_equal(load(fixture, flags, variables), HUB_E_INVALID);
    assert_null(fixture->conf);
    assert_printed(fixture, expected);
}

// Loaded, with these warnings.
__attribute__((unused)) static void assert_warned(struct fixture *fixture, char *const *flags,
                                                  char *const *variables, const char *expected)
{
    assert_int_equal(load(fixture, flags, variables), HUB_OK);
    assert_printed(fixture, expected);
}

__attribute__((unused)) static void assert_str(struct str s, const char *expected)
{
    assert_int_equal(s.len, strlen(expected));
    assert_memory_equal(s.ptr, expected, s.len + 1);
}

__attribute__((unused)) static void assert_origin(struct fixture *fixture, const char *key,
                                                  const char *expected)
{
    struct buf buf;
    buf_init(&buf, 1024);
    conf_origin(fixture->conf, key, &buf);
    assert_string_equal(buf_c(&buf), expected);
    buf_done(&buf);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
