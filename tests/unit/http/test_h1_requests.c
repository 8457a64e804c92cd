#include "client.h"

#include <errno.h>

static void requests_are_answered_on_a_connection_that_is_kept(void **state)
{
    struct rig_client *client = rig_client_new(*state);
    for (unsigned i = 0; i < 3; i++) {
        rig_get(client, "GET /hello");
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

static void a_handler_sees_the_request(void **state)
{
    struct rig_client *client = rig_client_new(*state);
    RIG_SEND(client->fd, "\r\nQUERY http://b:1/headers?a=b HTTP/1.1\r\nHost: b:1\r\nX:  y \r\nx: z\r\n\r\n");
    assert_int_equal(rig_read_response(client), 200);
    ASSERT_STR(buf_str(&client->body), "7 /headers a=b b:1\nHost=b:1\nX=y\nx=z\n");
    assert_true(str_starts_with(rig_field(client, STR("X-Peer")), STR("127.0.0.1:")));
    rig_client_free(client);
}

static void a_body_comes_whole_however_it_is_cut(void **state)
{
    struct rig_client *client = rig_client_new(*state);
    struct str request = STR("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
                             "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                             "2\r\nwo\r\n3;x=y\r\nrld\r\n0\r\nT: r\r\n\r\n"
                             "GET /echo HTTP/1.1\r\nHost: a\r\n\r\n");
    for (size_t step = 1; step <= request.len; step += step < 4 ? 1 : 30) {
        for (size_t at = 0; at < request.len; at += step)
            rig_send(client->fd, str_slice(request, at, at + step));
        assert_int_equal(rig_read_response(client), 200);
        ASSERT_STR(buf_str(&client->body), "hello");
        assert_int_equal(rig_read_response(client), 200);
        ASSERT_STR(buf_str(&client->body), "world");
        assert_int_equal(rig_read_response(client), 200);
        ASSERT_STR(buf_str(&client->body), "");
    }
    rig_client_free(client);
}

static void head_gets_the_head_of_get(void **state)
{
    struct rig_client *client = rig_client_new(*state);
    rig_get(client, "HEAD /hello");
    assert_int_equal(rig_read_head(client, true), 200);
    rig_read_end(client);
    ASSERT_STR(rig_field(client, STR("Content-Length")), "6");
    rig_get(client, "GET /hello");
    assert_int_equal(rig_read_response(client), 200);
    rig_client_free(client);
}

static void http_1_0_is_kept_only_when_it_asks(void **state)
{
    struct rig_client *client = rig_client_new(*state);
    RIG_SEND(client->fd, "GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    assert_int_equal(rig_read_response(client), 200);
    ASSERT_STR(rig_field(client, STR("Connection")), "keep-alive");
    RIG_SEND(client->fd, "GET /hello HTTP/1.0\r\n\r\nGET /hello HTTP/1.0\r\n\r\n");
    assert_int_equal(rig_read_response(client), 200);
    ASSERT_STR(rig_field(client, STR("Connection")), "close");
    assert_true(rig_is_closed(client));
    rig_client_free(client);
}

static void nothing_is_read_behind_a_request_that_closes(void **state)
{
    struct rig *rig = *state;
    struct rig_client *client = rig_client_new(rig);
    RIG_SEND(client->fd, "GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
                         "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(rig_read_response(client), 200);
    ASSERT_STR(rig_field(client, STR("Connection")), "close");
    assert_true(rig_is_closed(client));
    assert_int_equal(rig->handled, 1);
    rig_client_free(client);
}

// ---- Pipelining ----

static void answers_come_in_the_order_of_the_requests(void **state)
{
    struct rig *rig = *state;
    struct rig_client *client = rig_client_new(rig);
    RIG_SEND(client->fd, "GET /hold?1 HTTP/1.1\r\nHost: a\r\n\r\nGET /hold?2 HTTP/1.1\r\nHost: a\r\n\r\n"
                         "GET /hello HTTP/1.1\r\nHost: a\r\n\r\nGET /hold?3 HTTP/1.1\r\nHost: a\r\n\r\n");
    rig_await(&rig->handled, 4);
    rig_request(rig, "GET /release?2 HTTP/1.1\r\nHost: a\r\n\r\n");
    rig_request(rig, "GET /release?1 HTTP/1.1\r\nHost: a\r\n\r\n");
    const char *expected[] = {"1", "2", "hello\n", "3"};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(rig_read_response(client), 200);
        assert_string_equal(buf_c(&client->body), expected[i]);
    }
    rig_client_free(client);
}

static void not_more_requests_are_read_ahead_than_the_bound(void **state)
{
    struct rig *rig = *state;
    struct rig_client *client = rig_client_new(rig);
    for (unsigned i = 0; i < 20; i++)
        rig_get(client, "GET /hold?x");
    rig_await(&rig->handled, 8);
    (void)usleep(50000);
    assert_int_equal(rig->handled, 8);
    rig_request(rig, "GET /release?8 HTTP/1.1\r\nHost: a\r\n\r\n");
    rig_await(&rig->handled, 8 + 1 + 8);
    rig_request(rig, "GET /release?8 HTTP/1.1\r\nHost: a\r\n\r\n");
    rig_await(&rig->handled, 8 + 1 + 8 + 1 + 4);
    rig_request(rig, "GET /release?8 HTTP/1.1\r\nHost: a\r\n\r\n");
    for (unsigned i = 0; i < 20; i++)
        assert_int_equal(rig_read_response(client), 200);
    rig_client_free(client);
}

static void a_client_that_does_not_read_is_not_read_from(void **state)
{
    struct rig *rig = *state;
    struct rig_client *client = rig_client_new(rig);
    for (unsigned i = 0; i < 40; i++)
        rig_get(client, "GET /big?s=1000000");
    (void)usleep(100000);
    unsigned handled = rig->handled;
    assert_true(handled < 30);
    for (unsigned i = 0; i < 40; i++) {
        assert_int_equal(rig_read_response(client), 200);
        assert_int_equal(client->body.len, 1000000);
        assert_int_equal(client->body.ptr[999999], 'a' + 999999 % 26);
    }
    rig_client_free(client);
}

static void send_flood(void *arg)
{
    const int *fd = arg;
    for (unsigned i = 0; i < 100; i++) {
        struct buf buf;
        buf_init(&buf, 65536);
        for (unsigned j = 0; j < 100; j++)
            buf_append_str(&buf, STR("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"));
        rig_send(*fd, buf_str(&buf));
        buf_done(&buf);
    }
}

static void requests_that_come_faster_than_answers_are_all_answered(void **state)
{
    struct rig_client *client = rig_client_new(*state);
    uv_thread_t thread;
    assert_int_equal(uv_thread_create(&thread, send_flood, &client->fd), 0);
    for (unsigned i = 0; i < 100 * 100; i++)
        assert_int_equal(rig_read_response(client), 200);
    (void)uv_thread_join(&thread);
    rig_client_free(client);
}

// ---- Bodies ----

static void continue_is_sent_when_the_body_is_wanted(void **state)
{
    struct rig_client *client = rig_client_new(*state);
    char text[64] = {0};
    RIG_SEND(client->fd,
             "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    assert_int_equal(recv(client->fd, text, 25, MSG_WAITALL), 25);
    assert_string_equal(text, "HTTP/1.1 100 Continue\r\n\r\n");
    RIG_SEND(client->fd, "ok");
    assert_int_equal(rig_read_response(client), 200);
    ASSERT_STR(buf_str(&client->body), "ok");
    rig_client_free(client);
}

static void continue_is_not_sent_for_a_body_that_is_not_wanted(void **state)
{
    struct rig_client *client = rig_client_new(*state);
    char text[16] = {0};
    RIG_SEND(client->fd,
             "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\nExpect: 100-continue\r\n\r\n");
    assert_int_equal(recv(client->fd, text, 12, MSG_PEEK | MSG_WAITALL), 12);
    assert_string_equal(text, "HTTP/1.1 413");
    assert_int_equal(rig_read_response(client), 413);
    assert_true(rig_is_closed(client));
    rig_client_free(client);
    client = rig_client_new(*state);
    RIG_SEND(client->fd,
             "POST /ignore HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    assert_int_equal(rig_read_response(client), 200);
    ASSERT_STR(rig_field(client, STR("Connection")), "close");
    rig_client_free(client);
}

static void a_body_at_the_bound_passes_and_one_over_it_does_not(void **state)
{
    struct rig_client *client = rig_client_new(*state);
    char body[RIG_BODY_MAX + 1];
    memset(body, 'x', sizeof(body));
    RIG_SEND(client->fd, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n");
    rig_send(client->fd, str_make(body, 1000));
    assert_int_equal(rig_read_response(client), 200);
    assert_int_equal(client->body.len, 1000);
    RIG_SEND(client->fd, "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n");
    rig_send(client->fd, str_make(body, 1000));
    RIG_SEND(client->fd, "\r\n0\r\n\r\n");
    assert_int_equal(rig_read_response(client), 200);
    assert_int_equal(client->body.len, 1000);
    RIG_SEND(client->fd, "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n");
    rig_send(client->fd, str_make(body, 1001));
    assert_int_equal(rig_read_response(client), 413);
    ASSERT_STR(rig_field(client, STR("Connection")), "close");
    assert_true(rig_is_closed(client));
    rig_client_free(client);
}

static void a_client_that_sends_a_big_body_gets_to_read_its_refusal(void **state)
{
    struct rig_client *client = rig_client_new(*state);
    static char body[1 << 20];
    RIG_SEND(client->fd, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 8388608\r\n\r\n");
    for (unsigned i = 0; i < 8; i++)
        rig_send(client->fd, str_make(body, sizeof(body)));
    assert_int_equal(rig_read_response(client), 413);
    assert_true(rig_is_closed(client));
    rig_client_free(client);
}

static void a_small_body_that_nobody_reads_is_skipped(void **state)
{
    struct rig_client *client = rig_client_new(*state);
    RIG_SEND(client->fd, "POST /ignore HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab");
    assert_int_equal(rig_read_response(client), 200);
    assert_null(rig_field(client, STR("Connection")).ptr);
    RIG_SEND(client->fd, "cdeGET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(rig_read_response(client), 200);
    ASSERT_STR(buf_str(&client->body), "hello\n");
    rig_client_free(client);
}

static void a_big_body_that_nobody_reads_closes_the_connection(void **state)
{
    struct rig_client *client = rig_client_new(*state);
    RIG_SEND(client->fd, "POST /ignore HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nab");
    assert_int_equal(rig_read_response(client), 200);
    ASSERT_STR(rig_field(client, STR("Connection")), "close");
    assert_true(rig_is_closed(client));
    rig_client_free(client);
    client = rig_client_new(*state);
    RIG_SEND(client->fd, "POST /ignore HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
    assert_int_equal(rig_read_response(client), 200);
    ASSERT_STR(rig_field(client, STR("Connection")), "close");
    rig_client_free(client);
}

// As a token that is verified meanwhile makes it.
static void a_body_that_is_wanted_only_when_nothing_more_is_read_is_dropped(void **state)
{
    struct rig *rig = *state;
    struct rig_client *client = rig_client_new(rig);
    RIG_SEND(client->fd, "GET /hold?1 HTTP/1.1\r\nHost: a\r\n\r\nGET /abort?later HTTP/1.1\r\nHost: a\r\n\r\n"
                         "POST /late HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n");
    rig_await(&rig->handled, 3);
    rig_request(rig, "GET /release?1 HTTP/1.1\r\nHost: a\r\n\r\n");
    rig_request(rig, "GET /read HTTP/1.1\r\nHost: a\r\n\r\n");
    RIG_SEND(client->fd, "hello");
    rig_request(rig, "GET /release?1 HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(rig_read_response(client), 200);
    ASSERT_STR(buf_str(&client->body), "1");
    assert_true(rig_is_closed(client));
    rig_await(&rig->gone, 1);
    rig_client_free(client);
}

// ---- Refusals ----

static void assert_refused(struct rig *rig, struct str request, unsigned status, const char *body)
{
    struct rig_client *client = rig_client_new(rig);
    rig_send(client->fd, request);
    assert_int_equal(rig_read_response(client), status);
    assert_string_equal(buf_c(&client->body), body);
    ASSERT_STR(rig_field(client, STR("Content-Type")), "text/plain; charset=utf-8");
    ASSERT_STR(rig_field(client, STR("X-Content-Type-Options")), "nosniff");
    ASSERT_STR(rig_field(client, STR("Connection")), "close");
    assert_int_equal(rig_field(client, STR("X-Request-Id")).len, 16);
    assert_true(rig_is_closed(client));
    rig_client_free(client);
    assert_int_equal(rig->refused, status);
    assert_non_null(rig->refused_reason);
}

#define REFUSED(status, body, request) assert_refused(*state, STR(request), status, body)

static void refusals_are_answered_and_reported_and_close(void **state)
{
    REFUSED(400, "Bad Request\n", "GET / HTTP/1.1\r\n\r\n");
    REFUSED(400, "Bad Request\n", "GET / HTTP/1.1\nHost: a\n\n");
    REFUSED(400, "Bad Request\n", "GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n");
    REFUSED(400, "Bad Request\n", "\x16\x03\x01\x02");
    REFUSED(501, "Not Implemented\n", "BREW / HTTP/1.1\r\nHost: a\r\n\r\n");
    REFUSED(505, "HTTP Version Not Supported\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    REFUSED(417, "Expectation Failed\n",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: x\r\n\r\n");
    REFUSED(400, "Bad Request\n",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
    struct rig *rig = *state;
    assert_int_equal(rig->handled, 0);
}

static void a_broken_chunk_ends_a_request_that_the_handler_has(void **state)
{
    struct rig *rig = *state;
    assert_refused(rig, STR("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n"), 400,
                   "Bad Request\n");
    assert_int_equal(rig->handled, 1);
    rig_await(&rig->gone, 1);
}

static void heads_over_their_bound_are_refused(void **state)
{
    char request[5000];
    memset(request, 'a', sizeof(request));
    memcpy(request, "GET /", 5);
    assert_refused(*state, str_make(request, 4096), 414, "URI Too Long\n");
    memcpy(request, "GET /hello HTTP/1.1\r\nHost: a\r\nA: ", 33);
    assert_refused(*state, str_make(request, 4096), 431, "Request Header Fields Too Large\n");
    struct rig_client *client = rig_client_new(*state);
    memcpy(request + 4092, "\r\n\r\n", 4);
    rig_send(client->fd, str_make(request, 4096));
    assert_int_equal(rig_read_response(client), 200);
    rig_client_free(client);
}

static void earlier_answers_come_before_a_refusal(void **state)
{
    struct rig *rig = *state;
    struct rig_client *client = rig_client_new(rig);
    RIG_SEND(client->fd,
             "GET /hold?1 HTTP/1.1\r\nHost: a\r\n\r\nnonsense\r\n\r\nGET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    rig_await(&rig->refused, 400);
    rig_request(rig, "GET /release?1 HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(rig_read_response(client), 200);
    assert_int_equal(rig_read_response(client), 400);
    assert_true(rig_is_closed(client));
    rig_client_free(client);
}

// ---- Peers that go ----

static void a_client_that_has_closed_its_half_gets_its_answers(void **state)
{
    struct rig *rig = *state;
    struct rig_client *client = rig_client_new(rig);
    RIG_SEND(client->fd, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\nGET /hold?x HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(shutdown(client->fd, SHUT_WR), 0);
    assert_int_equal(rig_read_response(client), 200);
    rig_request(rig, "GET /release?1 HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(rig_read_response(client), 200);
    assert_true(rig_is_closed(client));
    rig_client_free(client);
}

static void a_request_that_breaks_off_is_given_up(void **state)
{
    struct rig *rig = *state;
    struct rig_client *client = rig_client_new(rig);
    RIG_SEND(client->fd, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhell");
    rig_await(&rig->handled, 1);
    assert_int_equal(shutdown(client->fd, SHUT_WR), 0);
    assert_true(rig_is_closed(client));
    rig_await(&rig->gone, 1);
    rig_client_free(client);
    client = rig_client_new(rig);
    RIG_SEND(client->fd, "GET /hello HTTP/1.1\r\nHo");
    assert_int_equal(shutdown(client->fd, SHUT_WR), 0);
    assert_true(rig_is_closed(client));
    rig_client_free(client);
}

static void a_reset_tells_the_handler_that_nobody_waits(void **state)
{
    struct rig *rig = *state;
    struct rig_client *client = rig_client_new(rig);
    RIG_SEND(client->fd, "GET /hold HTTP/1.1\r\nHost: a\r\n\r\nGET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
    rig_await(&rig->handled, 2);
    rig_reset(client);
    rig_await(&rig->gone, 2);
    rig_request(rig, "GET /release?2 HTTP/1.1\r\nHost: a\r\n\r\n"); // their ids lead nowhere now
    rig_client_free(client);
}

static void an_abort_closes_without_an_answer(void **state)
{
    struct rig *rig = *state;
    struct rig_client *client = rig_client_new(rig);
    rig_get(client, "GET /abort");
    assert_true(rig_is_closed(client));
    assert_int_equal(rig->gone, 0);
    rig_client_free(client);
}

static void answers_in_front_of_an_abort_are_sent(void **state)
{
    struct rig *rig = *state;
    struct rig_client *client = rig_client_new(rig);
    RIG_SEND(client->fd, "GET /hold?first HTTP/1.1\r\nHost: a\r\n\r\nGET /abort HTTP/1.1\r\nHost: a\r\n\r\n"
                         "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
    rig_await(&rig->handled, 2);
    rig_request(rig, "GET /release?1 HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(rig_read_response(client), 200);
    ASSERT_STR(buf_str(&client->body), "first");
    assert_true(rig_is_closed(client));
    assert_int_equal(rig->handled, 3);
    rig_client_free(client);
}

// ---- Time ----

static int set_up_impatient(void **state)
{
    struct rig *rig = rig_new();
    rig->config.read_header_timeout_ms = 100;
    rig->config.read_timeout_ms = 300;
    rig_start(rig);
    *state = rig;
    return 0;
}

static void a_slow_head_is_refused(void **state)
{
    struct rig *rig = *state;
    struct rig_client *client = rig_client_new(rig);
    RIG_SEND(client->fd, "GET /hello HTTP/1.1\r\nHo");
    assert_int_equal(rig_read_response(client), 408);
    assert_true(rig_is_closed(client));
    assert_int_equal(rig->refused, 408);
    rig_client_free(client);
}

static void a_slow_second_head_is_refused_as_well(void **state)
{
    struct rig *rig = *state;
    struct rig_client *client = rig_client_new(rig);
    RIG_SEND(client->fd, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\nGET /hello HTTP/1.1\r\n");
    assert_int_equal(rig_read_response(client), 200);
    assert_int_equal(rig_read_response(client), 408);
    assert_true(rig_is_closed(client));
    rig_client_free(client);
}

static void a_slow_body_is_refused_and_the_handler_told(void **state)
{
    struct rig *rig = *state;
    struct rig_client *client = rig_client_new(rig);
    RIG_SEND(client->fd, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 500\r\n\r\n");
    for (unsigned i = 0; i < 500 && rig->gone == 0; i++) {
        (void)send(client->fd, "x", 1, MSG_NOSIGNAL);
        (void)usleep(10000);
    }
    assert_int_equal(rig_read_response(client), 408);
    rig_await(&rig->gone, 1);
    rig_client_free(client);
}

static void a_client_that_says_nothing_is_closed_without_a_word(void **state)
{
    struct rig *rig = *state;
    struct rig_client *client = rig_client_new(rig);
    RIG_SEND(client->fd, "\r\n");
    assert_true(rig_is_closed(client));
    rig_client_free(client);
    client = rig_client_new(rig);
    rig_get(client, "GET /hello");
    assert_int_equal(rig_read_response(client), 200);
    assert_true(rig_is_closed(client));
    assert_int_equal(rig->refused, 0);
    rig_client_free(client);
}

static void a_connection_that_is_used_is_kept(void **state)
{
    struct rig *rig = *state;
    struct rig_client *client = rig_client_new(rig);
    for (unsigned i = 0; i < 10; i++) { // a second, and none of it idle for 300 ms
        rig_get(client, "GET /hello");
        assert_int_equal(rig_read_response(client), 200);
        (void)usleep(100000);
    }
    rig_client_free(client);
}

static void a_handler_may_take_longer_than_the_client(void **state)
{
    struct rig *rig = *state;
    struct rig_client *client = rig_client_new(rig);
    rig_get(client, "GET /hold?slow");
    (void)usleep(500000);
    rig_request(rig, "GET /release?1 HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(rig_read_response(client), 200);
    rig_client_free(client);
}

// ---- Bodies that come slowly ----

#define PIECE 1000
#define PIECE_MEMORY 1024

static int set_up_narrow(void **state)
{
    struct rig *rig = rig_new();
    rig->config.max_body_bytes = (size_t)3 * PIECE_MEMORY;
    rig_start(rig);
    *state = rig;
    return 0;
}

static void send_piece(const struct rig_client *client)
{
    char piece[PIECE];
    memset(piece, 'x', sizeof(piece));
    rig_send(client->fd, str_make(piece, sizeof(piece)));
}

// Sends the first of two pieces of a body; `before`: how many others have got that far.
static struct rig_client *begin_body(struct rig *rig, size_t before, const char *head)
{
    struct rig_client *client = rig_client_new(rig);
    rig_send(client->fd, str_from_c(head));
    send_piece(client);
    rig_await_bytes(&rig->shared.body_bytes, (before + 1) * PIECE_MEMORY);
    return client;
}

#define TWO_PIECES "POST /publish HTTP/1.1\r\nHost: a\r\nContent-Length: 2000\r\n\r\n"

static void assert_let_go(struct rig *rig, struct rig_client *client)
{
    assert_int_equal(rig_read_response(client), 503);
    ASSERT_STR(rig_field(client, STR("Retry-After")), "1");
    ASSERT_STR(rig_field(client, STR("Connection")), "close");
    ASSERT_STR(buf_str(&client->body), "Service Unavailable: too many request bodies are being read\n");
    assert_true(rig_is_closed(client));
    rig_await(&rig->gone, 1);
    assert_int_equal(rig->refused, 503);
}

static void when_too_many_bodies_are_read_the_one_read_for_longest_is_refused(void **state)
{
    struct rig *rig = *state;
    struct rig_client *clients[4];
    for (size_t i = 0; i < 3; i++)
        clients[i] = begin_body(rig, i, TWO_PIECES);
    clients[3] = begin_body(rig, 2, TWO_PIECES);
    assert_let_go(rig, clients[0]);
    for (size_t i = 1; i < 4; i++) {
        send_piece(clients[i]);
        assert_int_equal(rig_read_response(clients[i]), 200);
    }
    assert_int_equal(rig->gone, 1);
    for (size_t i = 0; i < 4; i++)
        rig_client_free(clients[i]);
}

static void a_chunked_body_is_counted_as_it_grows_and_keeps_its_place(void **state)
{
    struct rig *rig = *state;
    struct rig_client *slow =
        begin_body(rig, 0, "POST /publish HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n");
    struct rig_client *other = begin_body(rig, 1, TWO_PIECES);
    send_piece(slow); // its memory doubles
    rig_await_bytes(&rig->shared.body_bytes, (size_t)3 * PIECE_MEMORY);
    struct rig_client *last = begin_body(rig, 1, TWO_PIECES);
    assert_let_go(rig, slow);
    rig_client_free(last);
    rig_client_free(other);
    rig_client_free(slow);
}

static void a_body_that_comes_at_once_is_neither_counted_nor_refused(void **state)
{
    struct rig *rig = *state;
    struct rig_client *clients[3];
    for (size_t i = 0; i < 3; i++)
        clients[i] = begin_body(rig, i, TWO_PIECES);
    struct rig_client *quick = rig_client_new(rig);
    RIG_SEND(quick->fd, TWO_PIECES);
    rig_await(&rig->handled, 4); // the body is waited for
    char body[2 * PIECE];
    memset(body, 'x', sizeof(body));
    rig_send(quick->fd, str_make(body, sizeof(body)));
    assert_int_equal(rig_read_response(quick), 200);
    assert_int_equal(rig->shared.body_bytes, 3 * PIECE_MEMORY);
    for (size_t i = 0; i < 3; i++) {
        send_piece(clients[i]);
        assert_int_equal(rig_read_response(clients[i]), 200);
        rig_client_free(clients[i]);
    }
    rig_client_free(quick);
}

static void a_body_that_has_come_is_counted_until_the_answer(void **state)
{
    struct rig *rig = *state;
    struct rig_client *client = rig_client_new(rig);
    RIG_SEND(client->fd, "POST /keep HTTP/1.1\r\nHost: a\r\nContent-Length: 3100\r\n\r\n");
    send_piece(client);
    rig_await_bytes(&rig->shared.body_bytes, PIECE_MEMORY);
    send_piece(client);
    send_piece(client);
    RIG_SEND(client->fd, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
                         "xxxxxxxxxxxxxxxxx");
    rig_await(&rig->bodies, 1);
    assert_true(rig->shared.body_bytes > 0);
    struct rig_client *next = rig_client_new(rig);
    RIG_SEND(next->fd, TWO_PIECES);
    send_piece(next);
    assert_let_go(rig, next); // nobody else can
    rig_request(rig, "GET /release?1 HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(rig_read_response(client), 200);
    rig_await_bytes(&rig->shared.body_bytes, 0);
    rig_client_free(next);
    rig_client_free(client);
}

static void a_single_body_may_be_larger_than_the_bound(void **state)
{
    struct rig *rig = *state;
    struct rig_client *client = rig_client_new(rig);
    RIG_SEND(client->fd, "POST /publish HTTP/1.1\r\nHost: a\r\nContent-Length: 10000\r\n\r\n");
    for (size_t i = 0; i < 9; i++)
        send_piece(client);
    rig_await_bytes(&rig->shared.body_bytes, 10001);
    send_piece(client);
    assert_int_equal(rig_read_response(client), 200);
    rig_client_free(client);
}

#define NARROW(name) cmocka_unit_test_setup_teardown(name, set_up_narrow, rig_tear_down)
#define IMPATIENT(name) cmocka_unit_test_setup_teardown(name, set_up_impatient, rig_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(requests_are_answered_on_a_connection_that_is_kept),
        RIG_TEST(a_handler_sees_the_request),
        RIG_TEST(a_body_comes_whole_however_it_is_cut),
        RIG_TEST(head_gets_the_head_of_get),
        RIG_TEST(http_1_0_is_kept_only_when_it_asks),
        RIG_TEST(nothing_is_read_behind_a_request_that_closes),
        RIG_TEST(answers_come_in_the_order_of_the_requests),
        RIG_TEST(not_more_requests_are_read_ahead_than_the_bound),
        RIG_TEST(a_client_that_does_not_read_is_not_read_from),
        RIG_TEST(requests_that_come_faster_than_answers_are_all_answered),
        RIG_TEST(continue_is_sent_when_the_body_is_wanted),
        RIG_TEST(continue_is_not_sent_for_a_body_that_is_not_wanted),
        RIG_TEST(a_body_at_the_bound_passes_and_one_over_it_does_not),
        RIG_TEST(a_client_that_sends_a_big_body_gets_to_read_its_refusal),
        RIG_TEST(a_small_body_that_nobody_reads_is_skipped),
        RIG_TEST(a_big_body_that_nobody_reads_closes_the_connection),
        RIG_TEST(a_body_that_is_wanted_only_when_nothing_more_is_read_is_dropped),
        RIG_TEST(refusals_are_answered_and_reported_and_close),
        RIG_TEST(a_broken_chunk_ends_a_request_that_the_handler_has),
        RIG_TEST(heads_over_their_bound_are_refused),
        RIG_TEST(earlier_answers_come_before_a_refusal),
        RIG_TEST(a_client_that_has_closed_its_half_gets_its_answers),
        RIG_TEST(a_request_that_breaks_off_is_given_up),
        RIG_TEST(a_reset_tells_the_handler_that_nobody_waits),
        NARROW(when_too_many_bodies_are_read_the_one_read_for_longest_is_refused),
        NARROW(a_chunked_body_is_counted_as_it_grows_and_keeps_its_place),
        NARROW(a_body_that_comes_at_once_is_neither_counted_nor_refused),
        NARROW(a_body_that_has_come_is_counted_until_the_answer),
        NARROW(a_single_body_may_be_larger_than_the_bound),
        RIG_TEST(an_abort_closes_without_an_answer),
        RIG_TEST(answers_in_front_of_an_abort_are_sent),
        IMPATIENT(a_slow_head_is_refused),
        IMPATIENT(a_slow_second_head_is_refused_as_well),
        IMPATIENT(a_slow_body_is_refused_and_the_handler_told),
        IMPATIENT(a_client_that_says_nothing_is_closed_without_a_word),
        IMPATIENT(a_connection_that_is_used_is_kept),
        IMPATIENT(a_handler_may_take_longer_than_the_client),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
