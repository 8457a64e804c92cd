#include "mercure/publication.h"

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "url/url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const struct publication_limits limits = {
    .max_topics = 3, .max_topic_length = 32, .max_id_length = 16};

// Checks the result and the sentence for the publisher; "" for none.
static void expect(struct publication *publication, int expected, const char *sentence)
{
    struct url base;
    assert_int_equal(url_parse(&base, STR("https://hub.example/.well-known/mercure"), NULL), HUB_OK);
    struct buf reason;
    buf_init(&reason, 4096);
    assert_int_equal(publication_check(publication, &limits, &base, &reason), expected);
    assert_non_null(buf_c(&reason));
    assert_string_equal(reason.ptr ? reason.ptr : "", sentence);
    buf_done(&reason);
    url_done(&base);
}

static const char *quoted(const char *topic, const char *text)
{
    static char sentence[256];
    (void)snprintf(sentence, sizeof(sentence), "\"%s\": %s", topic, text);
    return sentence;
}

static void expect_topic(struct str topic, int expected, const char *sentence)
{
    struct publication publication = {.topics = &topic, .topic_count = 1};
    expect(&publication, expected, sentence);
}

static struct publication with_topic(void)
{
    static const struct str topic = {"t", 1};
    return (struct publication){.topics = &topic, .topic_count = 1};
}

static void an_update_needs_a_topic_and_has_at_most_so_many(void **state)
{
    (void)state;
    struct str topics[] = {STR("a"), STR("https://example.com/b"), STR("a")};
    struct publication publication = {.topics = topics};
    expect(&publication, HUB_E_INVALID, "Missing \"topic\" parameter");
    publication.topic_count = 3;
    expect(&publication, HUB_OK, "");
    // The topics beyond the bound are counted, and not there.
    publication.topic_count = 4;
    expect(&publication, HUB_E_TOO_BIG, "too many topics in update (max 3)");
}

static bool three_are_slow(size_t index, uint64_t *state)
{
    assert_int_equal((*state)++, index);
    return index == 3;
}

static void topics_that_take_too_long_are_too_many(void **state)
{
    (void)state;
    struct publication_limits slow = {.max_topics = 9, .max_topic_length = 9, .is_too_slow = three_are_slow};
    struct str topics[] = {STR("a"), STR("b"), STR("c"), STR("d")};
    struct publication publication = {.topics = topics, .topic_count = 3};
    struct url base;
    struct buf reason;
    buf_init(&reason, 256);
    assert_int_equal(url_parse(&base, STR("https://hub.example/.well-known/mercure"), NULL), HUB_OK);
    assert_int_equal(publication_check(&publication, &slow, &base, &reason), HUB_OK);
    publication.topic_count = 4;
    assert_int_equal(publication_check(&publication, &slow, &base, &reason), HUB_E_TOO_BIG);
    assert_true(str_eq(buf_str(&reason), STR("the topics take too long to be checked")));
    buf_done(&reason);
    url_done(&base);
}

static void a_topic_is_bounded_and_printable(void **state)
{
    (void)state;
    expect_topic(STR("12345678901234567890123456789012"), HUB_OK, "");
    expect_topic(STR("123456789012345678901234567890123"), HUB_E_TOO_BIG, "topic too long (max 32 bytes)");
    expect_topic(STR("gr\xC3\xBC\xC3\x9F"), HUB_OK, "");
    expect_topic(STR("a\nb"), HUB_E_INVALID,
                 "\"a\\x0ab\": topic contains a forbidden control character or invalid UTF-8");
    expect_topic(STR("\"\xFF\\"), HUB_E_INVALID,
                 "\"\\\"\\xff\\\\\": topic contains a forbidden control character or invalid UTF-8");
}

static void reserved_topics_are_refused_however_they_are_spelled(void **state)
{
    (void)state;
    expect_topic(STR("*"), HUB_E_INVALID,
                 "\"*\": topic value \"*\" is reserved for the wildcard matcher and cannot be published");
    static const char sentence[] =
        "topic value resolves into the reserved \"/.well-known/mercure\" namespace";
    expect_topic(STR("/.well-known/mercure"), HUB_E_INVALID, quoted("/.well-known/mercure", sentence));
    expect_topic(STR("/%2Ewell-known/x/../mercure/y"), HUB_E_INVALID,
                 quoted("/%2Ewell-known/x/../mercure/y", sentence));
    expect_topic(STR("/.well-known/mercury"), HUB_OK, "");
    expect_topic(STR("**"), HUB_OK, "");
}

static void an_id_is_bounded_printable_and_not_reserved(void **state)
{
    (void)state;
    static const char rule[] = "\"id\" field contains a forbidden control character or invalid UTF-8, starts "
                               "with \"#\", or is the reserved value \"earliest\"";
    static const struct {
        const char *id;
        const char *sentence;
    } cases[] = {
        {"", ""},
        {"1234567890123456", ""},
        {"12345678901234567", "\"id\" field too long (max 16 bytes)"},
        {"earliest", rule},
        {"Earliest", ""},
        {"#x", rule},
        {"x#", ""},
        {"a\nb", rule},
        {"\xFF", rule},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct publication publication = with_topic();
        publication.id = str_from_c(cases[i].id);
        expect(&publication, *cases[i].sentence ? HUB_E_INVALID : HUB_OK, cases[i].sentence);
    }
}

static void a_type_is_printable_and_not_reserved(void **state)
{
    (void)state;
    struct publication publication = with_topic();
    publication.type = STR("message");
    expect(&publication, HUB_OK, "");
    publication.type = STR("mercure");
    expect(&publication, HUB_E_INVALID, "\"type\" field uses the reserved value \"mercure\"");
    publication.type = STR("a\rb");
    expect(&publication, HUB_E_INVALID,
           "\"type\" field contains a forbidden control character or invalid UTF-8");
}

static void retry_is_a_number_that_is_handed_on(void **state)
{
    (void)state;
    struct publication publication = with_topic();
    publication.retry = STR("1500");
    expect(&publication, HUB_OK, "");
    assert_int_equal(publication.retry_ms, 1500);
    static const char *const wrong[] = {"x", "-1", "1.5", "18446744073709551616", "1 "};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        publication.retry = str_from_c(wrong[i]);
        expect(&publication, HUB_E_INVALID, "Invalid \"retry\" parameter");
    }
}

static void data_may_hold_any_text(void **state)
{
    (void)state;
    struct publication publication = with_topic();
    publication.data = STR("a\nb\r\n\tc\xE2\x82\xAC");
    expect(&publication, HUB_OK, "");
    publication.data = STR("\xC3");
    expect(&publication, HUB_E_INVALID, "\"data\" field is not valid UTF-8");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_update_needs_a_topic_and_has_at_most_so_many),
        cmocka_unit_test(topics_that_take_too_long_are_too_many),
        cmocka_unit_test(a_topic_is_bounded_and_printable),
        cmocka_unit_test(reserved_topics_are_refused_however_they_are_spelled),
        cmocka_unit_test(an_id_is_bounded_printable_and_not_reserved),
        cmocka_unit_test(a_type_is_printable_and_not_reserved),
        cmocka_unit_test(retry_is_a_number_that_is_handed_on),
        cmocka_unit_test(data_may_hold_any_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
