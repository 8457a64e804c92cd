#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "http/form.h"
#include "http/head.h"
#include "http/request.h"
#include "support/torture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static int parse_request(void *arg)
{
    (void)arg;
    struct str head = STR("POST /.well-known/mercure?a=b HTTP/1.1\r\nHost: h\r\nCookie: a=b\r\n"
                          "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    struct http_head_scan scan = {0};
    assert_int_equal(http_head_scan(&scan, head, 1000), HTTP_HEAD_COMPLETE);
    struct http_request request;
    struct http_refusal refusal;
    struct arena arena;
    arena_init(&arena, 65536);
    int err = http_request_parse(&request, head, scan.lines, &arena, &refusal);
    if (!err)
        assert_int_equal(request.content_length, 5);
    arena_done(&arena);
    return err;
}

static int read_form(void *arg)
{
    (void)arg;
    struct arena arena;
    struct form form;
    struct str name, value;
    struct buf again;
    arena_init(&arena, 65536);
    buf_init(&again, 4096);
    form_init(&form, STR("a=b&topic=https%3A%2F%2Fexample.com%2F%C3%A9&data=1+2%"), &arena);
    unsigned count = 0;
    while (form_next(&form, &name, &value)) {
        form_append(&again, name, value);
        count++;
    }
    assert_true(form.err ? count < 3 : count == 3);
    int err = form.err ? form.err : again.err;
    buf_done(&again);
    arena_done(&arena);
    return err;
}

static void memory_may_run_out_at_every_place(void **state)
{
    (void)state;
    torture_run(parse_request, NULL);
    assert_true(torture_failures() > 0);
    torture_run(read_form, NULL);
    assert_true(torture_failures() > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_may_run_out_at_every_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
