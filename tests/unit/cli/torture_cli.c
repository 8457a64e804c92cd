// Tokens and flags with one allocation after the other failed.
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "cli/mint.h"
#include "client/request.h"
#include "client/url.h"
#include "support/torture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static int make_a_token(void *arg)
{
    (void)arg;
    struct mint_request request = mint_all(STR("https://issuer"), STR("https://hub"));
    struct buf token, reason, text;
    request.payload = STR("{\"name\":\"Ada\"}");
    buf_init(&token, 65536);
    buf_init(&reason, 1024);
    buf_init(&text, 65536);
    int err = mint_token(&request, STR("secret"), STR("HS256"), STR("k"), &token, &reason);
    if (!err)
        err = mint_explain(buf_str(&token), &text);
    buf_done(&token);
    buf_done(&reason);
    buf_done(&text);
    return err;
}

static int write_requests(void *arg)
{
    (void)arg;
    struct str topics[] = {STR("a"), STR("https://example.com/b")};
    struct request_publish publish = {.topics = {topics, 2}, .data = STR("x\ny"), .id = STR("i")};
    struct request_subscribe subscribe = {.topics = {topics, 2}, .last_event_id = STR("i")};
    struct client_url url;
    struct arena arena;
    struct buf request, reason;
    arena_init(&arena, 65536);
    buf_init(&request, 65536);
    buf_init(&reason, 1024);
    int err = client_url_resolve(&url, STR("unix:/run/hub.sock:/hub"), &arena, &reason);
    if (!err) {
        request_append_publish(&request, &url, STR("t"), &publish);
        request_append_subscribe(&request, &url, STR("t"), &subscribe);
        err = request.err;
    }
    buf_done(&request);
    buf_done(&reason);
    arena_done(&arena);
    return err;
}

static void a_token_is_made_or_memory_is_out(void **state)
{
    (void)state;
    torture_run(make_a_token, NULL);
    assert_true(torture_failures() > 0);
}

static void a_request_is_written_or_memory_is_out(void **state)
{
    (void)state;
    torture_run(write_requests, NULL);
    assert_true(torture_failures() > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_is_made_or_memory_is_out),
        cmocka_unit_test(a_request_is_written_or_memory_is_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
