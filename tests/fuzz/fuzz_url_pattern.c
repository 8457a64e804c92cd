// URL patterns: the first byte chooses a base URL and whether case is ignored, the rest of its line is the
// pattern, and each other line is a topic. Whatever compiles gives a verdict on
// any URL; what it says for an index agrees with the verdicts; and so does the regular expression that the
// standard makes of each component.
#define PCRE2_CODE_UNIT_WIDTH 8

#include "base/arena.h"
#include "base/assert.h"
#include "base/buf.h"
#include "base/err.h"
#include "url/pattern.h"
#include "url/pattern_priv.h"
#include "url/url.h"

#include <errno.h>
#include <pcre2.h>
#include <stddef.h>
#include <stdint.h>

#define REGEX_MAX ((size_t)1 << 20)
#define REGEX_STEPS_MAX 100000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const bases[] = {
    "http://mercure.invalid",
    "https://example.com:8443/.well-known/mercure?q#f",
    "data:opaque",
};

// What a pattern is compiled from.
struct subject {
    const struct url *base;
    bool ignores_case;
    struct url_pattern *pattern;
    struct arena arena;
    struct part *parts[URL_COMPONENTS];
    struct pattern_syntax syntax[URL_COMPONENTS];
};

static void read_parts(struct subject *subject, struct str text)
{
    const char *reason;
    struct url_pattern_init init;
    struct url_pattern_init source;
    HUB_ASSERT(constructor_parse(&subject->arena, text, &init, &reason) == HUB_OK);
    const struct url *base = init.text[URL_PROTOCOL].ptr ? NULL : subject->base;
    HUB_ASSERT(init_process(&subject->arena, &init, base, &source) == HUB_OK);
    int is_special = protocol_matches_special_scheme(&subject->arena, source.text[URL_PROTOCOL], &reason);
    for (unsigned i = 0; i < URL_COMPONENTS; i++) {
        subject->syntax[i] =
            pattern_syntax_of(i, source.text[URL_HOSTNAME], is_special == 1, subject->ignores_case);
        HUB_ASSERT(parts_parse(&subject->arena, source.text[i], &subject->syntax[i], &subject->parts[i],
                               &reason) == HUB_OK);
    }
}

// 1, 0 or a negative code when PCRE2 cannot tell.
static int match_regex(struct str regex, struct str text, bool ignores_case)
{
    int code;
    size_t at;
    uint32_t options =
        PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_DOTALL | (ignores_case ? PCRE2_CASELESS : 0);
    pcre2_code *compiled = pcre2_compile((PCRE2_SPTR)regex.ptr, regex.len, options, &code, &at, NULL);
    if (!compiled)
        return -1;
    pcre2_match_data *data = pcre2_match_data_create(1, NULL);
    pcre2_match_context *limits = pcre2_match_context_create(NULL);
    HUB_ASSERT(data && limits);
    (void)pcre2_set_match_limit(limits, REGEX_STEPS_MAX);
    code = pcre2_match(compiled, (PCRE2_SPTR)(text.len ? text.ptr : ""), text.len, 0, 0, data, limits);
    pcre2_match_context_free(limits);
    pcre2_match_data_free(data);
    pcre2_code_free(compiled);
    return code >= 0 ? 1 : code == PCRE2_ERROR_NOMATCH ? 0 : code;
}

static int match_component(const struct subject *subject, unsigned component, struct str text)
{
    const char *reason;
    const struct pattern_syntax *syntax = &subject->syntax[component];
    struct buf regex;
    buf_init(&regex, REGEX_MAX);
    int result = regexp_append_parts(&regex, subject->parts[component], syntax, true, &reason);
    if (!result) {
        const char *source = buf_c(&regex);
        result = match_regex(str_make(source, regex.len), text, syntax->ignores_case);
    }
    buf_done(&regex);
    return result;
}

static void check_facts(const struct url_pattern *pattern, const struct str *texts)
{
    for (unsigned i = 0; i < URL_COMPONENTS; i++) {
        struct str literal = url_pattern_literal(pattern, i);
        HUB_ASSERT(!literal.ptr || str_eq(literal, texts[i]));
        HUB_ASSERT(str_starts_with(texts[i], url_pattern_start(pattern, i)));
    }
}

static void check_verdict(const struct subject *subject, const struct str *texts, int verdict)
{
    HUB_ASSERT(verdict == 0 || verdict == 1 || verdict == HUB_E_TOO_BIG);
    if (verdict == 1)
        check_facts(subject->pattern, texts);
    int expected = 1;
    for (unsigned i = 0; i < URL_COMPONENTS && expected == 1; i++)
        expected = match_component(subject, i, texts[i]);
    if (expected >= 0 && verdict >= 0)
        HUB_ASSERT(verdict == expected);
}

static void check_topic(const struct subject *subject, struct str topic)
{
    struct url url;
    if (url_parse(&url, topic, subject->base) == HUB_OK) {
        struct buf port;
        buf_init(&port, 16);
        if (url.port != URL_NO_PORT)
            buf_append_u64(&port, (uint64_t)url.port);
        const struct str texts[URL_COMPONENTS] = {
            url.scheme,     url.username, url.password, url.host,
            buf_str(&port), url.path,     url.query,    url.fragment,
        };
        uint64_t work = url_pattern_work(topic.len);
        uint64_t again = work;
        int verdict = url_pattern_test(subject->pattern, &url, &work);
        HUB_ASSERT(verdict == pattern_test_texts(subject->pattern, texts, &again) && work == again);
        check_verdict(subject, texts, verdict);
        buf_done(&port);
    }
    url_done(&url);
}

static void check_pattern(struct subject *subject, struct str text, struct str topics)
{
    struct url_pattern_error error = {0};
    int err = url_pattern_compile(&subject->pattern, text, subject->base, subject->ignores_case, &error);
    if (err) {
        HUB_ASSERT(err == HUB_E_INVALID || err == HUB_E_TOO_BIG);
        HUB_ASSERT(error.component && error.reason);
        return;
    }
    arena_init(&subject->arena, 2 * PATTERN_ARENA_MAX);
    read_parts(subject, text.ptr ? text : STR(""));
    struct str topic;
    while (str_split(&topics, '\n', &topic))
        check_topic(subject, topic);
    arena_done(&subject->arena);
    url_pattern_free(subject->pattern);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct str topics = str_make((const char *)data + 1, size - 1);
    struct str text;
    (void)str_split(&topics, '\n', &text);
    size_t choice = data[0] / 2 % (ARRAY_LEN(bases) + 1);
    struct url base = {0};
    if (choice < ARRAY_LEN(bases))
        HUB_ASSERT(url_parse(&base, str_from_c(bases[choice]), NULL) == HUB_OK);
    struct subject subject = {.base = base.scheme.ptr ? &base : NULL, .ignores_case = data[0] % 2 == 1};
    check_pattern(&subject, text, topics);
    url_done(&base);
    return 0;
}
