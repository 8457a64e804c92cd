#include "http/h1_priv.h"
#include "rig.h"

#include <errno.h>

static int set_up(void **state)
{
    struct rig *rig = rig_new();
    rig_start(rig);
    *state = rig;
    return 0;
}

static int tear_down(void **state)
{
    rig_stop(*state);
    return 0;
}

static void requests_are_answered_on_a_connection_that_is_kept(void **state)
{
    struct rig_client *client = rig_client_new(*state);
    for (unsigned i = 0; i < 3; i++) {
        RIG_SEND(client->fd, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_int_equal(rig_read_response(client), 200);
        ASSERT_STR(buf_str(&client->body), "hello\n");
        ASSERT_STR(rig_field(client, STR("Content-Type")), "text/plain");
        ASSERT_STR(rig_field(client, STR("Content-Length")), "6");
        assert_null(rig_field(client, STR("Connection")).ptr);
        assert_int_equal(rig_field(client, STR("Date")).len, 29);
        assert_int_equal(rig_field(client, STR("X-Request-Id")).len, 16);
    }
    rig_client_free(client);
}

static void a_body_comes_whole_however_it_is_cut(void **state)
{
    struct rig_client *client = rig_client_new(*state);
    struct str request = STR("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
                             "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                             "2\r\nwo\r\n3;x=y\r\nrld\r\n0\r\nT: r\r\n\r\n");
    for (size_t step = 1; step <= request.len; step += step < 4 ? 1 : 30) {
        for (size_t at = 0; at < request.len; at += step)
            rig_send(client->fd, str_slice(request, at, at + step));
        assert_int_equal(rig_read_response(client), 200);
        ASSERT_STR(buf_str(&client->body), "hello");
        assert_int_equal(rig_read_response(client), 200);
        ASSERT_STR(buf_str(&client->body), "world");
    }
    rig_client_free(client);
}

static void a_stream_comes_whole_and_ends(void **state)
{
    struct rig_client *client = rig_client_new(*state);
    RIG_SEND(client->fd, "GET /stream?c=3&s=5 HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(rig_read_response(client), 200);
    ASSERT_STR(buf_str(&client->body), "aaaaabbbbbccccc");
    ASSERT_STR(rig_field(client, STR("Transfer-Encoding")), "chunked");
    assert_true(rig_is_closed(client));
    rig_client_free(client);
    struct rig *rig = *state;
    rig_await(&rig->closed[HTTP_CLOSE_ENDED], 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(requests_are_answered_on_a_connection_that_is_kept, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_body_comes_whole_however_it_is_cut, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_stream_comes_whole_and_ends, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
