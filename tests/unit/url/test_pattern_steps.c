// Matching without a regular expression, around the borders of the words that sets of places are made of.
#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "url/pattern.h"
#include "url/pattern_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LEN_MAX 200

static struct url_pattern *compile_pathname(const char *text, bool ignores_case)
{
    struct url_pattern *pattern;
    struct url_pattern_error error;
    const struct url_pattern_init init = {.text[URL_PATHNAME] = str_from_c(text)};
    int err = url_pattern_compile_init(&pattern, &init, NULL, ignores_case, &error);
    if (err)
        fail_msg("%s: %s: %s", text, error.component, error.reason);
    return pattern;
}

static int match_pathname(const struct url_pattern *pattern, struct str path)
{
    const struct str texts[URL_COMPONENTS] = {[URL_PATHNAME] = path};
    uint64_t work = url_pattern_work(path.len);
    return pattern_test_texts(pattern, texts, &work);
}

// `before`, then `count` times `repeated`, then `after`.
static void append_path(struct buf *to, const char *before, const char *repeated, unsigned count,
                        const char *after)
{
    buf_clear(to);
    buf_append_str(to, str_from_c(before));
    for (unsigned i = 0; i < count; i++)
        buf_append_str(to, str_from_c(repeated));
    buf_append_str(to, str_from_c(after));
}

// The pattern matches the path for each number of repetitions from `from` on, up to LEN_MAX, and for no
// lower.
static void assert_matches_from(const char *text, const char *before, const char *repeated, const char *after,
                                unsigned from)
{
    struct buf path;
    buf_init(&path, 1 << 16);
    struct url_pattern *pattern = compile_pathname(text, false);
    for (unsigned count = 0; count < LEN_MAX; count++) {
        append_path(&path, before, repeated, count, after);
        if (match_pathname(pattern, buf_str(&path)) != (count >= from))
            fail_msg("%s on %.*s", text, STR_ARG(buf_str(&path)));
    }
    url_pattern_free(pattern);
    buf_done(&path);
}

#define NEVER LEN_MAX

static void repeated_text_matches_any_number_of_times(void **state)
{
    (void)state;
    assert_matches_from("/{a}*b", "/", "a", "b", 0);
    assert_matches_from("/{a}+b", "/", "a", "b", 1);
    assert_matches_from("/{a}+b", "/", "a", "", NEVER);
    assert_matches_from("/{abc}*", "/", "abc", "", 0);
    assert_matches_from("/{abc}*", "/", "abc", "ab", NEVER);
    assert_matches_from("/{a}*{aa}*b", "/", "a", "b", 0);
}

static void a_segment_takes_one_character_or_more_up_to_the_delimiter(void **state)
{
    (void)state;
    assert_matches_from("/:x{-}?", "/", "a", "", 1);
    assert_matches_from("/:x{-}?", "/", "a", "-", 0);
    assert_matches_from("/:x-{y}?", "/", "a", "-", 1);
    assert_matches_from("/:x-{y}?", "/", "a", "-y", 1);
    assert_matches_from("/:x-{y}?", "/", "a", "/-", NEVER);
    assert_matches_from("/:x{/}?:y-", "/", "a", "/b-", 1);
    assert_matches_from("/:x{/}?:y-", "/", "a", "-", 2);
    assert_matches_from("/:a:b:c", "/", "a", "", 3);
}

static void repeated_segments_have_their_texts_between_them(void **state)
{
    (void)state;
    assert_matches_from("/{-:s}+", "/", "-x", "", 1);
    assert_matches_from("/{-:s}*", "/", "-x", "", 0);
    assert_matches_from("/{-:s}+", "/", "-x", "-", 1); // "x-" is a segment, too
    assert_matches_from("/{:s;}*", "/", "x;", "", 0);
    assert_matches_from("/{:s;}*", "/", "x;", "y", NEVER);
    assert_matches_from("/a/:s*", "/a", "/x", "", 0);
    assert_matches_from("/a/:s*", "/a", "/x", "/", NEVER);
    assert_matches_from("/a/:s+", "/a", "/xyz", "", 1);
}

static void a_wildcard_takes_anything(void **state)
{
    (void)state;
    assert_matches_from("/*-{y}?", "/", "a", "-", 0);
    assert_matches_from("/*-*/{y}?", "/", "a", "-/", 0);
    assert_matches_from("/*-*/{y}?", "/", "a", "/-", NEVER);
    assert_matches_from("/*ab*ab{c}?", "/", "ab", "", 2);
    assert_matches_from("/*{/*}*", "/", "a/", "", 0);
    assert_matches_from("/{b*c}*d", "/", "bc", "d", 0);
    assert_matches_from("*a*a*a*", "/", "a", "", 3);
}

static void patterns_that_end_at_one_place_are_walked_to_the_same_verdicts(void **state)
{
    (void)state;
    assert_matches_from("/:x/b", "/", "a", "/b", 1);
    assert_matches_from("/:x/b", "/", "a", "b", NEVER);
    assert_matches_from("/*b", "/", "a", "b", 0);
    assert_matches_from("/*aa", "/", "a", "", 2);
    assert_matches_from("/:x/*", "/", "a", "/", 1);
}

static void ignored_case_is_that_of_both_sides(void **state)
{
    (void)state;
    static const char *const patterns[] = {"/Ab-:x/Cd", "/Ab-*/Cd", "/{Ab}*-:x{/Cd}?", "/Ab*C{d}?", "/*b*D"};
    for (size_t i = 0; i < ARRAY_LEN(patterns); i++) {
        struct url_pattern *ignoring = compile_pathname(patterns[i], true);
        struct url_pattern *exact = compile_pathname(patterns[i], false);
        assert_int_equal(match_pathname(ignoring, STR("/aB-x/cD")), 1);
        assert_int_equal(match_pathname(ignoring, STR("/aB-x/cE")), 0);
        assert_int_equal(match_pathname(exact, STR("/aB-x/cD")), 0);
        url_pattern_free(ignoring);
        url_pattern_free(exact);
    }
}

// Two steps of the pattern at all of 190 words at once would still be nothing; these are some thousand.
static void work_without_end_is_stopped(void **state)
{
    (void)state;
    struct buf text;
    struct buf path;
    buf_init(&text, URL_PATTERN_MAX);
    buf_init(&path, 1 << 16);
    append_path(&path, "/", "-", 12000, "");
    static const char *const pieces[] = {"*-", "{-}*", "{-*}*"};
    for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
        append_path(&text, "/", pieces[i], 700, "x");
        struct url_pattern *pattern = compile_pathname(buf_c(&text), false);
        assert_int_equal(match_pathname(pattern, buf_str(&path)), HUB_E_TOO_BIG);
        assert_int_equal(match_pathname(pattern, STR("/-----------")), 0);
        url_pattern_free(pattern);
    }
    buf_done(&text);
    buf_done(&path);
}

static void texts_that_are_too_long_for_the_stack_match_as_well(void **state)
{
    (void)state;
    struct buf path;
    buf_init(&path, 1 << 18);
    append_path(&path, "/", "a/b-", 40000, "c");
    struct url_pattern *pattern = compile_pathname("/*-{c}?", false);
    assert_int_equal(match_pathname(pattern, buf_str(&path)), 1);
    append_path(&path, "/", "a/b-", 40000, "d");
    assert_int_equal(match_pathname(pattern, buf_str(&path)), 0);
    url_pattern_free(pattern);
    buf_done(&path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(repeated_text_matches_any_number_of_times),
        cmocka_unit_test(a_segment_takes_one_character_or_more_up_to_the_delimiter),
        cmocka_unit_test(repeated_segments_have_their_texts_between_them),
        cmocka_unit_test(a_wildcard_takes_anything),
        cmocka_unit_test(patterns_that_end_at_one_place_are_walked_to_the_same_verdicts),
        cmocka_unit_test(ignored_case_is_that_of_both_sides),
        cmocka_unit_test(work_without_end_is_stopped),
        cmocka_unit_test(texts_that_are_too_long_for_the_stack_match_as_well),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
