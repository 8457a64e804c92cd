#include "base/buf.h"
#include "base/err.h"
#include "bench/bench.h"
#include "bench/shape.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct bench_config config_of(enum bench_protocol protocol)
{
    return (struct bench_config){
        .protocol = protocol,
        .host = STR("127.0.0.1:1"),
        .path = STR("/.well-known/mercure"),
        .publish_token = STR("p"),
        .subscribe_token = STR("s"),
        .size = 40,
    };
}

static void the_length_of_a_publish_is_what_follows_its_head(void **state)
{
    (void)state;
    for (unsigned protocol = BENCH_MERCURE; protocol <= BENCH_BARE; protocol++) {
        struct bench_config config = config_of((enum bench_protocol)protocol);
        struct publish_shape shape;
        struct buf request;
        buf_init(&request, 4096);
        assert_int_equal(shape_publish(&config, &request, &shape), HUB_OK);
        const char *text = buf_c(&request);
        size_t body = strlen(strstr(text, "\r\n\r\n") + 4);
        struct str length = str_from_c(strstr(text, "Content-Length: ") + 16);
        uint64_t announced;
        assert_int_equal(str_to_u64(str_slice(length, 0, str_find(length, 0, '\r')), &announced), HUB_OK);
        assert_int_equal(announced, body);
        assert_int_equal(request.len - shape.stamp_at, config.size);
        buf_done(&request);
    }
}

static void a_topic_is_written_in_place(void **state)
{
    (void)state;
    struct bench_config config = config_of(BENCH_MERCURE);
    struct publish_shape shape;
    struct buf request;
    buf_init(&request, 4096);
    assert_int_equal(shape_publish(&config, &request, &shape), HUB_OK);
    shape_set_topic(request.ptr, &shape, 1234567);
    assert_non_null(strstr(buf_c(&request), "topic=https%3A%2F%2Fexample.com%2Fbench%2F1234567&data="));
    shape_set_topic(request.ptr, &shape, 7);
    assert_non_null(strstr(buf_c(&request), "bench%2F0000007&data="));
    buf_done(&request);
}

static int mint(void *arg, struct str topic, bool is_pattern, struct buf *token)
{
    (void)arg;
    buf_append_str(token, is_pattern ? STR("pattern:") : STR("for:"));
    buf_append_str(token, topic);
    return token->err;
}

static void a_private_subscriber_has_a_token_of_its_own(void **state)
{
    (void)state;
    struct bench_config config = config_of(BENCH_MERCURE);
    struct buf request;
    config.mint = mint;
    buf_init(&request, 4096);
    assert_int_equal(shape_subscribe(&config, 42, STR(""), &request), HUB_OK);
    assert_non_null(strstr(buf_c(&request), "Bearer for:https://example.com/bench/0000042\r\n"));
    buf_done(&request);
}

static void assert_match_sends(enum bench_own own, const char *matcher, const char *bearer,
                               const char *publish)
{
    struct bench_config config = config_of(BENCH_MERCURE);
    struct publish_shape shape;
    struct buf request;
    config.scenario = BENCH_MATCH;
    config.own = own;
    config.mint = own == BENCH_OWN_PATTERN ? NULL : mint;
    buf_init(&request, 4096);
    assert_int_equal(shape_subscribe(&config, 42, STR(""), &request), HUB_OK);
    assert_non_null(strstr(buf_c(&request), matcher));
    assert_non_null(strstr(buf_c(&request), bearer));
    buf_clear(&request);
    assert_int_equal(shape_publish(&config, &request, &shape), HUB_OK);
    assert_non_null(strstr(buf_c(&request), publish));
    buf_done(&request);
}

static void what_a_subscriber_of_match_has_of_its_own_begins_with_the_topic_and_does_not_match(void **state)
{
    (void)state;
    const char *private_to = "bench%2F0000000&private=on&data=";
    assert_match_sends(BENCH_OWN_PATTERN,
                       "?match_urlpattern=https%3A%2F%2Fexample.com%2Fbench%2F0000042%2F%3Aid ",
                       "Bearer s\r\n", "bench%2F0000000&data=");
    assert_match_sends(BENCH_OWN_GRANT, "?match=* ", "Bearer for:https://example.com/bench/0000042/own\r\n",
                       private_to);
    assert_match_sends(BENCH_OWN_GRANT_PATTERN, "?match=* ",
                       "Bearer pattern:https://example.com/bench/0000042/:id\r\n", private_to);
}

static void the_last_event_id_is_sent_in_a_header(void **state)
{
    (void)state;
    struct bench_config config = config_of(BENCH_MERCURE);
    struct buf request;
    buf_init(&request, 4096);
    assert_int_equal(shape_subscribe(&config, 0, STR("earliest"), &request), HUB_OK);
    assert_non_null(strstr(buf_c(&request), "\r\nLast-Event-ID: earliest\r\n"));
    buf_done(&request);
}

static void the_id_of_an_update_is_found_in_the_answer(void **state)
{
    (void)state;
    struct bench_config config = config_of(BENCH_MERCURE);
    assert_true(str_eq(shape_published_id(&config, STR("urn:uuid:1")), STR("urn:uuid:1")));
    config.protocol = BENCH_NCHAN;
    assert_true(
        str_eq(shape_published_id(&config, STR("queued messages: 1\nlast message id: 17:0")), STR("17:0")));
    assert_int_equal(shape_published_id(&config, STR("nothing")).len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_length_of_a_publish_is_what_follows_its_head),
        cmocka_unit_test(a_topic_is_written_in_place),
        cmocka_unit_test(a_private_subscriber_has_a_token_of_its_own),
        cmocka_unit_test(what_a_subscriber_of_match_has_of_its_own_begins_with_the_topic_and_does_not_match),
        cmocka_unit_test(the_last_event_id_is_sent_in_a_header),
        cmocka_unit_test(the_id_of_an_update_is_found_in_the_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
