#include "url/host.h"

#include "base/buf.h"
#include "base/err.h"
#include "url/idna.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void assert_parsed(struct str text, bool is_opaque, const char *expected)
{
    struct buf out;
    buf_init(&out, 8 * IDNA_DOMAIN_MAX);
    buf_append_str(&out, STR("before "));
    int err = host_parse(&out, text, is_opaque);
    if (expected) {
        assert_int_equal(err, HUB_OK);
        buf_consume(&out, 7);
        assert_string_equal(buf_c(&out), expected);
    } else {
        assert_int_equal(err, HUB_E_INVALID);
    }
    buf_done(&out);
}

static void assert_host(struct str text, const char *expected)
{
    assert_parsed(text, false, expected);
}

static void a_domain_is_lower_cased_and_decoded(void **state)
{
    (void)state;
    assert_host(STR("EXAMPLE.com"), "example.com");
    assert_host(STR("ex%61mple%2Ecom."), "example.com.");
    assert_host(STR("a_b-.--c"), "a_b-.--c");
}

static void a_forbidden_character_is_refused_even_when_it_is_encoded(void **state)
{
    (void)state;
    assert_host(STR("a b"), NULL);
    assert_host(STR("a%20b"), NULL);
    assert_host(STR("a%00b"), NULL);
    assert_host(STR("a%25b"), NULL);
    assert_host(STR("a%"), NULL);
    assert_host(STR("a\x7f"), NULL);
    assert_host(STR("a]"), NULL);
    assert_host(STR(""), NULL);
    // Full-width "%41" and a no-break space become forbidden ASCII characters.
    assert_host(STR("\uff05\uff14\uff11.com"), NULL);
    assert_host(STR("a\u00a0b"), NULL);
}

static void other_characters_become_punycode(void **state)
{
    (void)state;
    assert_host(STR("b\u00fccher.example"), "xn--bcher-kva.example");
    assert_host(STR("B%C3%9CCHER.example"), "xn--bcher-kva.example");
    assert_host(STR("fa\u00df.example"), "xn--fa-hia.example");
    assert_host(STR("\u2615.example"), "xn--53h.example");
    assert_host(STR("a\u3002b\uff0ec"), "a.b.c");
    assert_host(STR("\uff27\uff4f.com"), "go.com");
    assert_host(STR("-\u00e4-.\u00e4--\u00e4"), "xn-----via.xn-----uiac");
}

static void what_a_newer_unicode_maps_is_mapped(void **state)
{
    (void)state;
    assert_host(STR("FA\u1e9e.example"), "xn--fa-hia.example");
    assert_host(STR("a\u10a0b"), "xn--ab-r51a");
    assert_host(STR("a\u10c5b"), "xn--ab-x81a");
    assert_host(STR("a\u2064b\u2061c\u206f\u3164"), "abc");
    assert_host(STR("a\U0002f91fb"), "xn--ab-wd77a");
    assert_host(STR("\u2061"), NULL);
}

static void a_name_that_idna_forbids_is_refused(void **state)
{
    (void)state;
    assert_host(STR("\ufffd"), NULL);
    assert_host(STR("%FF"), NULL);
    assert_host(STR("%ED%A0%80"), NULL);
    assert_host(STR("a\u05d0b"), NULL);          // right-to-left within left-to-right
    assert_host(STR("a\u200db"), NULL);          // a joiner that joins nothing
    assert_host(STR("\u0301a"), NULL);           // starts with a combining mark
    assert_host(STR("xn--a-.\u00e4"), NULL);     // no punycode beside a name that needs IDNA
    assert_host(STR("xn--8i7caa.\u00e4"), NULL); // punycode of what has to be mapped
    assert_host(STR("\u00ad"), NULL);            // nothing is left
}

static void ascii_names_are_not_checked_as_punycode(void **state)
{
    (void)state;
    assert_host(STR("xn--a-"), "xn--a-");
    assert_host(STR("xn--8i7caa"), "xn--8i7caa");
    assert_host(STR("XN--"), "xn--");
}

static void names_may_be_longer_than_dns_allows(void **state)
{
    (void)state;
    char ascii[3000];
    memset(ascii, 'a', sizeof(ascii));
    ascii[sizeof(ascii) - 1] = '\0';
    assert_host(str_from_c(ascii), ascii);
    char label[] = "\u00e4aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    struct buf out;
    buf_init(&out, 200);
    assert_int_equal(host_parse(&out, str_from_c(label), false), HUB_OK);
    assert_true(out.len > 63);
    buf_done(&out);
}

static void international_names_have_a_limit(void **state)
{
    (void)state;
    char name[IDNA_DOMAIN_MAX + 2];
    for (size_t i = 0; i < sizeof(name); i += 2)
        memcpy(name + i, i % 60 == 0 ? ".." : "\u00e4", 2);
    struct buf out;
    buf_init(&out, 8 * IDNA_DOMAIN_MAX);
    assert_int_equal(host_parse(&out, str_make(name, IDNA_DOMAIN_MAX), false), HUB_OK);
    assert_int_equal(host_parse(&out, str_make(name, IDNA_DOMAIN_MAX + 2), false), HUB_E_INVALID);
    buf_done(&out);
}

static void a_name_whose_ascii_form_is_huge_is_refused(void **state)
{
    (void)state;
    char name[IDNA_DOMAIN_MAX];
    for (size_t i = 0; i + 3 <= sizeof(name); i += 3)
        memcpy(name + i, "\ufdfa", 3); // eighteen characters
    assert_host(str_make(name, sizeof(name) - sizeof(name) % 3), NULL);
}

static void a_buffer_that_is_full_is_its_own_error(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 5);
    assert_int_equal(host_parse(&out, STR("example.com"), false), HUB_E_TOO_BIG);
    buf_clear(&out);
    assert_int_equal(host_parse(&out, STR("b\u00fccher.com"), false), HUB_E_TOO_BIG);
    buf_clear(&out);
    assert_int_equal(host_parse(&out, STR("127.1"), false), HUB_E_TOO_BIG);
    buf_clear(&out);
    assert_int_equal(host_parse(&out, STR("[1::2:3]"), false), HUB_E_TOO_BIG);
    buf_clear(&out);
    assert_int_equal(host_parse(&out, STR("\u00e4"), true), HUB_E_TOO_BIG);
    buf_done(&out);
}

static void a_name_that_ends_in_a_number_is_an_ipv4_address(void **state)
{
    (void)state;
    assert_host(STR("127.1"), "127.0.0.1");
    assert_host(STR("0x7f.0.0.01."), "127.0.0.1");
    assert_host(STR("%30x7f.1"), "127.0.0.1");
    assert_host(STR("\uff11.\uff12"), "1.0.0.2");
    assert_host(STR("foo.0"), NULL);
    assert_host(STR("1.2.3.4.5"), NULL);
}

static void brackets_hold_an_ipv6_address(void **state)
{
    (void)state;
    assert_host(STR("[0:0::1]"), "[::1]");
    assert_parsed(STR("[0:0::1]"), true, "[::1]");
    assert_host(STR("[::1"), NULL);
    assert_host(STR("["), NULL);
    assert_host(STR("[]"), NULL);
    assert_host(STR("[::%31]"), NULL);
    assert_host(STR("[example.com]"), NULL);
}

static void an_opaque_host_is_only_encoded(void **state)
{
    (void)state;
    assert_parsed(STR("EXAMPLE%2ecom"), true, "EXAMPLE%2ecom");
    assert_parsed(STR("\u00e4\x1f!\"`{}"), true, "%C3%A4%1F!\"`{}");
    assert_parsed(STR("09.255.0x"), true, "09.255.0x");
    assert_parsed(STR(""), true, "");
    assert_parsed(STR("a^b"), true, NULL);
    assert_parsed(STR("a b"), true, NULL);
    assert_parsed(STR("a\0b"), true, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_domain_is_lower_cased_and_decoded),
        cmocka_unit_test(a_forbidden_character_is_refused_even_when_it_is_encoded),
        cmocka_unit_test(other_characters_become_punycode),
        cmocka_unit_test(what_a_newer_unicode_maps_is_mapped),
        cmocka_unit_test(a_name_that_idna_forbids_is_refused),
        cmocka_unit_test(ascii_names_are_not_checked_as_punycode),
        cmocka_unit_test(names_may_be_longer_than_dns_allows),
        cmocka_unit_test(international_names_have_a_limit),
        cmocka_unit_test(a_name_whose_ascii_form_is_huge_is_refused),
        cmocka_unit_test(a_buffer_that_is_full_is_its_own_error),
        cmocka_unit_test(a_name_that_ends_in_a_number_is_an_ipv4_address),
        cmocka_unit_test(brackets_hold_an_ipv6_address),
        cmocka_unit_test(an_opaque_host_is_only_encoded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
