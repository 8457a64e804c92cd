#include "url/pattern.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "url/pattern_priv.h"
#include "url/scheme.h"
#include "url/url.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

// Steps and texts of one pattern, of which the text is at most three times as long when it is encoded.
#define STEPS_MAX ((size_t)4 << 20)
#define TEXTS_MAX ((size_t)256 * 1024)
// Of one test, in nanoseconds or so. What is linear in the URL is always within it.
#define WORK_MAX 750000U
#define WORK_PER_BYTE 64U

struct url_pattern {
    size_t memory;
    struct component components[URL_COMPONENTS];
    struct steps steps; // in the memory behind
};

// The order in which a URL is tried: what differs most comes first.
static const enum url_component test_order[URL_COMPONENTS] = {
    URL_PATHNAME, URL_HOSTNAME, URL_PROTOCOL, URL_PORT, URL_SEARCH, URL_HASH, URL_USERNAME, URL_PASSWORD,
};

static const char *const names[URL_COMPONENTS] = {
    "protocol", "username", "password", "hostname", "port", "pathname", "search", "hash",
};

// While a pattern is made.
struct compiler {
    struct arena arena;
    struct buf steps;
    struct buf texts;
    bool ignores_case;
    struct url_pattern_init source;
    struct component components[URL_COMPONENTS];
    struct url_pattern_error error;
};

static void compiler_init(struct compiler *compiler, bool ignores_case)
{
    *compiler = (struct compiler){.ignores_case = ignores_case, .error = {"pattern", "it is malformed"}};
    arena_init(&compiler->arena, PATTERN_ARENA_MAX);
    buf_init(&compiler->steps, STEPS_MAX);
    buf_init(&compiler->texts, TEXTS_MAX);
}

static void compiler_done(struct compiler *compiler)
{
    for (size_t i = 0; i < URL_COMPONENTS; i++)
        component_done(&compiler->components[i]);
    buf_done(&compiler->steps);
    buf_done(&compiler->texts);
    arena_done(&compiler->arena);
}

static int matches_special_scheme(const struct component *component, const struct steps *steps,
                                  const char **reason)
{
    int matches = 0;
    uint64_t work = url_pattern_work(0);
    for (size_t i = 0; i < SPECIAL_SCHEMES && matches == 0; i++)
        matches = component_test(component, steps, special_schemes[i].name, &work);
    if (matches == HUB_E_TOO_BIG)
        *reason = "it takes too many steps to tell whether a scheme matches";
    return matches;
}

int protocol_matches_special_scheme(struct arena *arena, struct str text, const char **reason)
{
    struct buf steps;
    struct buf texts;
    buf_init(&steps, STEPS_MAX);
    buf_init(&texts, TEXTS_MAX);
    struct component_builder builder = {arena, &steps, &texts, 0};
    const struct pattern_syntax syntax = {.encode = encode_protocol};
    struct component component = {0};
    int result = component_compile(&component, &builder, text, &syntax, reason);
    if (!result) {
        struct steps built = component_builder_steps(&builder);
        result = matches_special_scheme(&component, &built, reason);
    }
    component_done(&component);
    buf_done(&steps);
    buf_done(&texts);
    return result;
}

// "Hostname pattern is an IPv6 address".
static bool is_ipv6_pattern(struct str text)
{
    return text.len >= 2 &&
           (text.ptr[0] == '[' || str_starts_with(text, STR("{[")) || str_starts_with(text, STR("\\[")));
}

struct pattern_syntax pattern_syntax_of(enum url_component component, struct str hostname, bool is_special,
                                        bool ignores_case)
{
    struct pattern_syntax syntax = {.ignores_case = component >= URL_PATHNAME && ignores_case};
    switch (component) {
    case URL_PROTOCOL:
        syntax.encode = encode_protocol;
        break;
    case URL_HOSTNAME:
        syntax.encode = is_ipv6_pattern(hostname) ? encode_ipv6_hostname : encode_hostname;
        syntax.delimiter = '.';
        break;
    case URL_PORT:
        syntax.encode = encode_port;
        break;
    case URL_PATHNAME:
        syntax.encode = is_special ? encode_pathname : encode_opaque_pathname;
        syntax.delimiter = syntax.prefix = is_special ? '/' : '\0';
        break;
    case URL_SEARCH:
        syntax.encode = encode_search;
        break;
    case URL_HASH:
        syntax.encode = encode_hash;
        break;
    case URL_USERNAME:
    case URL_PASSWORD:
    case URL_COMPONENTS:
    default:
        syntax.encode = encode_userinfo;
    }
    return syntax;
}

// Compiles the components of the source in their order: the syntax of the path depends on the protocol.
static int compile_components(struct compiler *compiler)
{
    struct component_builder builder = {&compiler->arena, &compiler->steps, &compiler->texts, 0};
    int is_special = 0;
    for (unsigned i = 0; i < URL_COMPONENTS; i++) {
        struct pattern_syntax syntax =
            pattern_syntax_of(i, compiler->source.text[URL_HOSTNAME], is_special, compiler->ignores_case);
        compiler->error.component = names[i];
        int err = component_compile(&compiler->components[i], &builder, compiler->source.text[i], &syntax,
                                    &compiler->error.reason);
        if (err)
            return err;
        if (i != URL_PROTOCOL)
            continue;
        struct steps steps = component_builder_steps(&builder);
        is_special = matches_special_scheme(&compiler->components[i], &steps, &compiler->error.reason);
        if (is_special < 0)
            return is_special;
    }
    return HUB_OK;
}

// One block: the pattern, the steps, the texts.
static int build(struct compiler *compiler, struct url_pattern **ret_pattern)
{
    size_t size = sizeof(struct url_pattern) + compiler->steps.len + compiler->texts.len;
    struct url_pattern *pattern = malloc(size);
    if (!pattern)
        return -ENOMEM;
    struct step *steps = (struct step *)(void *)(pattern + 1);
    char *texts = (char *)steps + compiler->steps.len;
    if (compiler->steps.len > 0)
        memcpy(steps, compiler->steps.ptr, compiler->steps.len);
    if (compiler->texts.len > 0)
        memcpy(texts, compiler->texts.ptr, compiler->texts.len);
    *pattern = (struct url_pattern){.memory = size, .steps = {steps, texts}};
    for (size_t i = 0; i < URL_COMPONENTS; i++) {
        pattern->components[i] = compiler->components[i];
        pattern->memory += component_regex_memory(&compiler->components[i]);
        compiler->components[i] = (struct component){0};
    }
    *ret_pattern = pattern;
    return HUB_OK;
}

static size_t total_len(const struct url_pattern_init *init)
{
    size_t len = 0;
    for (size_t i = 0; i < URL_COMPONENTS; i++)
        len += init->text[i].len;
    return len;
}

static bool are_utf8(const struct url_pattern_init *init)
{
    for (size_t i = 0; i < URL_COMPONENTS; i++) {
        if (!str_is_utf8(init->text[i]))
            return false;
    }
    return true;
}

static int check_sizes(struct compiler *compiler, size_t len, const struct url *base)
{
    size_t base_len =
        base ? base->scheme.len + base->host.len + base->path.len + base->query.len + base->fragment.len : 0;
    if (len <= URL_PATTERN_MAX && base_len <= URL_PATTERN_MAX)
        return HUB_OK;
    compiler->error.reason = len > URL_PATTERN_MAX ? "it is too long" : "its base URL is too long";
    return HUB_E_TOO_BIG;
}

static int compile_init(struct compiler *compiler, const struct url_pattern_init *init,
                        const struct url *base, struct url_pattern **ret_pattern)
{
    int err = check_sizes(compiler, total_len(init), base);
    if (err)
        return err;
    if (!are_utf8(init)) {
        compiler->error.reason = "it is not UTF-8";
        return HUB_E_INVALID;
    }
    err = init_process(&compiler->arena, init, base, &compiler->source);
    if (!err)
        err = compile_components(compiler);
    return err ? err : build(compiler, ret_pattern);
}

// "Create" with a string. One with a protocol takes nothing from the base. (The standard would still put the
// base's path before one that does not start with "/", so that "urn\:isbn\:*" could match no URL at all.)
static int compile_text(struct compiler *compiler, struct str text, const struct url *base,
                        struct url_pattern **ret_pattern)
{
    int err = check_sizes(compiler, text.len, base);
    if (err)
        return err;
    if (!str_is_utf8(text)) {
        compiler->error.reason = "it is not UTF-8";
        return HUB_E_INVALID;
    }
    struct url_pattern_init init;
    err = constructor_parse(&compiler->arena, text, &init, &compiler->error.reason);
    if (err)
        return err;
    if (!base && !init.text[URL_PROTOCOL].ptr) {
        compiler->error.reason = "it is relative, and there is no base URL";
        return HUB_E_INVALID;
    }
    return compile_init(compiler, &init, init.text[URL_PROTOCOL].ptr ? NULL : base, ret_pattern);
}

static int finish(struct compiler *compiler, int err, struct url_pattern_error *reterr)
{
    if (err && reterr)
        *reterr = compiler->error;
    compiler_done(compiler);
    return err;
}

int url_pattern_compile(struct url_pattern **ret_pattern, struct str text, const struct url *base,
                        bool ignore_case, struct url_pattern_error *reterr)
{
    struct compiler compiler;
    compiler_init(&compiler, ignore_case);
    int err = compile_text(&compiler, text.ptr ? text : STR(""), base, ret_pattern);
    return finish(&compiler, err, reterr);
}

int url_pattern_compile_init(struct url_pattern **ret_pattern, const struct url_pattern_init *init,
                             const struct url *base, bool ignore_case, struct url_pattern_error *reterr)
{
    struct compiler compiler;
    compiler_init(&compiler, ignore_case);
    int err = compile_init(&compiler, init, base, ret_pattern);
    return finish(&compiler, err, reterr);
}

void url_pattern_free(struct url_pattern *pattern)
{
    if (!pattern)
        return;
    for (size_t i = 0; i < URL_COMPONENTS; i++)
        component_done(&pattern->components[i]);
    free(pattern);
}

uint64_t url_pattern_work(size_t url_len)
{
    return WORK_MAX + WORK_PER_BYTE * (uint64_t)url_len;
}

int pattern_test_texts(const struct url_pattern *pattern, const struct str texts[URL_COMPONENTS],
                       uint64_t *work)
{
    for (size_t i = 0; i < URL_COMPONENTS; i++) {
        enum url_component component = test_order[i];
        int matches =
            component_test(&pattern->components[component], &pattern->steps, texts[component], work);
        if (matches != 1)
            return matches;
    }
    return 1;
}

// At most five digits, without a buffer's allocation.
static struct str port_text(int port, char digits[5])
{
    size_t at = 5;
    for (; port > 0 || (port == 0 && at == 5); port /= 10)
        digits[--at] = (char)('0' + port % 10);
    return str_make(digits + at, 5 - at);
}

int url_pattern_test(const struct url_pattern *pattern, const struct url *url, uint64_t *work)
{
    char port[5];
    const struct str texts[URL_COMPONENTS] = {
        [URL_PROTOCOL] = url->scheme,
        [URL_USERNAME] = url->username,
        [URL_PASSWORD] = url->password,
        [URL_HOSTNAME] = url->host,
        [URL_PORT] = port_text(url->port, port),
        [URL_PATHNAME] = url->path,
        [URL_SEARCH] = url->query,
        [URL_HASH] = url->fragment,
    };
    return pattern_test_texts(pattern, texts, work);
}

// The text that it starts with, if a step of it says so.
static struct str fixed_start(const struct url_pattern *pattern, const struct component *component)
{
    const struct step *first = &pattern->steps.steps[component->first_step];
    bool is_fixed = component->step_count > 0 && first->kind == STEP_TEXT &&
                    first->modifier == MODIFIER_NONE && !component->ignores_case;
    return is_fixed ? str_make(pattern->steps.texts + first->text, first->prefix_len) : STR("");
}

struct str url_pattern_literal(const struct url_pattern *pattern, enum url_component component)
{
    const struct component *wanted = &pattern->components[component];
    struct str start = fixed_start(pattern, wanted);
    bool is_literal = wanted->kind == COMPONENT_WALK &&
                      (wanted->step_count == 0 || (wanted->step_count == 1 && start.len > 0));
    return is_literal ? start : str_make(NULL, 0);
}

struct str url_pattern_start(const struct url_pattern *pattern, enum url_component component)
{
    return fixed_start(pattern, &pattern->components[component]);
}

bool pattern_has_regex(const struct url_pattern *pattern)
{
    for (size_t i = 0; i < URL_COMPONENTS; i++) {
        if (pattern->components[i].kind == COMPONENT_REGEX)
            return true;
    }
    return false;
}

size_t url_pattern_memory(const struct url_pattern *pattern)
{
    return pattern->memory;
}
