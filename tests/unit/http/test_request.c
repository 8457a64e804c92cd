#include "base/arena.h"
#include "base/err.h"
#include "http/head.h"
#include "http/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct parsed {
    struct arena arena;
    struct http_request request;
    struct http_refusal refusal;
    int err;
};

static struct parsed parse(struct str head)
{
    struct parsed parsed = {0};
    arena_init(&parsed.arena, 65536);
    struct http_head_scan scan = {0};
    assert_int_equal(http_head_scan(&scan, head, 65536), HTTP_HEAD_COMPLETE);
    parsed.err = http_request_parse(&parsed.request, str_slice(head, scan.start, scan.end), scan.lines,
                                    &parsed.arena, &parsed.refusal);
    return parsed;
}

static void assert_status(struct str head, unsigned status)
{
    struct parsed parsed = parse(head);
    if (status == 200 ? parsed.err != HUB_OK : parsed.err != HUB_E_INVALID || parsed.refusal.status != status)
        fail_msg("%.*s: %d, %u %s", STR_ARG(head), parsed.err, parsed.refusal.status,
                 parsed.refusal.reason ? parsed.refusal.reason : "");
    if (status != 200)
        assert_true(strlen(parsed.refusal.reason) > 0);
    arena_done(&parsed.arena);
}

#define REFUSED(status, head) assert_status(STR(head), status)
#define ACCEPTED(head) assert_status(STR(head), 200)
#define LINE(line) line "\r\nHost: a\r\n\r\n"
#define GET(fields) "GET / HTTP/1.1\r\n" fields "\r\n"
#define POST(fields) "POST / HTTP/1.1\r\nHost: a\r\n" fields "\r\n"

static void assert_str(struct str actual, const char *expected)
{
    assert_int_equal(actual.len, strlen(expected));
    if (actual.len)
        assert_memory_equal(actual.ptr, expected, actual.len);
}

static void assert_target(const char *method, const char *target, const char *path, const char *query,
                          const char *authority)
{
    char head[512];
    int len =
        snprintf(head, sizeof(head), "%s %s HTTP/1.1\r\nHost: Example.com:8080\r\n\r\n", method, target);
    struct parsed parsed = parse(str_make(head, (size_t)len));
    assert_int_equal(parsed.err, HUB_OK);
    assert_str(parsed.request.path, path);
    assert_int_equal(parsed.request.query.ptr != NULL, query != NULL);
    assert_str(parsed.request.query, query ? query : "");
    assert_str(parsed.request.authority, authority);
    arena_done(&parsed.arena);
}

static void targets_are_taken_apart(void **state)
{
    (void)state;
    assert_target("GET", "/", "/", NULL, "Example.com:8080");
    assert_target("GET", "/a/b?", "/a/b", "", "Example.com:8080");
    assert_target("GET", "/a?b=c?d&e=%20{id}", "/a", "b=c?d&e=%20{id}", "Example.com:8080");
    assert_target("GET", "//a", "//a", NULL, "Example.com:8080");
    assert_target("OPTIONS", "*", "*", NULL, "Example.com:8080");
    assert_target("GET", "http://example.com:8080/x?y", "/x", "y", "example.com:8080");
    assert_target("GET", "HTTP://example.com:8080", "/", NULL, "example.com:8080");
    assert_target("GET", "https://example.com:8080?y=/", "/", "y=/", "example.com:8080");
}

static void methods_are_known_not_implemented_or_malformed(void **state)
{
    (void)state;
    ACCEPTED(LINE("GET / HTTP/1.1"));
    ACCEPTED(LINE("HEAD / HTTP/1.1"));
    ACCEPTED(LINE("POST / HTTP/1.1"));
    ACCEPTED(LINE("PUT / HTTP/1.1"));
    ACCEPTED(LINE("DELETE / HTTP/1.1"));
    ACCEPTED(LINE("OPTIONS / HTTP/1.1"));
    ACCEPTED(LINE("PATCH / HTTP/1.1"));
    ACCEPTED(LINE("QUERY / HTTP/1.1"));
    REFUSED(501, LINE("get / HTTP/1.1"));
    REFUSED(501, LINE("BREW / HTTP/1.1"));
    REFUSED(501, LINE("TRACE / HTTP/1.1"));
    REFUSED(501, LINE("CONNECT a:80 HTTP/1.1"));
    REFUSED(400, LINE("G{T / HTTP/1.1"));
    REFUSED(400, LINE("ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG / HTTP/1.1"));
}

static void the_request_line_has_three_parts_and_single_spaces(void **state)
{
    (void)state;
    REFUSED(400, LINE("GET"));
    REFUSED(400, LINE("GET /"));
    REFUSED(400, LINE("GET  / HTTP/1.1"));
    REFUSED(400, LINE("GET /  HTTP/1.1"));
    REFUSED(400, LINE("GET / HTTP/1.1 "));
    REFUSED(400, LINE("GET\t/\tHTTP/1.1"));
    REFUSED(400, LINE("GET /a b HTTP/1.1"));
}

static void versions_other_than_1_0_and_1_1_are_refused(void **state)
{
    (void)state;
    ACCEPTED("GET / HTTP/1.0\r\n\r\n");
    REFUSED(505, "PRI * HTTP/2.0\r\n\r\n");
    REFUSED(505, LINE("GET / HTTP/1.2"));
    REFUSED(505, LINE("GET / HTTP/0.9"));
    REFUSED(505, LINE("GET / HTTP/3.0"));
    REFUSED(400, LINE("GET / HTTP/11"));
    REFUSED(400, LINE("GET / http/1.1"));
    REFUSED(400, LINE("GET / HTTP/1.10"));
    REFUSED(400, LINE("GET / ICE/1.1"));
}

static void targets_of_other_forms_are_refused(void **state)
{
    (void)state;
    REFUSED(400, LINE("GET * HTTP/1.1"));
    REFUSED(400, LINE("GET a HTTP/1.1"));
    REFUSED(400, LINE("GET a:80 HTTP/1.1"));
    REFUSED(400, LINE("GET ftp://a/ HTTP/1.1"));
    REFUSED(400, LINE("GET http:///x HTTP/1.1"));
    REFUSED(400, LINE("GET http://u@a/ HTTP/1.1"));
    REFUSED(400, LINE("GET /a#b HTTP/1.1"));
    REFUSED(400, LINE("GET /\xc3\xa9 HTTP/1.1"));
    REFUSED(400, LINE("GET /\x01 HTTP/1.1"));
    REFUSED(400, LINE("GET /\x7f HTTP/1.1"));
    assert_status((struct str){LINE("GET /\0 HTTP/1.1"), sizeof(LINE("GET /\0 HTTP/1.1")) - 1}, 400);
}

static void there_is_one_host_and_it_is_one(void **state)
{
    (void)state;
    REFUSED(400, GET(""));
    REFUSED(400, GET("Host: a\r\nHost: a\r\n"));
    REFUSED(400, GET("Host: a\r\nhost: b\r\n"));
    REFUSED(400, GET("Host:\r\n"));
    REFUSED(400, GET("Host: a b\r\n"));
    REFUSED(400, GET("Host: a/b\r\n"));
    REFUSED(400, GET("Host: u@a\r\n"));
    REFUSED(400, GET("Host: a, b\r\n"));
    REFUSED(400, GET("Host: a:b\r\n"));
    REFUSED(400, GET("Host: a:65536\r\n"));
    REFUSED(400, GET("Host: a:80:80\r\n"));
    REFUSED(400, GET("Host: :80\r\n"));
    REFUSED(400, GET("Host: [::1\r\n"));
    REFUSED(400, GET("Host: []\r\n"));
    REFUSED(400, GET("Host: [::1]80\r\n"));
    REFUSED(400, GET("Host: [a/b]:80\r\n"));
    REFUSED(400, "GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n");
    REFUSED(400, "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n");
    REFUSED(400, "GET http://a/ HTTP/1.1\r\n\r\n");
    ACCEPTED(GET("Host: a:\r\n"));
    ACCEPTED(GET("Host: a-b.example_1:65535\r\n"));
    ACCEPTED(GET("Host: [2001:db8::1]:80\r\n"));
    ACCEPTED(GET("Host: [::ffff:1.2.3.4]\r\n"));
    ACCEPTED("GET http://A/ HTTP/1.1\r\nHost: a\r\n\r\n");
    ACCEPTED("GET http://a/ HTTP/1.0\r\n\r\n");
}

static void the_length_of_a_body_can_be_read_in_one_way_only(void **state)
{
    (void)state;
    ACCEPTED(POST("Content-Length: 0\r\n"));
    ACCEPTED(POST("Content-Length: 10 \r\n"));
    ACCEPTED(POST("Content-Length:10\r\n"));
    ACCEPTED(POST("Content-Length:\t10\r\n"));
    ACCEPTED(POST("Content-Length: \t 10\t \t\r\n"));
    ACCEPTED(POST("Transfer-Encoding:\tchunked\t\r\n"));
    REFUSED(400, POST("Content-Length: 1\t1\r\n"));
    REFUSED(400, POST("Content-Length: \t\r\n"));
    REFUSED(400, POST("Content-Length\t: 1\r\n"));
    REFUSED(400, POST("Content-Length: \v1\r\n"));
    REFUSED(400, POST("Content-Length: 1\f\r\n"));
    REFUSED(400, POST("Content-Length: 1\xa0\r\n"));
    REFUSED(400, POST("Content-Length: \t1\r\nTransfer-Encoding:\tchunked\r\n"));
    ACCEPTED(POST("Transfer-Encoding: Chunked\r\n"));
    REFUSED(400, POST("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n"));
    REFUSED(400, POST("Transfer-Encoding: chunked\r\nContent-Length: 1\r\n"));
    REFUSED(400, POST("Transfer-Encoding: gzip\r\nContent-Length: 1\r\n"));
    REFUSED(400, POST("Content-Length: 1\r\nContent-Length: 1\r\n"));
    REFUSED(400, POST("Content-Length: 1\r\ncontent-length: 2\r\n"));
    REFUSED(400, POST("Content-Length: 1, 1\r\n"));
    REFUSED(400, POST("Content-Length:\r\n"));
    REFUSED(400, POST("Content-Length: +1\r\n"));
    REFUSED(400, POST("Content-Length: -1\r\n"));
    REFUSED(400, POST("Content-Length: 0x1\r\n"));
    REFUSED(400, POST("Content-Length: 1a\r\n"));
    REFUSED(400, POST("Content-Length: 1 1\r\n"));
    REFUSED(400, POST("Content-Length: 18446744073709551616\r\n"));
    REFUSED(400, POST("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"));
    REFUSED(400, POST("Transfer-Encoding: chunked, gzip\r\n"));
    REFUSED(400, POST("Transfer-Encoding: chunked, chunked\r\n"));
    REFUSED(501, POST("Transfer-Encoding: gzip, chunked\r\n"));
    REFUSED(501, POST("Transfer-Encoding: gzip\r\n"));
    REFUSED(501, POST("Transfer-Encoding: identity\r\n"));
    REFUSED(501, POST("Transfer-Encoding: xchunked\r\n"));
    REFUSED(400, POST("Transfer-Encoding: \x0b"
                      "chunked\r\n"));
    REFUSED(400, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n");
}

static void field_lines_are_well_formed(void **state)
{
    (void)state;
    REFUSED(400, POST("Content-Length : 1\r\n"));
    REFUSED(400, POST("Content Length: 1\r\n"));
    REFUSED(400, POST("Content-Length\r\n"));
    REFUSED(400, POST(": x\r\n"));
    REFUSED(400, POST("A\x01: x\r\n"));
    REFUSED(400, POST("A: \x01\r\n"));
    REFUSED(400, POST("A: \x7f\r\n"));
    REFUSED(400, POST("A(b): x\r\n"));
    ACCEPTED(POST("A:\r\n"));
    ACCEPTED(POST("A: \tb\tc \t\r\n"));
    ACCEPTED(POST("A: caf\xc3\xa9\r\n"));
    assert_status((struct str){POST("A: b\0c\r\n"), sizeof(POST("A: b\0c\r\n")) - 1}, 400);
}

static void the_number_of_fields_is_bounded(void **state)
{
    (void)state;
    char head[4096] = "GET / HTTP/1.1\r\nHost: a\r\n";
    size_t len = strlen(head);
    for (unsigned i = 1; i < HTTP_FIELDS_MAX; i++) {
        memcpy(head + len, "A: b\r\n", 6);
        len += 6;
    }
    memcpy(head + len, "\r\nA: b\r\n\r\n", 11);
    assert_status(str_make(head, len + 2), 200);
    memcpy(head + len, "A: b\r\n\r\n", 9);
    assert_status(str_make(head, len + 8), 431);
}

static void assert_kept(struct str head, bool kept)
{
    struct parsed parsed = parse(head);
    assert_int_equal(parsed.err, HUB_OK);
    assert_int_equal(parsed.request.keep_alive, kept);
    arena_done(&parsed.arena);
}

static void connections_are_kept_as_the_version_and_the_client_say(void **state)
{
    (void)state;
    assert_kept(STR(GET("Host: a\r\n")), true);
    assert_kept(STR(GET("Host: a\r\nConnection: close\r\n")), false);
    assert_kept(STR(GET("Host: a\r\nConnection: x, Close\r\n")), false);
    assert_kept(STR(GET("Host: a\r\nConnection: keep-alive\r\nConnection: close\r\n")), false);
    assert_kept(STR(GET("Host: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n")), true);
    assert_kept(STR("GET / HTTP/1.0\r\n\r\n"), false);
    assert_kept(STR("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"), true);
}

static void only_one_expectation_is_known(void **state)
{
    (void)state;
    struct parsed parsed = parse(STR(POST("Content-Length: 1\r\nExpect: 100-Continue\r\n")));
    assert_true(parsed.request.expects_continue);
    arena_done(&parsed.arena);
    REFUSED(417, POST("Expect: a\r\n"));
    parsed = parse(STR("POST / HTTP/1.0\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n"));
    assert_int_equal(parsed.err, HUB_OK);
    assert_false(parsed.request.expects_continue);
    arena_done(&parsed.arena);
}

static void assert_beginning(struct str bytes, bool expected)
{
    struct http_refusal refusal;
    assert_int_equal(http_request_may_begin(bytes, &refusal), expected);
    if (!expected)
        assert_int_equal(refusal.status, 400);
}

static void other_protocols_are_refused_with_their_first_bytes(void **state)
{
    (void)state;
    assert_beginning(STR(""), true);
    assert_beginning(STR("G"), true);
    assert_beginning(STR("GET "), true);
    assert_beginning(STR("\r"), true);
    assert_beginning(STR("\x16\x03\x01"), false);
    assert_beginning(STR(" GET"), false);
    assert_beginning(STR("ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG"), false);
}

static void what_is_too_big_is_the_target_or_the_fields(void **state)
{
    (void)state;
    assert_int_equal(http_request_too_big(STR("GET /aaaaaaaaaaaaaaa")).status, 414);
    assert_int_equal(http_request_too_big(STR("GET / HTTP/1.1\r\nA: aaaaaaaaaaa")).status, 431);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(targets_are_taken_apart),
        cmocka_unit_test(methods_are_known_not_implemented_or_malformed),
        cmocka_unit_test(the_request_line_has_three_parts_and_single_spaces),
        cmocka_unit_test(versions_other_than_1_0_and_1_1_are_refused),
        cmocka_unit_test(targets_of_other_forms_are_refused),
        cmocka_unit_test(there_is_one_host_and_it_is_one),
        cmocka_unit_test(the_length_of_a_body_can_be_read_in_one_way_only),
        cmocka_unit_test(field_lines_are_well_formed),
        cmocka_unit_test(the_number_of_fields_is_bounded),
        cmocka_unit_test(connections_are_kept_as_the_version_and_the_client_say),
        cmocka_unit_test(only_one_expectation_is_known),
        cmocka_unit_test(other_protocols_are_refused_with_their_first_bytes),
        cmocka_unit_test(what_is_too_big_is_the_target_or_the_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
