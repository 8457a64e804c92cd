// The parser with one allocation after the other failed.
#include "base/err.h"
#include "sse/parse.h"
#include "support/torture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void ignore(void *arg, const struct sse_event *event)
{
    (void)event;
    ++*(unsigned *)arg;
}

static int read_a_stream(void *arg)
{
    static const char *const pieces[] = {"event: x\nid: 1\nretry: 5\nda", "ta: a\ndata: b\n\n", "data: c\r",
                                         "\n\r\n"};
    struct sse_parser parser;
    int err = HUB_OK;
    sse_parser_init(&parser, 4096, ignore, arg);
    for (size_t i = 0; i < ARRAY_LEN(pieces) && !err; i++)
        err = sse_parser_feed(&parser, str_from_c(pieces[i]));
    sse_parser_restart(&parser);
    sse_parser_done(&parser);
    return err;
}

static void a_stream_is_read_or_memory_is_out(void **state)
{
    (void)state;
    unsigned events = 0;
    torture_run(read_a_stream, &events);
    assert_true(torture_failures() > 0);
    assert_true(events >= 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_is_read_or_memory_is_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
