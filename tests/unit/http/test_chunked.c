#include "base/buf.h"
#include "base/err.h"
#include "http/chunked.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static int feed(struct http_chunked *chunked, struct str *bytes, struct buf *body)
{
    struct str piece;
    int err;
    do {
        err = http_chunked_next(chunked, bytes, &piece);
        buf_append_str(body, piece);
    } while (!err && piece.len);
    return err;
}

static int decode(struct str bytes, size_t step, struct buf *body, bool *ret_ended, size_t *ret_left)
{
    struct http_chunked chunked = {0};
    int err = HUB_OK;
    size_t left = bytes.len;
    while (left && !err && !http_chunked_ended(&chunked)) {
        size_t from = bytes.len - left;
        struct str part = str_slice(bytes, from, from + step);
        size_t before = part.len;
        err = feed(&chunked, &part, body);
        left -= before - part.len;
    }
    *ret_ended = http_chunked_ended(&chunked);
    *ret_left = left;
    return err;
}

static void assert_decoded(struct str bytes, const char *expected, size_t left)
{
    for (size_t step = 1; step <= bytes.len; step++) {
        struct buf body;
        buf_init(&body, 4096);
        bool ended;
        size_t rest;
        assert_int_equal(decode(bytes, step, &body, &ended, &rest), HUB_OK);
        assert_true(ended);
        assert_int_equal(rest, left);
        assert_string_equal(buf_c(&body), expected);
        buf_done(&body);
    }
}

static void assert_refused(struct str bytes, int expected)
{
    for (size_t step = 1; step <= bytes.len; step += step < 40 ? 1 : bytes.len) {
        struct buf body;
        buf_init(&body, 65536);
        bool ended;
        size_t rest;
        assert_int_equal(decode(bytes, step, &body, &ended, &rest), expected);
        assert_false(ended);
        buf_done(&body);
    }
}

static void pieces_come_out_however_the_bytes_are_cut(void **state)
{
    (void)state;
    assert_decoded(STR("5\r\nhello\r\n00006\r\n world\r\n0\r\n\r\nGET"), "hello world", 3);
    assert_decoded(STR("A\r\n0123456789\r\n0\r\n\r\n"), "0123456789", 0);
    assert_decoded(STR("0\r\n\r\n"), "", 0);
}

static void extensions_and_trailers_are_dropped(void **state)
{
    (void)state;
    assert_decoded(STR("1;a=\"b\";c\r\nx\r\n0;end\r\nTrailer: 1\r\nOther: 2\r\n\r\n"), "x", 0);
}

static void sizes_are_hexadecimal_digits_alone(void **state)
{
    (void)state;
    assert_refused(STR("\r\n"), HUB_E_INVALID);
    assert_refused(STR(" 1\r\nx\r\n"), HUB_E_INVALID);
    assert_refused(STR("1 \r\nx\r\n"), HUB_E_INVALID);
    assert_refused(STR("+1\r\nx\r\n"), HUB_E_INVALID);
    assert_refused(STR("-1\r\nx\r\n"), HUB_E_INVALID);
    assert_refused(STR("0x1\r\nx\r\n"), HUB_E_INVALID);
    assert_refused(STR("g\r\nx\r\n"), HUB_E_INVALID);
    assert_refused(STR("00000000000000001\r\nx\r\n"), HUB_E_INVALID);
    assert_refused(STR("fffffffffffffffff\r\nx\r\n"), HUB_E_INVALID);
}

static void line_ends_are_crlf_alone(void **state)
{
    (void)state;
    assert_refused(STR("1\nx\r\n0\r\n\r\n"), HUB_E_INVALID);
    assert_refused(STR("1\r\nx\n0\r\n\r\n"), HUB_E_INVALID);
    assert_refused(STR("1\r\nxy\r\n0\r\n\r\n"), HUB_E_INVALID);
    assert_refused(STR("1\rx\r\n0\r\n\r\n"), HUB_E_INVALID);
    assert_refused(STR("1;a\nb\r\nx\r\n0\r\n\r\n"), HUB_E_INVALID);
    assert_refused(STR("0\r\n\n"), HUB_E_INVALID);
    assert_refused(STR("0\r\nA: b\n\r\n"), HUB_E_INVALID);
    assert_refused(STR("0\r\nA: b\r\n c\r\n\r\n"), HUB_E_INVALID);
}

static void extensions_and_trailers_are_bounded(void **state)
{
    (void)state;
    char bytes[20000];
    memset(bytes, 'a', sizeof(bytes));
    memcpy(bytes, "1;", 2);
    assert_refused(str_make(bytes, sizeof(bytes)), HUB_E_TOO_BIG);
    memcpy(bytes, "0\r\n", 3);
    assert_refused(str_make(bytes, sizeof(bytes)), HUB_E_TOO_BIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_come_out_however_the_bytes_are_cut),
        cmocka_unit_test(extensions_and_trailers_are_dropped),
        cmocka_unit_test(sizes_are_hexadecimal_digits_alone),
        cmocka_unit_test(line_ends_are_crlf_alone),
        cmocka_unit_test(extensions_and_trailers_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
