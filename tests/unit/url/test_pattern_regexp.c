// Custom groups: which of JavaScript's regular expressions compile, and that those mean the same.
#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "url/pattern_priv.h"
#include "url/url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

// The headers of Debian 12 are older.
#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#define PR_MDWE_REFUSE_EXEC_GAIN 1
#endif

enum verdict {
    MATCH,
    DIFFER,
    INVALID,
    TOO_BIG,
};

// A group alone in a path, and what is behind the first slash of a URL's path.
struct row {
    const char *name;
    const char *group;
    const char *text;
    enum verdict verdict;
};

#define MATCHES(group, text) \
    { \
        "(" group ") matches \"" text "\"", group, text, MATCH \
    }
#define DIFFERS(group, text) \
    { \
        "(" group ") does not match \"" text "\"", group, text, DIFFER \
    }
#define REFUSED(group) \
    { \
        "(" group ") does not compile", group, "", INVALID \
    }

static const struct row rows[] = {
    // The whole component.
    MATCHES("ab", "ab"),
    DIFFERS("ab", "abc"),
    DIFFERS("ab", "xab"),
    DIFFERS("ab", "AB"),
    MATCHES("a|ab", "ab"),
    DIFFERS("^ab", "ab"), // a "/" is before it
    MATCHES("ab$", "ab"),
    DIFFERS("a^b", "ab"),
    DIFFERS("a$b", "ab"),
    MATCHES("a/b", "a/b"),
    MATCHES(".+", "a/b"),
    MATCHES("a\\bx|a\\b-", "a-"),
    MATCHES("a\\Bx", "ax"),
    // Quantifiers.
    MATCHES("a{2}", "aa"),
    DIFFERS("a{2}", "aaa"),
    MATCHES("a{2,}b", "aaaab"),
    MATCHES("a{2,3}?a*?", "aaaa"),
    MATCHES("(?:ab)+?", "abab"),
    MATCHES("(?<x>ab)*", "abab"),
    MATCHES("(?:a*)*b", "aab"),
    REFUSED("*a"),
    REFUSED("a**"),
    REFUSED("a++"),
    REFUSED("a???"),
    REFUSED("^*"),
    REFUSED("\\b+"),
    REFUSED("(?:|*)"),
    REFUSED("a{"),
    REFUSED("a{,2}"),
    REFUSED("a{3,2}"),
    REFUSED("a{2"),
    REFUSED("a{x}"),
    // Escapes.
    MATCHES("\\d\\D\\w\\W", "1a_-"),
    DIFFERS("\\s", "a"),
    MATCHES("\\S", "a"),
    MATCHES("\\x41\\u0042\\u{43}", "ABC"),
    MATCHES("\\.\\*\\-\\/\\@", ".*-/@"),
    DIFFERS("\\.", "a"),
    DIFFERS("\\0|\\cA|\\n|\\t|\\v|\\f|\\r", "0"),
    DIFFERS("\\u00e9", "a"),
    DIFFERS("\\u{1F600}*b", "a"),
    MATCHES("\\u{1F600}*b", "b"),
    REFUSED("\\x4"),
    REFUSED("\\u004"),
    REFUSED("\\u{}"),
    REFUSED("\\u{41"),
    REFUSED("\\u{110000}"),
    REFUSED("\\00"),
    REFUSED("\\c1"),
    REFUSED("\\a"),
    REFUSED("\\_"),
    // Only PCRE2 knows these.
    REFUSED("\\H"),
    REFUSED("\\R"),
    REFUSED("\\C"),
    REFUSED("\\K"),
    REFUSED("\\Qa\\E"),
    REFUSED("\\A"),
    REFUSED("\\z"),
    REFUSED("\\h"),
    REFUSED("\\N"),
    REFUSED("\\X"),
    REFUSED("\\o{101}"),
    REFUSED("a(?R)"),
    REFUSED("a(?1)"),
    REFUSED("a(?>b)"),
    REFUSED("a(?|b)"),
    REFUSED("a(?#b)"),
    REFUSED("a(?C1)"),
    REFUSED("a(?P<x>b)"),
    REFUSED("a(?'x'b)"),
    REFUSED("a(?&x)"),
    REFUSED("a(?i)b"),
    REFUSED("a(*FAIL)"),
    REFUSED("a(?(1)b)"),
    // Without a bound on the work, or of no use on a whole component.
    REFUSED("a(?=b)"),
    REFUSED("a(?!b)"),
    REFUSED("a(?<=b)"),
    REFUSED("a(?<!b)"),
    REFUSED("(?<x>a)\\1"),
    REFUSED("(?<x>a)\\k<x>"),
    REFUSED("\\p{L}"),
    REFUSED("a(?i:b)"),
    // Groups.
    REFUSED("a(?<>b)"),
    REFUSED("a(?<1>b)"),
    REFUSED("a(?<x"),
    REFUSED("a(?:b"),
    REFUSED("a]"),
    REFUSED("a}"),
    // Classes.
    MATCHES("[abc]+", "cab"),
    DIFFERS("[abc]", "d"),
    MATCHES("[^abc]", "d"),
    DIFFERS("[^abc]", "a"),
    MATCHES("[a-c-]+", "a-c"),
    MATCHES("[-a]+", "-a"),
    MATCHES("[\\w-]+", "a-b"),
    MATCHES("[\\d.]+", "1.2"),
    MATCHES("[a\\-c]+", "a-c"),
    DIFFERS("[a\\-c]", "b"),
    MATCHES("[.*+?|]+", ".*+?|"),
    MATCHES("[\\]\\[\\\\]", "]"),
    MATCHES("[\\x41-\\u{43}]+", "ABC"),
    DIFFERS("[]", "a"),
    MATCHES("[^]", "a"),
    REFUSED("[a-z--b]"),
    MATCHES("[[a-z]--[aeiou]]+", "xyz"),
    DIFFERS("[[a-z]--[aeiou]]", "a"),
    MATCHES("[[a-z]--a--b]", "c"),
    DIFFERS("[[a-z]--a--b]", "b"),
    MATCHES("[\\w&&\\d]", "1"),
    DIFFERS("[\\w&&\\d]", "a"),
    MATCHES("[^\\w&&[^\\d]]", "1"),
    MATCHES("[[ab][cd]x]+", "adx"),
    REFUSED("[a"),
    REFUSED("[z-a]"),
    REFUSED("[\\w-a]"),
    REFUSED("[a-\\w]"),
    REFUSED("[ab&&c]"),
    REFUSED("[a&&bc]"),
    REFUSED("[a&&b--c]"),
    REFUSED("[a&&b-c]"),
    REFUSED("[a&&]"),
    REFUSED("[&&a]"),
    REFUSED("[a-c&&b]"),
    REFUSED("[\\q{ab}]"),
    REFUSED("[\\b]"),
    REFUSED("[\\1]"),
    // Sizes.
    {"a repetition over 65535 is too big", "a{65536}", "", TOO_BIG},
    {"a repetition from over 65535 is too big", "a{99999999999999999999,}", "", TOO_BIG},
    {"repetitions of repetitions are too big", "(?:(?:a{1000}){1000}){100}b", "", TOO_BIG},
};

static int compile_group(const char *group, bool ignores_case, struct url_pattern **ret_pattern)
{
    struct buf text;
    struct url_pattern_error error = {0};
    buf_init(&text, 2 * URL_PATTERN_MAX);
    buf_printf(&text, "/(%s)", group);
    const struct url_pattern_init init = {.text[URL_PATHNAME] = buf_str(&text)};
    int err = url_pattern_compile_init(ret_pattern, &init, NULL, ignores_case, &error);
    if (err)
        assert_non_null(error.reason);
    buf_done(&text);
    return err;
}

static int test_text(const struct url_pattern *pattern, const char *text)
{
    struct buf input;
    struct url url;
    buf_init(&input, URL_INPUT_MAX);
    buf_printf(&input, "foo://example.com/%s", text);
    assert_int_equal(url_parse(&url, buf_str(&input), NULL), HUB_OK);
    uint64_t work = url_pattern_work(input.len);
    int result = url_pattern_test(pattern, &url, &work);
    url_done(&url);
    buf_done(&input);
    return result;
}

static int verdict_of(const char *group, const char *text, bool ignores_case)
{
    struct url_pattern *pattern;
    int err = compile_group(group, ignores_case, &pattern);
    if (err)
        return err;
    assert_true(pattern_has_regex(pattern));
    int result = test_text(pattern, text);
    url_pattern_free(pattern);
    return result;
}

static void the_verdict_is_right(void **state)
{
    static const int results[] = {
        [MATCH] = 1, [DIFFER] = 0, [INVALID] = HUB_E_INVALID, [TOO_BIG] = HUB_E_TOO_BIG};
    const struct row *row = *state;
    assert_int_equal(verdict_of(row->group, row->text, false), results[row->verdict]);
}

static void ignored_case_holds_in_classes_before_they_are_combined(void **state)
{
    (void)state;
    assert_int_equal(verdict_of("ab[c-d]\\x65", "ABCE", true), 1);
    assert_int_equal(verdict_of("[^a]", "A", true), 0);
    assert_int_equal(verdict_of("[\\w--a]", "A", true), 0);
    assert_int_equal(verdict_of("[\\w--a]", "B", true), 1);
    assert_int_equal(verdict_of("[[A-Z]&&b]", "b", true), 1);
}

static void a_hundred_groups_in_groups_are_the_most(void **state)
{
    (void)state;
    struct buf group;
    buf_init(&group, URL_PATTERN_MAX);
    for (unsigned i = 0; i < 90; i++)
        buf_append_str(&group, STR("(?:"));
    buf_append_c(&group, 'a');
    for (unsigned i = 0; i < 90; i++)
        buf_append_c(&group, ')');
    assert_int_equal(verdict_of(buf_c(&group), "a", false), 1);
    buf_clear(&group);
    for (unsigned i = 0; i < 200; i++)
        buf_append_str(&group, STR("(?:"));
    for (unsigned i = 0; i < 200; i++)
        buf_append_c(&group, ')');
    assert_int_equal(verdict_of(buf_c(&group), "", false), HUB_E_TOO_BIG);
    buf_done(&group);
}

static void classes_in_classes_have_a_limit(void **state)
{
    (void)state;
    assert_int_equal(verdict_of("[[[[[[[[a]]]]]]]]", "a", false), 1);
    assert_int_equal(verdict_of("[[[[[[[[[[[[[[[[[a]]]]]]]]]]]]]]]]]", "a", false), HUB_E_TOO_BIG);
}

// Each would need more steps than there are grains of sand.
static void assert_hostile_groups_are_stopped(void)
{
    static const char *const groups[] = {
        "(?:a|a|b)*c|b*b", "(?:a|aa)+|b*", "(?:a*)*(?:a*)*b|b+", "(?:(?:a?){30}){30}b|b*", "(?:a?a?a?)*b|b*",
    };
    char text[8192];
    memset(text, 'a', sizeof(text));
    memcpy(text + sizeof(text) - 4, "bcd", 4);
    for (size_t i = 0; i < ARRAY_LEN(groups); i++)
        assert_int_not_equal(verdict_of(groups[i], text, false), 1);
    assert_int_equal(verdict_of("(?:a|a|b)*d|b*", text, false), HUB_E_TOO_BIG);
    // Neither deep nor large.
    text[45] = 'c';
    text[46] = '\0';
    assert_int_equal(verdict_of("(?:a?){40}[ab]{40}", text, false), HUB_E_TOO_BIG);
}

static void a_hostile_group_is_stopped(void **state)
{
    (void)state;
    assert_hostile_groups_are_stopped();
}

static void choices_beside_custom_groups_have_a_limit(void **state)
{
    (void)state;
    struct buf group;
    struct url_pattern *pattern;
    buf_init(&group, URL_PATTERN_MAX);
    buf_append_str(&group, STR("a0"));
    for (unsigned i = 1; i < 399; i++)
        buf_printf(&group, "|a%u", i);
    assert_int_equal(verdict_of(buf_c(&group), "a398", false), 1);
    buf_append_str(&group, STR("|b|c"));
    assert_int_equal(compile_group(buf_c(&group), false, &pattern), HUB_E_TOO_BIG);
    buf_clear(&group);
    buf_append_c(&group, 'a');
    for (unsigned i = 0; i < 400; i++)
        buf_append_str(&group, STR(")(a"));
    assert_int_equal(compile_group(buf_c(&group), false, &pattern), HUB_E_TOO_BIG);
    buf_done(&group);
}

static void a_long_text_does_not_make_a_group_hostile(void **state)
{
    (void)state;
    char text[4001];
    memset(text, 'a', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    assert_int_equal(verdict_of("(?:[a-z]|-)+", text, false), 1);
    assert_int_equal(verdict_of("(?:a|-)*b?", text, false), 1);
    text[sizeof(text) - 2] = '_';
    assert_int_equal(verdict_of("(?:[a-z]-?)+", text, false), 0);
}

// As regular expressions of the standard they would be as hostile as those above.
static void groups_beside_wildcards_that_repeat_do_not_make_them_hostile(void **state)
{
    (void)state;
    static const char *const groups[] = {"a)(.*)*(x", "a){-:y}*(x", "a){*b}+(x"};
    char text[2001];
    for (size_t i = 0; i < sizeof(text) - 1; i++)
        text[i] = "a-b;"[i % 4];
    text[sizeof(text) - 1] = '\0';
    for (size_t i = 0; i < ARRAY_LEN(groups); i++)
        assert_int_equal(verdict_of(groups[i], text, false), 0);
    text[sizeof(text) - 2] = 'x';
    assert_int_equal(verdict_of(groups[0], text, false), 1);
    assert_int_equal(verdict_of(groups[1], text, false), 1);
}

// PCRE2 has no machine code then.
static void groups_match_where_memory_may_not_be_executable(void **state)
{
    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        // An older kernel than 6.3 refuses; the child then does what its parent could.
        (void)prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0);
        bool matches = verdict_of("\\d+(?:-\\d+)*", "1-22-333", false) == 1;
        assert_hostile_groups_are_stopped();
        _exit(matches ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

int main(void)
{
    static struct row copies[ARRAY_LEN(rows)]; // for the state is not const
    static struct CMUnitTest verdicts[ARRAY_LEN(rows)];
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        copies[i] = rows[i];
        verdicts[i] = (struct CMUnitTest){rows[i].name, the_verdict_is_right, NULL, NULL, &copies[i]};
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ignored_case_holds_in_classes_before_they_are_combined),
        cmocka_unit_test(a_hundred_groups_in_groups_are_the_most),
        cmocka_unit_test(classes_in_classes_have_a_limit),
        cmocka_unit_test(a_hostile_group_is_stopped),
        cmocka_unit_test(choices_beside_custom_groups_have_a_limit),
        cmocka_unit_test(a_long_text_does_not_make_a_group_hostile),
        cmocka_unit_test(groups_beside_wildcards_that_repeat_do_not_make_them_hostile),
        cmocka_unit_test(groups_match_where_memory_may_not_be_executable),
    };
    int failed = cmocka_run_group_tests(verdicts, NULL, NULL);
    return failed + cmocka_run_group_tests(tests, NULL, NULL);
}
