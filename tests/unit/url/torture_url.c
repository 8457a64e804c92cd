#include "base/buf.h"
#include "base/err.h"
#include "support/torture.h"
#include "url/url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const char base_text[] = "https://hub.example:8443/.well-known/mercure";

static int parse_and_print(const char *text)
{
    struct url base, url;
    struct buf printed;
    buf_init(&printed, 4096);
    int err = url_parse(&base, str_from_c(base_text), NULL);
    if (err)
        goto out;
    err = url_parse(&url, str_from_c(text), &base);
    if (!err) {
        url_serialize(&url, &printed);
        err = printed.err;
        url_done(&url);
    }
    url_done(&base);
out:
    buf_done(&printed);
    return err;
}

static int scenario(void *arg)
{
    return parse_and_print(arg);
}

static void memory_may_run_out_at_every_place(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "../a/./b?q=\xC3\xA9#f",
        "http://user:p%41ss@b\xC3\xBC"
        "cher.example:80/\xF0\x9F\x98\x80/x y",
        "data:text/plain,hello world",
        "//[2001:db8::1]:1/\\a\\..\\b",
        "?",
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
