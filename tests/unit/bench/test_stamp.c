#include "bench/stamp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define SIZE 40U // of the data

// Two updates as a stream has them; returns the length.
static size_t make_stream(char *to)
{
    static const char head[] = "HTTP/1.1 200 OK\r\n\r\n:\n";
    size_t len = sizeof(head) - 1;
    memcpy(to, head, len);
    for (uint32_t i = 1; i <= 2; i++) {
        memcpy(to + len, "id: x\ndata: ", 12);
        stamp_write(to + len + 12, &(struct stamp){.number = i * 0xABCDEF0U, .due_ns = i * 1000000007ULL});
        memset(to + len + 12 + STAMP_LEN, 'x', SIZE - STAMP_LEN);
        memcpy(to + len + 12 + SIZE, "\n\n", 2);
        len += 12 + SIZE + 2;
    }
    return len;
}

static void stamps_are_found_in_order(void **state)
{
    (void)state;
    char stream[256];
    struct str bytes = str_make(stream, make_stream(stream));
    struct stamp_scan scan = {0};
    struct stamp stamp;
    for (uint32_t i = 1; i <= 2; i++) {
        assert_true(stamp_next(&scan, SIZE, &bytes, &stamp));
        assert_int_equal(stamp.number, i * 0xABCDEF0U);
        assert_int_equal(stamp.due_ns, i * 1000000007ULL);
    }
    assert_false(stamp_next(&scan, SIZE, &bytes, &stamp));
    assert_int_equal(bytes.len, 0);
    assert_int_equal(scan.skip, 0);
}

static void a_stream_may_be_cut_anywhere(void **state)
{
    (void)state;
    char stream[256];
    size_t len = make_stream(stream);
    for (size_t cut = 0; cut <= len; cut++) {
        struct stamp_scan scan = {0};
        struct stamp stamp;
        unsigned found = 0;
        struct str bytes = str_make(stream, cut);
        while (stamp_next(&scan, SIZE, &bytes, &stamp))
            found++;
        bytes = str_make(stream + cut - bytes.len, len - cut + bytes.len);
        while (stamp_next(&scan, SIZE, &bytes, &stamp))
            found++;
        assert_int_equal(found, 2);
        assert_int_equal(stamp.number, 2 * 0xABCDEF0U);
    }
}

static void what_only_looks_like_a_stamp_is_passed_over(void **state)
{
    (void)state;
    char stream[64] = "@0000000g0000000000000000 @@";
    stamp_write(stream + 28, &(struct stamp){.number = 7, .due_ns = 9});
    struct str bytes = str_make(stream, 28 + STAMP_LEN);
    struct stamp_scan scan = {0};
    struct stamp stamp;
    assert_true(stamp_next(&scan, STAMP_LEN, &bytes, &stamp));
    assert_int_equal(stamp.number, 7);
    assert_int_equal(stamp.due_ns, 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stamps_are_found_in_order),
        cmocka_unit_test(a_stream_may_be_cut_anywhere),
        cmocka_unit_test(what_only_looks_like_a_stamp_is_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
