#include "client.h"
#include "http/h1_priv.h"

#include <netinet/tcp.h>
#include <stdio.h>

static void a_stream_comes_whole_and_ends(void **state)
{
    struct rig *rig = *state;
    struct rig_client *client = rig_client_new(rig);
    rig_get(client, "GET /stream?c=3&s=5");
    assert_int_equal(rig_read_response(client), 200);
    ASSERT_STR(buf_str(&client->body), "aaaaabbbbbccccc");
    ASSERT_STR(rig_field(client, STR("Transfer-Encoding")), "chunked");
    ASSERT_STR(rig_field(client, STR("Connection")), "keep-alive");
    assert_true(rig_is_closed(client));
    rig_client_free(client);
    rig_await(&rig->closed[HTTP_CLOSE_ENDED], 1);
}

static void each_slice_is_a_chunk_of_its_own(void **state)
{
    struct rig *rig = *state;
    int fd = rig_connect(rig);
    RIG_SEND(fd, "GET /stream?c=2&s=17 HTTP/1.1\r\nHost: a\r\n\r\n");
    char text[1024] = {0};
    ssize_t got, len = 0;
    while ((got = recv(fd, text + len, sizeof(text) - 1 - (size_t)len, 0)) > 0)
        len += got;
    assert_string_equal(strstr(text, "\r\n\r\n"),
                        "\r\n\r\n11\r\naaaaaaaaaaaaaaaaa\r\n11\r\nbbbbbbbbbbbbbbbbb\r\n0\r\n\r\n");
    (void)close(fd);
}

static void http_1_0_gets_a_stream_without_chunks(void **state)
{
    struct rig *rig = *state;
    struct rig_client *client = rig_client_new(rig);
    RIG_SEND(client->fd, "GET /stream?c=3&s=5 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    assert_int_equal(rig_read_response(client), 200);
    ASSERT_STR(buf_str(&client->body), "aaaaabbbbbccccc");
    assert_null(rig_field(client, STR("Transfer-Encoding")).ptr);
    ASSERT_STR(rig_field(client, STR("Connection")), "close");
    rig_client_free(client);
}

static void head_gets_no_more_than_the_head_of_a_stream(void **state)
{
    struct rig *rig = *state;
    struct rig_client *client = rig_client_new(rig);
    rig_get(client, "HEAD /live");
    assert_int_equal(rig_read_head(client, true), 200);
    rig_read_end(client);
    assert_true(rig_is_closed(client));
    rig_await(&rig->closed[HTTP_CLOSE_ENDED], 1);
    rig_client_free(client);
}

static void a_long_stream_comes_whole(void **state)
{
    struct rig *rig = *state;
    struct rig_client *client = rig_client_new(rig);
    rig_get(client, "GET /stream?c=4000&s=5000");
    assert_int_equal(rig_read_head(client, false), 200);
    (void)usleep(100000); // the socket is full by now
    rig_read_end(client);
    assert_int_equal(client->body.len, 4000 * 5000);
    for (size_t i = 0; i < client->body.len; i += 4999)
        assert_int_equal(client->body.ptr[i], 'a' + i / 5000 % 26);
    rig_client_free(client);
    rig_await(&rig->closed[HTTP_CLOSE_ENDED], 1);
}

// ---- Fan-out ----

static void publish(struct rig *rig, const char *byte, size_t size)
{
    struct rig_client *client = rig_client_new(rig);
    char *body = malloc(size);
    assert_non_null(body);
    memset(body, *byte, size);
    char head[128];
    int len = snprintf(head, sizeof(head), "POST /publish HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n",
                       size);
    rig_send(client->fd, str_make(head, (size_t)len));
    rig_send(client->fd, str_make(body, size));
    assert_int_equal(rig_read_response(client), 200);
    free(body);
    rig_client_free(client);
}

static struct rig_client *subscribe(struct rig *rig)
{
    struct rig_client *client = rig_client_new(rig);
    rig_get(client, "GET /live");
    assert_int_equal(rig_read_head(client, false), 200);
    return client;
}

static void every_subscriber_gets_every_slice_in_order(void **state)
{
    enum { SUBSCRIBERS = 200 };
    struct rig *rig = *state;
    struct rig_client *clients[SUBSCRIBERS];
    for (size_t i = 0; i < SUBSCRIBERS; i++)
        clients[i] = subscribe(rig);
    publish(rig, "1", 10);
    publish(rig, "2", 10);
    for (size_t i = 0; i < SUBSCRIBERS; i++)
        rig_read_body(clients[i], 20);
    publish(rig, "3", 10);
    rig_request(rig, "GET /end HTTP/1.1\r\nHost: a\r\n\r\n");
    for (size_t i = 0; i < SUBSCRIBERS; i++) {
        rig_read_end(clients[i]);
        ASSERT_STR(buf_str(&clients[i]->body), "111111111122222222223333333333");
        rig_client_free(clients[i]);
    }
    rig_await(&rig->closed[HTTP_CLOSE_ENDED], SUBSCRIBERS);
}

static uint64_t sends(struct rig *rig)
{
    return counter_read(&http_server_metrics(rig->server)->sends);
}

static void an_answer_and_a_delivery_cost_one_call_each(void **state)
{
    struct rig *rig = *state;
    struct rig_client *client = subscribe(rig);
    struct rig_client *publisher = rig_client_new(rig);
    uint64_t before = sends(rig);
    for (unsigned i = 0; i < 10; i++) {
        RIG_SEND(publisher->fd, "POST /publish HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab");
        assert_int_equal(rig_read_response(publisher), 200);
    }
    rig_read_body(client, 20);
    assert_int_equal(sends(rig) - before, 20);
    rig_client_free(publisher);
    rig_client_free(client);
}

// ---- Slow readers ----

static int set_up_patient(void **state)
{
    struct rig *rig = rig_new();
    rig->config.dispatch_timeout_ms = 0;
    rig->config.max_unsent_bytes = 64 << 20;
    rig_start(rig);
    *state = rig;
    return 0;
}

// What has been sent is counted out right after.
static void await_nothing_unsent(struct rig *rig)
{
    for (unsigned i = 0; i < 20000 && atomic_load(&rig->shared.unsent_bytes) > 0; i++)
        (void)usleep(1000);
    assert_int_equal(rig->shared.unsent_bytes, 0);
}

static void one_who_does_not_read_holds_nobody_up_and_misses_nothing(void **state)
{
    enum { COUNT = 150, SIZE = 100000 };
    struct rig *rig = *state;
    struct rig_client *slow = subscribe(rig);
    struct rig_client *quick = subscribe(rig);
    for (unsigned i = 0; i < COUNT; i++) {
        char byte[2] = {(char)('a' + i % 26), 0};
        publish(rig, byte, SIZE);
        rig_read_body(quick, (i + 1) * SIZE);
    }
    assert_true(rig->shared.unsent_bytes > 0 && rig->shared.unsent_bytes <= SIZE + 20);
    rig_read_body(slow, COUNT * SIZE);
    assert_memory_equal(slow->body.ptr, quick->body.ptr, COUNT * SIZE);
    for (unsigned i = 0; i < COUNT; i++)
        assert_int_equal(slow->body.ptr[i * SIZE + SIZE / 2], 'a' + i % 26);
    await_nothing_unsent(rig);
    rig_client_free(slow);
    rig_client_free(quick);
}

static int set_up_strict(void **state)
{
    struct rig *rig = rig_new();
    rig->config.dispatch_timeout_ms = 200;
    rig->config.max_unsent_bytes = 300000;
    rig_start(rig);
    *state = rig;
    return 0;
}

// With enough time for a reader that the machine holds up.
static int set_up_lenient(void **state)
{
    struct rig *rig = rig_new();
    rig->config.dispatch_timeout_ms = 2000;
    rig_start(rig);
    *state = rig;
    return 0;
}

static void one_who_takes_no_byte_for_too_long_is_cut(void **state)
{
    struct rig *rig = *state;
    struct rig_client *client = rig_client_new(rig);
    rig_get(client, "GET /stream?c=1000&s=10000");
    rig_await(&rig->closed[HTTP_CLOSE_STALLED], 1);
    assert_int_equal(counter_read(&http_server_metrics(rig->server)->stalled), 1);
    rig_client_free(client);
    client = rig_client_new(rig);
    rig_get(client, "GET /big?s=20000000");
    for (unsigned i = 0; i < 1000 && counter_read(&http_server_metrics(rig->server)->stalled) < 2; i++)
        (void)usleep(10000);
    assert_int_equal(counter_read(&http_server_metrics(rig->server)->stalled), 2);
    rig_client_free(client);
}

static void one_who_takes_a_little_now_and_then_is_kept(void **state)
{
    struct rig *rig = *state;
    struct rig_client *client = rig_client_new(rig);
    rig_get(client, "GET /stream?c=2000&s=10000");
    assert_int_equal(rig_read_head(client, false), 200);
    for (unsigned i = 0; i < 12; i++) { // 2,400 ms, and none of them without a byte for 2,000
        (void)usleep(200000);
        rig_read_body(client, client->body.len + 500000);
    }
    rig_read_end(client);
    assert_int_equal(client->body.len, 2000 * 10000);
    rig_client_free(client);
    assert_int_equal(rig->closed[HTTP_CLOSE_STALLED], 0);
}

// A response, of which the socket takes far less than half.
#define LARGE 20000000
#define LARGE_TEXT "20000000"

// Room for what is left of one, and not for two.
static int set_up_full(void **state)
{
    struct rig *rig = rig_new();
    rig->config.dispatch_timeout_ms = 0;
    rig->config.max_unsent_bytes = LARGE;
    rig_start(rig);
    *state = rig;
    return 0;
}

static void await_stalled(struct rig *rig)
{
    for (unsigned i = 0; i < 20000 && atomic_load(&rig->shared.unsent_bytes) <= LARGE / 2; i++)
        (void)usleep(1000);
    assert_true(rig->shared.unsent_bytes > LARGE / 2 && rig->shared.unsent_bytes <= LARGE);
}

static void await_unsent(struct rig *rig, size_t bytes)
{
    for (unsigned i = 0; i < 20000 && atomic_load(&rig->shared.unsent_bytes) < bytes; i++)
        (void)usleep(1000);
    assert_true(rig->shared.unsent_bytes >= bytes);
}

static struct rig_client *stall(struct rig *rig, const char *line)
{
    struct rig_client *client = rig_client_new(rig);
    rig_get(client, line);
    assert_int_equal(rig_read_head(client, false), 200);
    await_stalled(rig);
    return client;
}

static void assert_comes_whole(struct rig_client *client)
{
    rig_read_body(client, LARGE);
    rig_read_end(client);
    assert_int_equal(client->body.len, LARGE);
}

static void of_frames_sent_in_part_those_of_the_longest_stalled_are_let_go(void **state)
{
    struct rig *rig = *state;
    struct rig_client *first = stall(rig, "GET /stream?c=1&s=" LARGE_TEXT);
    struct rig_client *second = stall(rig, "GET /stream?c=1&s=" LARGE_TEXT);
    rig_await(&rig->closed[HTTP_CLOSE_OVERLOAD], 1);
    await_stalled(rig);
    struct rig_client *third = stall(rig, "GET /stream?c=1&s=" LARGE_TEXT);
    rig_await(&rig->closed[HTTP_CLOSE_OVERLOAD], 2);
    assert_comes_whole(third);
    await_nothing_unsent(rig);
    rig_client_free(first);
    rig_client_free(second);
    rig_client_free(third);
}

static void responses_that_wait_for_a_slow_reader_count_like_frames(void **state)
{
    struct rig *rig = *state;
    struct rig_client *first = stall(rig, "GET /stream?c=1&s=" LARGE_TEXT);
    struct rig_client *second = stall(rig, "GET /big?s=" LARGE_TEXT);
    rig_await(&rig->closed[HTTP_CLOSE_OVERLOAD], 1);
    await_stalled(rig);
    struct rig_client *third = stall(rig, "GET /stream?c=1&s=" LARGE_TEXT);
    int event;
    do
        event = rig_event(second);
    while (event == HTTP_RESPONSE_BODY);
    assert_true(event < 0);
    assert_comes_whole(third);
    assert_int_equal(rig->closed[HTTP_CLOSE_OVERLOAD], 1);
    rig_client_free(first);
    rig_client_free(second);
    rig_client_free(third);
}

static void one_frame_counts_once_however_many_have_taken_it_in_part(void **state)
{
    enum { READERS = 3 };
    struct rig *rig = *state;
    struct rig_client *clients[READERS];
    for (size_t i = 0; i < READERS; i++)
        clients[i] = subscribe(rig);
    publish(rig, "x", LARGE);
    await_stalled(rig);
    for (size_t i = 0; i < READERS; i++)
        rig_read_body(clients[i], LARGE);
    assert_int_equal(rig->closed[HTTP_CLOSE_OVERLOAD], 0);
    for (size_t i = 0; i < READERS; i++)
        rig_client_free(clients[i]);
}

static void what_is_a_small_part_of_its_owner_does_not_keep_the_rest(void **state)
{
    struct rig *rig = *state;
    rig->beside = (size_t)10 * LARGE;
    struct rig_client *client = rig_client_new(rig);
    rig_get(client, "GET /stream?c=2&s=" LARGE_TEXT);
    assert_int_equal(rig_read_head(client, false), 200);
    await_stalled(rig);
    rig_read_body(client, 2 * LARGE);
    rig_read_end(client);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(client->body.ptr[i * LARGE + LARGE / 2], 'a' + (int)i);
    assert_int_equal(client->body.len, 2 * LARGE);
    await_nothing_unsent(rig);
    rig_client_free(client);
}

// Ten of the heads fit, and one more does not.
static int set_up_for_heads(void **state)
{
    struct rig *rig = rig_new();
    rig->config.max_unsent_bytes = 30000;
    rig_start(rig);
    *state = rig;
    return 0;
}

static void heads_that_do_not_become_whole_are_bounded(void **state)
{
    enum { HEADS = 11, SIZE = 2900 };
    struct rig *rig = *state;
    struct rig_client *clients[HEADS];
    static char field[SIZE];
    memset(field, 'a', SIZE);
    memcpy(field, "X: ", 3);
    for (size_t i = 0; i < HEADS; i++) {
        clients[i] = rig_client_new(rig);
        RIG_SEND(clients[i]->fd, "GET /hello HTTP/1.1\r\nHost: a\r\n");
        rig_send(clients[i]->fd, str_make(field, SIZE));
        if (i < HEADS - 1)
            await_unsent(rig, (i + 1) * SIZE);
    }
    assert_true(rig_is_closed(clients[0]));
    for (size_t i = 1; i < HEADS; i++) {
        RIG_SEND(clients[i]->fd, "\r\n\r\n");
        assert_int_equal(rig_read_response(clients[i]), 200);
    }
    await_nothing_unsent(rig);
    for (size_t i = 0; i < HEADS; i++)
        rig_client_free(clients[i]);
}

static void requests_that_wait_for_the_answers_of_others_do_not_count(void **state)
{
    enum { HELD = 8, BEHIND = 200 };
    struct rig *rig = *state;
    struct rig_client *client = rig_client_new(rig);
    static char text[(HELD + BEHIND) * 64];
    size_t len = 0;
    for (size_t i = 0; i < HELD + BEHIND; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n",
                                i < HELD ? "/hold?x" : "/hello");
    rig_send(client->fd, str_make(text, len));
    rig_await(&rig->handled, HELD);
    rig_request(rig, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"); // whose turn comes after theirs
    assert_int_equal(rig->shared.unsent_bytes, 0);
    rig_request(rig, "GET /release?8 HTTP/1.1\r\nHost: a\r\n\r\n");
    for (size_t i = 0; i < HELD + BEHIND; i++)
        assert_int_equal(rig_read_response(client), 200);
    rig_client_free(client);
}

// What sockets take of it is less than a quarter: two are within the bound, and three are not.
#define HUGE_TEXT "40000000"

static int set_up_for_two(void **state)
{
    struct rig *rig = rig_new();
    rig->config.dispatch_timeout_ms = 0;
    rig->config.max_unsent_bytes = 80000000;
    rig_start(rig);
    *state = rig;
    return 0;
}

static struct rig_client *ask_for_huge(struct rig *rig)
{
    size_t before = atomic_load(&rig->shared.unsent_bytes);
    struct rig_client *client = rig_client_new(rig);
    rig_get(client, "GET /stream?c=1&s=" HUGE_TEXT);
    assert_int_equal(rig_read_head(client, false), 200);
    for (unsigned i = 0; i < 20000 && atomic_load(&rig->shared.unsent_bytes) <= before; i++)
        (void)usleep(1000);
    return client;
}

static void one_who_has_taken_a_little_is_not_the_longest_stalled(void **state)
{
    struct rig *rig = *state;
    struct rig_client *moving = ask_for_huge(rig);
    struct rig_client *still = ask_for_huge(rig);
    rig_read_body(moving, 20000000); // more than sockets took before
    struct rig_client *last = rig_client_new(rig);
    rig_get(last, "GET /stream?c=1&s=" HUGE_TEXT);
    rig_await(&rig->closed[HTTP_CLOSE_OVERLOAD], 1);
    rig_read_end(moving);
    assert_int_equal(moving->body.len, 40000000);
    rig_client_free(moving);
    rig_client_free(still);
    rig_client_free(last);
}

// ---- Peers that go ----

static void a_subscriber_that_goes_is_noticed_when_something_is_sent(void **state)
{
    struct rig *rig = *state;
    struct rig_client *client = subscribe(rig);
    rig_client_free(client); // FIN, and a reset in answer to the comment
    rig_await(&rig->closed[HTTP_CLOSE_PEER], 1);
    assert_int_equal(rig->peer_finished, 1);
    client = subscribe(rig);
    rig_reset(client);
    rig_await(&rig->closed[HTTP_CLOSE_PEER], 2);
    assert_int_equal(rig->peer_finished, 1);
    rig_client_free(client);
}

static void a_subscriber_that_has_closed_its_half_goes_on_receiving(void **state)
{
    struct rig *rig = *state;
    struct rig_client *client = subscribe(rig);
    assert_int_equal(shutdown(client->fd, SHUT_WR), 0);
    rig_await(&rig->peer_finished, 1);
    publish(rig, "x", 3);
    rig_read_body(client, 5);
    ASSERT_STR(buf_str(&client->body), ":\nxxx");
    rig_request(rig, "GET /end HTTP/1.1\r\nHost: a\r\n\r\n");
    rig_read_end(client);
    assert_true(rig_is_closed(client));
    rig_client_free(client);
}

static void what_a_subscriber_sends_is_dropped_and_costs_it_nothing(void **state)
{
    struct rig *rig = *state;
    struct rig_client *client = subscribe(rig);
    static char noise[1 << 20];
    rig_send(client->fd, str_make(noise, sizeof(noise)));
    publish(rig, "x", 3);
    rig_read_body(client, 3);
    rig_send(client->fd, str_make(noise, sizeof(noise)));
    rig_request(rig, "GET /end HTTP/1.1\r\nHost: a\r\n\r\n");
    rig_send(client->fd, str_make(noise, sizeof(noise)));
    rig_read_end(client);
    ASSERT_STR(buf_str(&client->body), "xxx");
    assert_true(rig_is_closed(client));
    rig_client_free(client);
}

// ---- Streams among other requests ----

static void a_stream_waits_for_the_answers_in_front_of_it(void **state)
{
    struct rig *rig = *state;
    struct rig_client *client = rig_client_new(rig);
    RIG_SEND(client->fd, "GET /hold?first HTTP/1.1\r\nHost: a\r\n\r\nGET /live HTTP/1.1\r\nHost: a\r\n\r\n");
    rig_await(&rig->handled, 2);
    publish(rig, "x", 3);
    rig_request(rig, "GET /release?1 HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(rig_read_response(client), 200);
    ASSERT_STR(buf_str(&client->body), "first");
    assert_int_equal(rig_read_head(client, false), 200);
    rig_read_body(client, 3);
    ASSERT_STR(buf_str(&client->body), "xxx");
    rig_client_free(client);
}

static void requests_behind_a_stream_are_given_up(void **state)
{
    struct rig *rig = *state;
    struct rig_client *client = rig_client_new(rig);
    RIG_SEND(client->fd,
             "GET /hold HTTP/1.1\r\nHost: a\r\n\r\nGET /stream?c=1&s=1 HTTP/1.1\r\nHost: a\r\n\r\n"
             "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
    rig_await(&rig->handled, 2);
    rig_request(rig, "GET /release?1 HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(rig_read_response(client), 200);
    assert_int_equal(rig_read_response(client), 200);
    ASSERT_STR(buf_str(&client->body), "a");
    assert_true(rig_is_closed(client));
    assert_int_equal(rig->handled, 3);
    rig_client_free(client);
}

static void many_subscribers_that_go_at_once_leave_nothing_behind(void **state)
{
    enum { SUBSCRIBERS = 500 };
    struct rig *rig = *state;
    struct rig_client *clients[SUBSCRIBERS];
    for (size_t i = 0; i < SUBSCRIBERS; i++)
        clients[i] = subscribe(rig);
    for (size_t i = 0; i < SUBSCRIBERS; i++) {
        if (i % 3 == 0)
            rig_reset(clients[i]);
        rig_client_free(clients[i]);
    }
    rig_await(&rig->closed[HTTP_CLOSE_PEER], SUBSCRIBERS);
    for (unsigned i = 0; i < 1000 && atomic_load(&rig->shared.connections) > 0; i++)
        (void)usleep(1000);
    assert_int_equal(atomic_load(&rig->shared.connections), 0);
}

static void an_idle_subscriber_is_small(void **state)
{
    (void)state;
    print_message("a streaming connection: %zu bytes\n", sizeof(struct h1));
    assert_true(sizeof(struct h1) <= 288);
}

#define PATIENT(name) cmocka_unit_test_setup_teardown(name, set_up_patient, rig_tear_down)
#define FULL(name) cmocka_unit_test_setup_teardown(name, set_up_full, rig_tear_down)
#define STRICT(name) cmocka_unit_test_setup_teardown(name, set_up_strict, rig_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(a_stream_comes_whole_and_ends),
        RIG_TEST(each_slice_is_a_chunk_of_its_own),
        RIG_TEST(http_1_0_gets_a_stream_without_chunks),
        RIG_TEST(head_gets_no_more_than_the_head_of_a_stream),
        RIG_TEST(a_long_stream_comes_whole),
        RIG_TEST(every_subscriber_gets_every_slice_in_order),
        RIG_TEST(an_answer_and_a_delivery_cost_one_call_each),
        PATIENT(one_who_does_not_read_holds_nobody_up_and_misses_nothing),
        STRICT(one_who_takes_no_byte_for_too_long_is_cut),
        cmocka_unit_test_setup_teardown(one_who_takes_a_little_now_and_then_is_kept, set_up_lenient,
                                        rig_tear_down),
        FULL(of_frames_sent_in_part_those_of_the_longest_stalled_are_let_go),
        FULL(responses_that_wait_for_a_slow_reader_count_like_frames),
        FULL(one_frame_counts_once_however_many_have_taken_it_in_part),
        FULL(what_is_a_small_part_of_its_owner_does_not_keep_the_rest),
        cmocka_unit_test_setup_teardown(heads_that_do_not_become_whole_are_bounded, set_up_for_heads,
                                        rig_tear_down),
        RIG_TEST(requests_that_wait_for_the_answers_of_others_do_not_count),
        cmocka_unit_test_setup_teardown(one_who_has_taken_a_little_is_not_the_longest_stalled, set_up_for_two,
                                        rig_tear_down),
        RIG_TEST(a_subscriber_that_goes_is_noticed_when_something_is_sent),
        RIG_TEST(a_subscriber_that_has_closed_its_half_goes_on_receiving),
        RIG_TEST(what_a_subscriber_sends_is_dropped_and_costs_it_nothing),
        RIG_TEST(a_stream_waits_for_the_answers_in_front_of_it),
        RIG_TEST(requests_behind_a_stream_are_given_up),
        RIG_TEST(many_subscribers_that_go_at_once_leave_nothing_behind),
        cmocka_unit_test(an_idle_subscriber_is_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
