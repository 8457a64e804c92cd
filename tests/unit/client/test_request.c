#include "base/buf.h"
#include "client/request.h"
#include "client/url.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct client_url hub = {.host = {"hub.example", 11}, .path = {"/.well-known/mercure", 20}};

static void assert_text(struct buf *request, const char *expected)
{
    assert_string_equal(buf_c(request), expected);
    buf_done(request);
}

static void a_publish_repeats_topics_and_leaves_absent_fields_out(void **state)
{
    (void)state;
    struct str topics[] = {STR("https://example.com/a&b"), STR("c d")};
    struct request_publish fields = {.topics = {topics, 2}, .data = STR("x=1"), .is_private = true};
    struct buf request;
    buf_init(&request, 65536);
    request_append_publish(&request, &hub, STR("t.o.k"), &fields);
    assert_text(&request,
                "POST /.well-known/mercure HTTP/1.1\r\nHost: hub.example\r\nAuthorization: Bearer t.o.k\r\n"
                "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 71\r\n\r\n"
                "topic=https%3A%2F%2Fexample.com%2Fa%26b&topic=c+d&data=x%3D1&private=on");
}

static void an_empty_field_is_sent(void **state)
{
    (void)state;
    struct str topics[] = {STR("a")};
    struct request_publish fields = {
        .topics = {topics, 1}, .data = STR(""), .id = STR("i"), .type = STR("t"), .retry = STR("5")};
    struct buf request;
    buf_init(&request, 65536);
    request_append_publish(&request, &hub, STR(""), &fields);
    assert_text(&request, "POST /.well-known/mercure HTTP/1.1\r\nHost: hub.example\r\n"
                          "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 33\r\n\r\n"
                          "topic=a&data=&id=i&type=t&retry=5");
}

static void a_subscription_names_topics_patterns_and_the_last_event(void **state)
{
    (void)state;
    struct str topics[] = {STR("*"), STR("a/b")};
    struct str patterns[] = {STR("/:id")};
    struct request_subscribe fields = {
        .topics = {topics, 2}, .patterns = {patterns, 1}, .last_event_id = STR("urn:uuid:1")};
    struct buf request;
    buf_init(&request, 65536);
    request_append_subscribe(&request, &hub, STR("tok"), &fields);
    assert_text(&request,
                "GET /.well-known/mercure?match=*&match=a%2Fb&match_urlpattern=%2F%3Aid HTTP/1.1\r\n"
                "Host: hub.example\r\nAuthorization: Bearer tok\r\nAccept: text/event-stream\r\n"
                "Last-Event-ID: urn:uuid:1\r\n\r\n");
}

static void a_query_of_the_url_is_kept(void **state)
{
    (void)state;
    struct client_url url = {.host = STR("h"), .path = STR("/hub?x=y")};
    struct str topics[] = {STR("a")};
    struct request_subscribe fields = {.topics = {topics, 1}};
    struct buf request;
    buf_init(&request, 65536);
    request_append_subscribe(&request, &url, STR(""), &fields);
    assert_text(&request, "GET /hub?x=y&match=a HTTP/1.1\r\nHost: h\r\nAccept: text/event-stream\r\n\r\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_publish_repeats_topics_and_leaves_absent_fields_out),
        cmocka_unit_test(an_empty_field_is_sent),
        cmocka_unit_test(a_subscription_names_topics_patterns_and_the_last_event),
        cmocka_unit_test(a_query_of_the_url_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
