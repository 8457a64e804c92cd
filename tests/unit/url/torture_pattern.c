#include "base/err.h"
#include "support/torture.h"
#include "url/pattern.h"
#include "url/url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static int test_topic(const struct url_pattern *pattern, const struct url *base)
{
    struct url url;
    int err = url_parse(&url, STR("/books/1?q"), base);
    if (err)
        return err;
    uint64_t work = url_pattern_work(0);
    int result = url_pattern_test(pattern, &url, &work);
    url_done(&url);
    return result < 0 ? result : HUB_OK;
}

static int scenario(void *arg)
{
    const char *text = arg;
    struct url base;
    struct url_pattern *pattern;
    struct url_pattern_error error;
    int err = url_parse(&base, STR("https://hub.example:8443/.well-known/mercure"), NULL);
    if (err)
        return err;
    err = url_pattern_compile(&pattern, str_from_c(text), &base, false, &error);
    if (!err) {
        err = test_topic(pattern, &base);
        url_pattern_free(pattern);
    }
    url_done(&base);
    return err;
}

static void memory_may_run_out_at_every_place(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "https://b\303\274cher.example/books/:id",
        "http{s}?://:user:*@{*.}?hub.example:*/a/{b:c}+/*?x#:y",
        "/:kind(books|films)/:id(\\d+)*",
        "b*",
        "?q",
        "urn\\:isbn\\:*",
        "http://[\\:\\:1]/",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        char text[128];
        (void)snprintf(text, sizeof(text), "%s", texts[i]);
        torture_run(scenario, text);
        assert_true(torture_failures() > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_may_run_out_at_every_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
