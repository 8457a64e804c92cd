#include "base/err.h"
#include "http/response.h"
#include "support/torture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static int read_responses(void *arg)
{
    (void)arg;
    struct str bytes =
        STR("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nA: b\r\nTransfer-Encoding: chunked\r\n\r\n"
            "5\r\nhello\r\n0\r\n\r\n");
    struct http_response_parser parser;
    http_response_parser_init(&parser, 4096);
    size_t len = 0;
    int event = HTTP_RESPONSE_MORE;
    while (event >= 0 && event != HTTP_RESPONSE_END) {
        struct str piece;
        event = http_response_parser_next(&parser, &bytes, &piece);
        assert_true(event != HTTP_RESPONSE_MORE);
        len += piece.len;
    }
    http_response_parser_done(&parser);
    assert_true(event < 0 || len == 5);
    return event < 0 ? event : HUB_OK;
}

static void memory_may_run_out_at_every_place(void **state)
{
    (void)state;
    torture_run(read_responses, NULL);
    assert_true(torture_failures() > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_may_run_out_at_every_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
