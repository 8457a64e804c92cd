#include "base/err.h"
#include "http/response.h"
#include "http/status.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define MAX 512

struct seen {
    struct http_response_parser parser;
    struct buf text; // "200 body." per response
    bool no_body;
};

static void see(struct seen *seen, int event, struct str piece)
{
    if (event == HTTP_RESPONSE_HEAD)
        buf_printf(&seen->text, "%u ", seen->parser.status);
    else if (event == HTTP_RESPONSE_BODY)
        buf_append_str(&seen->text, piece);
    if (event != HTTP_RESPONSE_END)
        return;
    buf_append_str(&seen->text, seen->parser.keep_alive ? STR(".") : STR("!"));
    http_response_parser_restart(&seen->parser, seen->no_body);
}

static int feed(struct seen *seen, struct str bytes)
{
    int event;
    do {
        struct str piece;
        event = http_response_parser_next(&seen->parser, &bytes, &piece);
        see(seen, event, piece);
    } while (event > HTTP_RESPONSE_MORE);
    return event;
}

static int read_all(struct seen *seen, struct str bytes, size_t step, bool no_body)
{
    http_response_parser_init(&seen->parser, MAX);
    http_response_parser_restart(&seen->parser, no_body);
    buf_init(&seen->text, 4096);
    seen->no_body = no_body;
    int err = HUB_OK;
    for (size_t at = 0; at < bytes.len && !err; at += step)
        err = feed(seen, str_slice(bytes, at, at + step));
    return err;
}

static void done(struct seen *seen)
{
    http_response_parser_done(&seen->parser);
    buf_done(&seen->text);
}

static void assert_read(struct str bytes, bool no_body, const char *expected)
{
    for (size_t step = 1; step <= bytes.len; step++) {
        struct seen seen;
        assert_int_equal(read_all(&seen, bytes, step, no_body), HUB_OK);
        assert_string_equal(buf_c(&seen.text), expected);
        done(&seen);
    }
}

static void assert_refused(struct str bytes, int expected)
{
    struct seen seen;
    assert_int_equal(read_all(&seen, bytes, 1, false), expected);
    done(&seen);
    assert_int_equal(read_all(&seen, bytes, bytes.len, false), expected);
    done(&seen);
}

static void bodies_have_a_length_or_chunks(void **state)
{
    (void)state;
    assert_read(STR("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"
                    "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nde\r\n0\r\n\r\n"
                    "HTTP/1.1 204 No Content\r\n\r\n"
                    "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
                false, "200 abc.404 de.204 .200 !");
}

static void a_body_without_either_ends_with_the_connection(void **state)
{
    (void)state;
    struct seen seen;
    assert_int_equal(read_all(&seen, STR("HTTP/1.0 200 OK\r\n\r\nabc"), 1, false), HUB_OK);
    assert_string_equal(buf_c(&seen.text), "200 abc");
    assert_false(seen.parser.keep_alive);
    assert_int_equal(http_response_parser_finish(&seen.parser), HUB_OK);
    done(&seen);
    assert_int_equal(read_all(&seen, STR("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabc"), 1, false),
                     HUB_OK);
    assert_int_equal(http_response_parser_finish(&seen.parser), HUB_E_CLOSED);
    done(&seen);
}

static void the_answer_to_head_has_no_body(void **state)
{
    (void)state;
    assert_read(STR("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"), true,
                "200 .200 .");
}

static void interim_responses_are_passed_over(void **state)
{
    (void)state;
    assert_read(STR("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n"
                    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"),
                false, "200 a.");
    assert_refused(STR("HTTP/1.1 101 Switching Protocols\r\n\r\n"), HUB_E_INVALID);
}

static void fields_can_be_asked_for(void **state)
{
    (void)state;
    struct seen seen;
    assert_int_equal(
        read_all(&seen, STR("HTTP/1.1 200 OK\r\nContent-Length: 9\r\nA:  b c \r\nEmpty:\r\n\r\n"), 1, false),
        HUB_OK);
    struct str value = http_fields_get(&seen.parser.fields, STR("a"));
    assert_true(str_eq(value, STR("b c")));
    value = http_fields_get(&seen.parser.fields, STR("empty"));
    assert_non_null(value.ptr);
    assert_int_equal(value.len, 0);
    assert_null(http_fields_get(&seen.parser.fields, STR("None")).ptr);
    done(&seen);
}

static void what_is_not_a_response_is_refused(void **state)
{
    (void)state;
    assert_refused(STR("SSH-2.0-OpenSSH_9.2\r\n\r\n"), HUB_E_INVALID);
    assert_refused(STR("HTTP/1.1 200 OK\nA: b\n\n"), HUB_E_INVALID);
    assert_refused(STR("HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n"), HUB_E_INVALID);
    assert_refused(STR("\r\nHTTP/1.1 200 OK\r\n\r\n"), HUB_E_INVALID);
    assert_refused(STR("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na"), HUB_E_INVALID);
    assert_refused(STR("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\na"), HUB_E_INVALID);
    assert_refused(STR("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\na"), HUB_E_INVALID);
}

static void the_head_is_bounded(void **state)
{
    (void)state;
    char bytes[MAX + 10] = "HTTP/1.1 200 OK\r\nA: ";
    for (size_t i = 20; i < sizeof(bytes); i++)
        bytes[i] = 'a';
    assert_refused(str_make(bytes, sizeof(bytes)), HUB_E_TOO_BIG);
}

static void statuses_have_names(void **state)
{
    (void)state;
    assert_true(str_eq(http_status_text(404), STR("Not Found")));
    assert_true(str_eq(http_status_text(299), STR("Unknown")));
    assert_true(http_status_is_empty(204));
    assert_false(http_status_is_empty(200));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_have_a_length_or_chunks),
        cmocka_unit_test(a_body_without_either_ends_with_the_connection),
        cmocka_unit_test(the_answer_to_head_has_no_body),
        cmocka_unit_test(interim_responses_are_passed_over),
        cmocka_unit_test(fields_can_be_asked_for),
        cmocka_unit_test(what_is_not_a_response_is_refused),
        cmocka_unit_test(the_head_is_bounded),
        cmocka_unit_test(statuses_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
