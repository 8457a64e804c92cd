// The vectors of the web platform tests, with the rules of their runner (urlpattern/resources/urlpattern.js):
// what a vector does not say is taken from its pattern.
//
// A vector tells more than whether a pattern matches: the pattern of each component in its canonical form,
// and the groups. A hub needs neither. Both are made here from what the pattern is compiled from, the latter
// with the regular expression that the standard makes of each component; so each vector also compares
// matching without a regular expression to matching with one.
#define PCRE2_CODE_UNIT_WIDTH 8

#include "base/arena.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "url/pattern.h"
#include "url/pattern_priv.h"
#include "url/scheme.h"
#include "url/url.h"
#include "url/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>
#include <pcre2.h>

#define VECTORS TESTDATA "/wpt/urlpatterntestdata.json"
#define VECTOR_COUNT 369
#define TEXT_MAX 4096

static const char *const names[URL_COMPONENTS] = {
    "protocol", "username", "password", "hostname", "port", "pathname", "search", "hash",
};

// A null text is a null string.
static struct str text_of(json_t *value)
{
    return json_is_string(value) ? str_make(json_string_value(value), json_string_length(value))
                                 : str_make(NULL, 0);
}

static struct url_pattern_init init_of(json_t *dictionary)
{
    struct url_pattern_init init;
    for (unsigned i = 0; i < URL_COMPONENTS; i++)
        init.text[i] = text_of(json_object_get(dictionary, names[i]));
    return init;
}

// The arguments of the constructor. False when it accepts none such.
struct arguments {
    json_t *input; // a string, a dictionary, or NULL for an empty one
    struct str base;
    bool ignores_case;
};

static bool read_arguments(json_t *list, struct arguments *ret)
{
    size_t at = 0;
    *ret = (struct arguments){.input = json_array_get(list, at++)};
    if (json_is_string(ret->input) && json_is_string(json_array_get(list, at)))
        ret->base = text_of(json_array_get(list, at++));
    else if (json_is_object(ret->input))
        ret->base = text_of(json_object_get(ret->input, "baseURL"));
    ret->ignores_case = json_is_true(json_object_get(json_array_get(list, at), "ignoreCase"));
    at += json_is_object(json_array_get(list, at));
    return at >= json_array_size(list);
}

// What the vectors with `pattern` are about, with all that is behind it.
struct subject {
    struct arguments arguments;
    struct url base;
    bool has_base;
    struct url_pattern *pattern;
    struct arena arena;
    struct url_pattern_init source;
    struct pattern_syntax syntax[URL_COMPONENTS];
    struct part *parts[URL_COMPONENTS];
};

static int compile(struct subject *subject)
{
    const struct url *base = subject->has_base ? &subject->base : NULL;
    const struct arguments *arguments = &subject->arguments;
    if (json_is_string(arguments->input))
        return url_pattern_compile(&subject->pattern, text_of(arguments->input), base,
                                   arguments->ignores_case, NULL);
    struct url_pattern_init init = init_of(arguments->input);
    return url_pattern_compile_init(&subject->pattern, &init, base, arguments->ignores_case, NULL);
}

// The parts of each component, as the pattern was compiled from them.
static void read_parts(struct subject *subject)
{
    const char *reason;
    const struct url *base = subject->has_base ? &subject->base : NULL;
    json_t *input = subject->arguments.input;
    struct url_pattern_init init = init_of(input);
    if (json_is_string(input))
        assert_int_equal(constructor_parse(&subject->arena, text_of(input), &init, &reason), HUB_OK);
    assert_int_equal(init_process(&subject->arena, &init, base, &subject->source), HUB_OK);
    const struct str *texts = subject->source.text;
    int is_special = protocol_matches_special_scheme(&subject->arena, texts[URL_PROTOCOL], &reason);
    for (unsigned i = 0; i < URL_COMPONENTS; i++) {
        subject->syntax[i] =
            pattern_syntax_of(i, texts[URL_HOSTNAME], is_special, subject->arguments.ignores_case);
        assert_int_equal(
            parts_parse(&subject->arena, texts[i], &subject->syntax[i], &subject->parts[i], &reason), HUB_OK);
    }
}

static int subject_init(struct subject *subject, json_t *arguments)
{
    *subject = (struct subject){0};
    arena_init(&subject->arena, PATTERN_ARENA_MAX);
    if (!read_arguments(arguments, &subject->arguments))
        return HUB_E_INVALID;
    subject->has_base = subject->arguments.base.ptr != NULL;
    if (subject->has_base && url_parse(&subject->base, subject->arguments.base, NULL) != HUB_OK)
        return HUB_E_INVALID;
    int err = compile(subject);
    if (!err)
        read_parts(subject);
    return err;
}

static void subject_done(struct subject *subject)
{
    url_pattern_free(subject->pattern);
    url_done(&subject->base);
    arena_done(&subject->arena);
}

// "Generate a pattern string" and what it needs.

static void append_escaped(struct buf *to, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (strchr("+*?:{}()\\", text.ptr[i]))
            buf_append_c(to, '\\');
        buf_append_c(to, text.ptr[i]);
    }
}

static bool starts_as_name(struct str text)
{
    size_t at = 0;
    return text.len > 0 && token_is_name_char(utf8_next(text, &at), false);
}

static bool is_fixed(const struct part *part)
{
    return part && part->type == PART_FIXED_TEXT;
}

// Whether the name of the part would go on in what is behind it.
static bool runs_into_next(const struct part *part)
{
    const struct part *next = part->next;
    if (part->is_numbered || part->type != PART_SEGMENT_WILDCARD || part->modifier != MODIFIER_NONE ||
        !next || next->prefix.len > 0 || next->suffix.len > 0)
        return false;
    return is_fixed(next) ? starts_as_name(next->value) : next->is_numbered;
}

static bool needs_grouping(const struct part *part, const struct part *previous, char prefix)
{
    if (part->suffix.len > 0 || (part->prefix.len > 0 && part->prefix.ptr[0] != prefix))
        return true;
    if (runs_into_next(part))
        return true;
    if (part->prefix.len > 0 || !previous || !is_fixed(previous))
        return false;
    return prefix && previous->value.len > 0 && previous->value.ptr[previous->value.len - 1] == prefix;
}

static void append_wildcard(struct buf *to, const struct part *part, const struct part *previous,
                            bool is_grouped)
{
    bool is_bare =
        part->is_numbered && (!previous || is_fixed(previous) || previous->modifier != MODIFIER_NONE ||
                              is_grouped || part->prefix.len > 0);
    buf_append_str(to, is_bare ? STR("*") : STR("(.*)"));
}

static void append_value(struct buf *to, const struct part *part, const struct part *previous, char delimiter,
                         bool is_grouped)
{
    if (part->type == PART_REGEXP)
        buf_printf(to, "(%.*s)", STR_ARG(part->value));
    else if (part->type == PART_FULL_WILDCARD)
        append_wildcard(to, part, previous, is_grouped);
    else if (part->is_numbered && delimiter)
        buf_printf(to, "([^\\%c]+?)", delimiter);
    else if (part->is_numbered)
        buf_append_str(to, STR("([^]+?)"));
    else if (part->suffix.len > 0 && starts_as_name(part->suffix))
        buf_append_c(to, '\\');
}

static void append_modifier(struct buf *to, const struct part *part)
{
    static const char *const signs[] = {"", "?", "*", "+"};
    buf_append_str(to, str_from_c(signs[part->modifier]));
}

static void append_part(struct buf *to, const struct part *part, const struct part *previous,
                        const struct pattern_syntax *syntax)
{
    bool is_grouped =
        is_fixed(part) ? part->modifier != MODIFIER_NONE : needs_grouping(part, previous, syntax->prefix);
    buf_append_str(to, is_grouped ? STR("{") : STR(""));
    if (is_fixed(part)) {
        append_escaped(to, part->value);
    } else {
        append_escaped(to, part->prefix);
        if (!part->is_numbered)
            buf_printf(to, ":%.*s", STR_ARG(part->name));
        append_value(to, part, previous, syntax->delimiter, is_grouped);
        append_escaped(to, part->suffix);
    }
    buf_append_str(to, is_grouped ? STR("}") : STR(""));
    append_modifier(to, part);
}

static void append_pattern(struct buf *to, const struct subject *subject, unsigned component)
{
    const struct part *previous = NULL;
    for (const struct part *part = subject->parts[component]; part; part = part->next) {
        append_part(to, part, previous, &subject->syntax[component]);
        previous = part;
    }
}

// What the runner expects of a component's pattern when the vector does not say it.

static bool is_exactly_empty(json_t *vector, unsigned component)
{
    size_t i;
    json_t *name;
    json_array_foreach(json_object_get(vector, "exactly_empty_components"), i, name)
    {
        if (str_eq(text_of(name), str_from_c(names[component])))
            return true;
    }
    return false;
}

static bool has_earlier_component(json_t *input, unsigned component)
{
    static const char *const order[] = {"protocol", "hostname", "port", "pathname", "search", "hash"};
    bool is_ordered = component != URL_USERNAME && component != URL_PASSWORD;
    for (size_t i = 0; is_ordered && strcmp(order[i], names[component]) != 0; i++) {
        if (json_object_get(input, order[i]))
            return true;
    }
    return false;
}

static void append_of_base(struct buf *to, const struct url *base, unsigned component)
{
    const struct str texts[URL_COMPONENTS] = {
        [URL_PROTOCOL] = base->scheme, [URL_HOSTNAME] = base->host, [URL_PATHNAME] = base->path,
        [URL_SEARCH] = base->query,    [URL_HASH] = base->fragment,
    };
    if (component == URL_USERNAME || component == URL_PASSWORD)
        buf_append_str(to, STR("*"));
    else if (component == URL_PORT && base->port != URL_NO_PORT)
        buf_append_u64(to, (uint64_t)base->port);
    else
        buf_append_str(to, texts[component]);
}

static void append_expected_pattern(struct buf *to, json_t *vector, const struct subject *subject,
                                    unsigned component)
{
    json_t *stated = json_object_get(json_object_get(vector, "expected_obj"), names[component]);
    json_t *input = subject->arguments.input;
    json_t *given = json_object_get(input, names[component]);
    if (stated)
        buf_append_str(to, text_of(stated));
    else if (is_exactly_empty(vector, component))
        return;
    else if (given && json_string_length(given) > 0)
        buf_append_str(to, text_of(given));
    else if (has_earlier_component(input, component))
        buf_append_str(to, STR("*"));
    else if (subject->has_base)
        append_of_base(to, &subject->base, component);
    else
        buf_append_str(to, STR("*"));
}

static void assert_patterns(json_t *vector, const struct subject *subject)
{
    for (unsigned i = 0; i < URL_COMPONENTS; i++) {
        struct buf expected;
        struct buf actual;
        buf_init(&expected, TEXT_MAX);
        buf_init(&actual, TEXT_MAX);
        append_expected_pattern(&expected, vector, subject, i);
        append_pattern(&actual, subject, i);
        if (!str_eq(buf_str(&actual), buf_str(&expected)))
            fail_msg("%s: %.*s, not %.*s", names[i], STR_ARG(buf_str(&actual)), STR_ARG(buf_str(&expected)));
        buf_done(&expected);
        buf_done(&actual);
    }
}

// The texts that are matched: of a URL, or, by "process a URLPatternInit" of the type "url", of a dictionary.

struct texts {
    struct buf of[URL_COMPONENTS];
};

static void texts_init(struct texts *texts)
{
    for (unsigned i = 0; i < URL_COMPONENTS; i++)
        buf_init(&texts->of[i], TEXT_MAX);
}

static void texts_done(struct texts *texts)
{
    for (unsigned i = 0; i < URL_COMPONENTS; i++)
        buf_done(&texts->of[i]);
}

static void set_text(struct texts *texts, unsigned component, struct str text)
{
    buf_clear(&texts->of[component]);
    buf_append_str(&texts->of[component], text);
}

static void set_of_url(struct texts *texts, const struct url *url)
{
    set_text(texts, URL_PROTOCOL, url->scheme);
    set_text(texts, URL_USERNAME, url->username);
    set_text(texts, URL_PASSWORD, url->password);
    set_text(texts, URL_HOSTNAME, url->host);
    if (url->port != URL_NO_PORT)
        buf_append_u64(&texts->of[URL_PORT], (uint64_t)url->port);
    set_text(texts, URL_PATHNAME, url->path);
    set_text(texts, URL_SEARCH, url->query);
    set_text(texts, URL_HASH, url->fragment);
}

static bool url_texts(struct texts *texts, struct str input, struct str base_text)
{
    struct url base = {0};
    struct url url = {0};
    bool is_valid = !base_text.ptr || url_parse(&base, base_text, NULL) == HUB_OK;
    is_valid = is_valid && url_parse(&url, input, base_text.ptr ? &base : NULL) == HUB_OK;
    if (is_valid)
        set_of_url(texts, &url);
    url_done(&url);
    url_done(&base);
    return is_valid;
}

// A component of the base stays when the dictionary has nothing that is more general.
static void forget_inherited(struct texts *texts, const struct url_pattern_init *init)
{
    static const unsigned orders[][6] = {
        {URL_PROTOCOL, URL_HOSTNAME, URL_PORT, URL_PATHNAME, URL_SEARCH, URL_HASH},
        {URL_PROTOCOL, URL_HOSTNAME, URL_PORT, URL_USERNAME, URL_PASSWORD, URL_PASSWORD},
    };
    for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
        bool is_given = false;
        for (size_t j = 0; j < ARRAY_LEN(orders[i]); j++) {
            is_given = is_given || init->text[orders[i][j]].ptr;
            if (is_given)
                buf_clear(&texts->of[orders[i][j]]);
        }
    }
}

static bool encode(struct texts *texts, unsigned component, struct str text,
                   int (*encode_text)(struct buf *to, struct str text))
{
    buf_clear(&texts->of[component]);
    return text.len == 0 || encode_text(&texts->of[component], text) == HUB_OK;
}

static struct str without(struct str text, const char *first, const char *last)
{
    if (*first && str_starts_with(text, str_from_c(first)))
        return str_slice(text, 1, text.len);
    if (*last && str_ends_with(text, str_from_c(last)))
        return str_slice(text, 0, text.len - 1);
    return text;
}

static bool set_port(struct texts *texts, struct str text)
{
    if (!encode(texts, URL_PORT, text, encode_port))
        return false;
    const struct special_scheme *special = scheme_special(buf_str(&texts->of[URL_PROTOCOL]));
    uint64_t port;
    if (special && str_to_u64(buf_str(&texts->of[URL_PORT]), &port) == HUB_OK && (int)port == special->port)
        buf_clear(&texts->of[URL_PORT]);
    return true;
}

static bool set_pathname(struct texts *texts, struct str text, const struct url *base)
{
    struct str protocol = buf_str(&texts->of[URL_PROTOCOL]);
    bool is_special = protocol.len == 0 || scheme_special(protocol);
    struct buf resolved;
    buf_init(&resolved, TEXT_MAX);
    if (base && !base->has_opaque_path && !str_starts_with(text, STR("/"))) {
        size_t len = base->path.len;
        while (len > 0 && base->path.ptr[len - 1] != '/')
            len--;
        buf_append_str(&resolved, str_slice(base->path, 0, len));
    }
    buf_append_str(&resolved, text);
    bool is_valid = encode(texts, URL_PATHNAME, buf_str(&resolved),
                           is_special ? encode_pathname : encode_opaque_pathname);
    buf_done(&resolved);
    return is_valid;
}

static bool set_given(struct texts *texts, const struct url_pattern_init *init, const struct url *base)
{
    const struct str *text = init->text;
    return (!text[URL_PROTOCOL].ptr ||
            encode(texts, URL_PROTOCOL, without(text[URL_PROTOCOL], "", ":"), encode_protocol)) &&
           (!text[URL_USERNAME].ptr || encode(texts, URL_USERNAME, text[URL_USERNAME], encode_userinfo)) &&
           (!text[URL_PASSWORD].ptr || encode(texts, URL_PASSWORD, text[URL_PASSWORD], encode_userinfo)) &&
           (!text[URL_HOSTNAME].ptr || encode(texts, URL_HOSTNAME, text[URL_HOSTNAME], encode_hostname)) &&
           (!text[URL_PORT].ptr || set_port(texts, text[URL_PORT])) &&
           (!text[URL_PATHNAME].ptr || set_pathname(texts, text[URL_PATHNAME], base)) &&
           (!text[URL_SEARCH].ptr ||
            encode(texts, URL_SEARCH, without(text[URL_SEARCH], "?", ""), encode_search)) &&
           (!text[URL_HASH].ptr || encode(texts, URL_HASH, without(text[URL_HASH], "#", ""), encode_hash));
}

static bool dictionary_texts(struct texts *texts, json_t *dictionary)
{
    struct url_pattern_init init = init_of(dictionary);
    struct str base_text = text_of(json_object_get(dictionary, "baseURL"));
    struct url base = {0};
    bool is_valid = !base_text.ptr || url_parse(&base, base_text, NULL) == HUB_OK;
    if (is_valid && base_text.ptr) {
        set_of_url(texts, &base);
        forget_inherited(texts, &init);
    }
    is_valid = is_valid && set_given(texts, &init, base_text.ptr ? &base : NULL);
    url_done(&base);
    return is_valid;
}

static bool input_texts(struct texts *texts, json_t *inputs)
{
    json_t *input = json_array_get(inputs, 0);
    struct str base = text_of(json_array_get(inputs, 1));
    if (json_is_string(input))
        return url_texts(texts, text_of(input), base);
    return !base.ptr &&
           dictionary_texts(texts, input); // with a base it is an error, which is no match either
}

// Matching, with the regular expression of each component beside.

// JavaScript lets nothing that is optional match the empty text: it is passed over, and its group not set.
static bool is_group_set(const struct part *part, const size_t *span)
{
    bool is_bare = part->prefix.len + part->suffix.len == 0;
    return span[0] != PCRE2_UNSET && !(is_bare && part->modifier == MODIFIER_OPTIONAL && span[0] == span[1]);
}

static void assert_group(json_t *groups, const struct part *part, const char *input, const size_t *span)
{
    char name[TEXT_MAX];
    (void)snprintf(name, sizeof(name), "%.*s", STR_ARG(part->name));
    json_t *expected = json_object_get(groups, name);
    if (!expected)
        fail_msg("no group %s is expected", name);
    bool is_set = is_group_set(part, span);
    if (is_set != json_is_string(expected) ||
        (is_set && !str_eq(str_make(input + span[0], span[1] - span[0]), text_of(expected))))
        fail_msg("group %s: %.*s", name, is_set ? (int)(span[1] - span[0]) : 0, input + span[0]);
}

static void assert_groups(json_t *groups, const struct part *parts, const char *input, const size_t *spans)
{
    size_t count = 0;
    for (const struct part *part = parts; part; part = part->next) {
        if (!is_fixed(part))
            assert_group(groups, part, input, spans + 2 * ++count);
    }
    assert_int_equal(json_object_size(groups), count);
}

// What the runner expects of a component that the vector does not mention.
static json_t *default_component(json_t *vector, unsigned component)
{
    if (is_exactly_empty(vector, component))
        return json_pack("{s:s, s:{}}", "input", "", "groups");
    return json_pack("{s:s, s:{s:s}}", "input", "", "groups", "0", "");
}

static void assert_component_match(json_t *vector, unsigned component, const struct part *parts,
                                   struct str text, const size_t *spans)
{
    json_t *stated = json_object_get(json_object_get(vector, "expected_match"), names[component]);
    json_t *expected = stated ? json_incref(stated) : default_component(vector, component);
    struct str input = text_of(json_object_get(expected, "input"));
    if (!str_eq(text, input))
        fail_msg("%s: %.*s, not %.*s", names[component], STR_ARG(text), STR_ARG(input));
    assert_groups(json_object_get(expected, "groups"), parts, text.ptr ? text.ptr : "", spans);
    json_decref(expected);
}

static pcre2_code *compile_regex(const struct subject *subject, unsigned component)
{
    const char *reason = "";
    const struct pattern_syntax *syntax = &subject->syntax[component];
    struct buf regex;
    buf_init(&regex, 1 << 16);
    assert_int_equal(regexp_append_parts(&regex, subject->parts[component], syntax, true, &reason), HUB_OK);
    uint32_t options = PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_DOTALL;
    int code;
    size_t at;
    pcre2_code *compiled =
        pcre2_compile((PCRE2_SPTR)buf_c(&regex), regex.len,
                      options | (syntax->ignores_case ? PCRE2_CASELESS : 0), &code, &at, NULL);
    assert_non_null(compiled);
    buf_done(&regex);
    return compiled;
}

// Whether the regular expression matches; if the whole pattern does, the groups are right.
static bool match_regex(json_t *vector, const struct subject *subject, unsigned component, struct str text,
                        bool all_match)
{
    pcre2_code *regex = compile_regex(subject, component);
    pcre2_match_data *data = pcre2_match_data_create_from_pattern(regex, NULL);
    int code = pcre2_match(regex, (PCRE2_SPTR)(text.ptr ? text.ptr : ""), text.len, 0, 0, data, NULL);
    if (code > 0 && all_match)
        assert_component_match(vector, component, subject->parts[component], text,
                               pcre2_get_ovector_pointer(data));
    pcre2_match_data_free(data);
    pcre2_code_free(regex);
    return code > 0;
}

static void assert_match(json_t *vector, const struct subject *subject, struct texts *buffers, bool expected)
{
    struct str texts[URL_COMPONENTS];
    for (unsigned i = 0; i < URL_COMPONENTS; i++)
        texts[i] = buf_str(&buffers->of[i]);
    uint64_t work = url_pattern_work(0);
    assert_int_equal(pattern_test_texts(subject->pattern, texts, &work), expected);
    bool all_match = true;
    for (unsigned i = 0; i < URL_COMPONENTS; i++)
        all_match &= match_regex(vector, subject, i, texts[i], expected);
    assert_int_equal(all_match, expected);
}

static void the_vector_passes(void **state)
{
    json_t *vector = *state;
    struct subject subject;
    int err = subject_init(&subject, json_object_get(vector, "pattern"));
    bool must_fail = json_is_string(json_object_get(vector, "expected_obj"));
    assert_int_equal(err, must_fail ? HUB_E_INVALID : HUB_OK);
    if (!err) {
        bool expected = json_is_object(json_object_get(vector, "expected_match"));
        struct texts texts;
        texts_init(&texts);
        assert_patterns(vector, &subject);
        if (input_texts(&texts, json_object_get(vector, "inputs")))
            assert_match(vector, &subject, &texts, expected);
        else
            assert_false(expected);
        texts_done(&texts);
    }
    subject_done(&subject);
}

// The vectors hold halves of surrogate pairs, which neither UTF-8 nor JSON has. The standard's interface
// replaces them by U+FFFD before the algorithms see them; so do we.
static bool is_surrogate(const char *at, const char *kind)
{
    return strncmp(at, "\\uD", 3) == 0 && strchr(kind, at[3]) && at[3];
}

static void replace_lone_surrogates(char *text)
{
    for (char *at = text; (at = strstr(at, "\\uD")) != NULL; at += 6) {
        if (is_surrogate(at, "89AB") && is_surrogate(at + 6, "CDEF"))
            at += 6;
        else if (is_surrogate(at, "89ABCDEF"))
            memcpy(at, "\\uFFFD", 6);
    }
}

static json_t *load_vectors(void)
{
    static char text[1 << 18];
    FILE *file = fopen(VECTORS, "r");
    assert_non_null(file);
    size_t len = fread(text, 1, sizeof(text) - 1, file);
    assert_in_range(len, 1, sizeof(text) - 2);
    (void)fclose(file);
    replace_lone_surrogates(text);
    json_error_t error;
    json_t *vectors = json_loads(text, JSON_ALLOW_NUL, &error);
    assert_non_null(vectors);
    return vectors;
}

// "[pattern] <- [inputs]"
static char *name_of(json_t *vector)
{
    char *pattern = json_dumps(json_object_get(vector, "pattern"), JSON_COMPACT);
    char *inputs = json_dumps(json_object_get(vector, "inputs"), JSON_COMPACT | JSON_ENCODE_ANY);
    char *name = NULL;
    assert_true(asprintf(&name, "%s <- %s", pattern, inputs ? inputs : "") > 0);
    free(pattern);
    free(inputs);
    return name;
}

int main(void)
{
    static struct CMUnitTest tests[VECTOR_COUNT];
    json_t *vectors = load_vectors();
    size_t count = 0;
    size_t i;
    json_t *vector;
    json_array_foreach(vectors, i, vector)
    {
        if (json_is_object(vector) && count < VECTOR_COUNT) // the others are comments
            tests[count++] = (struct CMUnitTest){name_of(vector), the_vector_passes, NULL, NULL, vector};
    }
    int failed = cmocka_run_group_tests_name("url patterns", tests, NULL, NULL);
    failed += count != VECTOR_COUNT;
    for (i = 0; i < count; i++)
        free((void *)(uintptr_t)tests[i].name);
    json_decref(vectors);
    return failed;
}
