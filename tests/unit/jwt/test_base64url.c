#include "jwt/base64url.h"

#include "base/buf.h"
#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int decode(const char *text, char *to, size_t *ret_len)
{
    // In memory of exactly the promised size, so that a byte too many is found.
    char *exact = malloc(base64url_decoded_max(strlen(text)) + 1);
    int err = base64url_decode(str_from_c(text), exact, ret_len);
    if (!err)
        memcpy(to, exact, *ret_len);
    free(exact);
    return err;
}

static void assert_pair(const char *bytes, const char *text)
{
    char decoded[64];
    size_t len;
    assert_int_equal(decode(text, decoded, &len), HUB_OK);
    assert_int_equal(len, strlen(bytes));
    assert_memory_equal(decoded, bytes, len);
    struct buf buf;
    buf_init(&buf, 64);
    base64url_encode(&buf, str_from_c(bytes));
    assert_string_equal(buf_c(&buf), text);
    buf_done(&buf);
}

static void assert_refused(const char *text)
{
    char decoded[64];
    size_t len;
    assert_int_equal(decode(text, decoded, &len), HUB_E_INVALID);
}

static void the_vectors_of_rfc_4648_come_out_both_ways(void **state)
{
    (void)state;
    assert_pair("", "");
    assert_pair("f", "Zg");
    assert_pair("fo", "Zm8");
    assert_pair("foo", "Zm9v");
    assert_pair("foob", "Zm9vYg");
    assert_pair("fooba", "Zm9vYmE");
    assert_pair("foobar", "Zm9vYmFy");
}

static void the_alphabet_is_that_of_urls(void **state)
{
    (void)state;
    assert_pair("\xfb\xff\xbf", "-_-_");
    assert_refused("+/+/");
}

static void padding_and_white_space_are_refused(void **state)
{
    (void)state;
    assert_refused("Zg==");
    assert_refused("Zm8=");
    assert_refused("Zm9v====");
    assert_refused(" Zm9v");
    assert_refused("Zm9v\n");
    assert_refused("Zm\n9v");
    assert_refused("Zm9\xc3");
}

static void a_length_of_no_bytes_is_refused(void **state)
{
    (void)state;
    assert_refused("Z");
    assert_refused("Zm9vZ");
}

static void bits_after_the_last_byte_are_refused(void **state)
{
    (void)state;
    assert_refused("Zh");
    assert_refused("Zv");
    assert_refused("Zm9");
    assert_refused("Zm-");
}

static void every_byte_survives(void **state)
{
    (void)state;
    char all[256];
    for (size_t i = 0; i < sizeof(all); i++)
        all[i] = (char)i;
    for (size_t len = 0; len <= sizeof(all); len++) {
        struct buf buf;
        buf_init(&buf, 512);
        base64url_encode(&buf, str_make(all, len));
        assert_int_equal(base64url_decoded_max(buf.len), len);
        char back[sizeof(all)];
        size_t back_len;
        assert_int_equal(base64url_decode(buf_str(&buf), back, &back_len), HUB_OK);
        assert_int_equal(back_len, len);
        assert_memory_equal(back, all, len);
        buf_done(&buf);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vectors_of_rfc_4648_come_out_both_ways),
        cmocka_unit_test(the_alphabet_is_that_of_urls),
        cmocka_unit_test(padding_and_white_space_are_refused),
        cmocka_unit_test(a_length_of_no_bytes_is_refused),
        cmocka_unit_test(bits_after_the_last_byte_are_refused),
        cmocka_unit_test(every_byte_survives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
