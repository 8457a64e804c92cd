#include "base/err.h"
#include "conf/conf.h"
#include "support/torture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

// Loads from every source at once.
static int load_all(void *arg)
{
    (void)arg;
    static char *flags[] = {"--max-topics",      "7",           "--publish-origins",
                            "https://a.example", "--anonymous", NULL};
    static char *variables[] = {"MERCURE_HEARTBEAT=1m", "MERCURE_ADDR=127.0.0.1:1 127.0.0.1:2",
                                "MERCURE_ISSUERS=[{issuer: 'https://x', publisher: {jwt_key: 'k'}}]", NULL};
    static const struct conf_override overrides[] = {{"log_level", "debug"}};
    struct conf_source source = {.argc = 5,
                                 .argv = flags,
                                 .environ = variables,
                                 .overrides = overrides,
                                 .override_count = 1,
                                 .override_name = "test",
                                 .work_dir = "/nowhere",
                                 .etc_dir = "/nowhere"};
    struct conf_errors errors;
    struct conf *conf = NULL;
    conf_errors_init(&errors);
    int err = conf_load(&conf, &source, &errors);
    if (!err) {
        assert_int_equal(conf->max_topics, 7);
        assert_int_equal(conf->issuer_count, 1);
    }
    conf_free(conf);
    conf_errors_done(&errors);
    return err;
}

// What is wrong is told if there is memory to tell it, and is never taken for right.
static int load_wrong(void *arg)
{
    (void)arg;
    static char *flags[] = {"--max-topcs", "7", "--heartbeat=40", NULL};
    struct conf_source source = {.argc = 3, .argv = flags, .work_dir = "/nowhere", .etc_dir = "/nowhere"};
    struct conf_errors errors;
    struct conf *conf = NULL;
    conf_errors_init(&errors);
    int err = conf_load(&conf, &source, &errors);
    assert_true(err < 0);
    assert_null(conf);
    conf_errors_done(&errors);
    return err == HUB_E_INVALID ? 0 : err;
}

static void memory_may_run_out_at_every_place(void **state)
{
    (void)state;
    torture_run(load_all, NULL);
    assert_true(torture_failures() > 3);
    torture_run(load_wrong, NULL);
    assert_true(torture_failures() > 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_may_run_out_at_every_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
