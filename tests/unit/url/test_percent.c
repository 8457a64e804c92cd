#include "url/percent.h"

#include "base/buf.h"
#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

// All ASCII characters that are printable and neither letters nor digits, space first.
#define MARKS " !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"

static void assert_encoded(struct str text, const struct percent_set *set, const char *expected)
{
    struct buf out;
    buf_init(&out, 1000);
    percent_encode(&out, text, set);
    assert_string_equal(buf_c(&out), expected);
    buf_done(&out);
}

static void assert_decoded(struct str text, struct str expected)
{
    struct buf out;
    buf_init(&out, 1000);
    percent_decode(&out, text);
    assert_int_equal(out.err, HUB_OK);
    assert_true(str_eq(buf_str(&out), expected));
    buf_done(&out);
}

static void each_set_encodes_the_characters_of_the_standard(void **state)
{
    (void)state;
    assert_encoded(STR(MARKS), &percent_c0_set, MARKS);
    assert_encoded(STR(MARKS), &percent_fragment_set, "%20!%22#$%&'()*+,-./:;%3C=%3E?@[\\]^_%60{|}~");
    assert_encoded(STR(MARKS), &percent_query_set, "%20!%22%23$%&'()*+,-./:;%3C=%3E?@[\\]^_`{|}~");
    assert_encoded(STR(MARKS), &percent_special_query_set, "%20!%22%23$%&%27()*+,-./:;%3C=%3E?@[\\]^_`{|}~");
    assert_encoded(STR(MARKS), &percent_path_set, "%20!%22%23$%&'()*+,-./:;%3C=%3E%3F@[\\]%5E_%60%7B|%7D~");
    assert_encoded(STR(MARKS), &percent_userinfo_set,
                   "%20!%22%23$%&'()*+,-.%2F%3A%3B%3C%3D%3E%3F%40%5B%5C%5D%5E_%60%7B%7C%7D~");
    assert_encoded(STR(MARKS), &percent_component_set,
                   "%20!%22%23%24%25%26'()*%2B%2C-.%2F%3A%3B%3C%3D%3E%3F%40%5B%5C%5D%5E_%60%7B%7C%7D~");
}

static void every_set_has_the_controls_and_what_is_not_ascii(void **state)
{
    (void)state;
    for (unsigned byte = 0; byte < 256; byte++) {
        if (byte < 0x20 || byte > 0x7E) {
            assert_true(percent_set_has(&percent_c0_set, (unsigned char)byte));
            assert_true(percent_set_has(&percent_component_set, (unsigned char)byte));
        }
    }
    assert_encoded(STR("\0\x1f\x7f\xc3\xa9"), &percent_c0_set, "%00%1F%7F%C3%A9");
}

static void no_set_has_letters_digits_and_unreserved_marks(void **state)
{
    (void)state;
    assert_encoded(STR("azAZ09-._~"), &percent_component_set, "azAZ09-._~");
    assert_encoded(STR(""), &percent_component_set, "");
}

static void decoding_takes_both_cases_of_hexadecimal_digits(void **state)
{
    (void)state;
    assert_decoded(STR("%2f%2F%e2%82%AC"), STR("//\xe2\x82\xac"));
}

static void decoding_goes_through_the_text_once(void **state)
{
    (void)state;
    assert_decoded(STR("%2541"), STR("%41"));
    assert_decoded(STR("%%41"), STR("%A"));
}

static void a_percent_sign_without_two_digits_stays(void **state)
{
    (void)state;
    assert_decoded(STR("%"), STR("%"));
    assert_decoded(STR("a%4"), STR("a%4"));
    assert_decoded(STR("%4g%g4%"), STR("%4g%g4%"));
    assert_decoded(STR("%00"), STR("\0"));
    assert_decoded(STR(""), STR(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_set_encodes_the_characters_of_the_standard),
        cmocka_unit_test(every_set_has_the_controls_and_what_is_not_ascii),
        cmocka_unit_test(no_set_has_letters_digits_and_unreserved_marks),
        cmocka_unit_test(decoding_takes_both_cases_of_hexadecimal_digits),
        cmocka_unit_test(decoding_goes_through_the_text_once),
        cmocka_unit_test(a_percent_sign_without_two_digits_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
