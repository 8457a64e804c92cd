// PCRE2 is told of 8-bit characters in every file that includes it.
#define PCRE2_CODE_UNIT_WIDTH 8

#include "base/buf.h"
#include "base/err.h"
#include "url/pattern_priv.h"

#include <errno.h>
#include <pcre2.h>
#include <stdlib.h>

// In PCRE2's language, where one character may become an expression of many.
#define REGEX_TEXT_MAX ((size_t)256 * 1024)
#define REGEX_NEST_MAX 100
#define CHOICES_MAX 400U // of one pattern
// Bytes of PCRE2's own code, from which machine code is made.
#define REGEX_CODE_MAX ((size_t)24 * 1024)
// Limits on one match behind the one on its work, which is reached first. Depth is in steps, memory in KiB.
#define MATCH_STEPS_MAX 1000000
#define MATCH_MEMORY_MAX 4096
// Bytes for machine code to come back with, when those on the thread's own stack are not enough.
#define STACK_MIN ((size_t)64 * 1024)
#define STACK_MAX ((size_t)4 * 1024 * 1024)
// What it takes to come by a REGEXP_COUNT; each byte that was read since the last one is one more.
#define WORK_OF_COUNT 16U

struct component_regex {
    pcre2_code *code;
    pcre2_match_context *limits; // of one match
};

static void append_step(struct component *component, struct component_builder *builder,
                        const struct step *step)
{
    buf_append(builder->steps, step, sizeof(*step));
    component->step_count++;
}

static void append_text(struct component *component, struct component_builder *builder, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool is_upper = component->ignores_case && c >= 'A' && c <= 'Z';
        buf_append_c(builder->texts, is_upper ? (char)(c | 0x20) : c);
    }
}

// Text that must be there; it joins a step of such text before it.
static void append_fixed_text(struct component *component, struct component_builder *builder, struct str text)
{
    if (text.len == 0)
        return;
    struct step step = {
        .kind = STEP_TEXT, .text = (uint32_t)builder->texts->len, .prefix_len = (uint32_t)text.len};
    append_text(component, builder, text);
    struct step *last = NULL;
    if (component->step_count > 0 && !builder->steps->err)
        last = (struct step *)(void *)(builder->steps->ptr + builder->steps->len) - 1;
    if (last && last->kind == STEP_TEXT && last->modifier == MODIFIER_NONE)
        last->prefix_len += (uint32_t)text.len;
    else
        append_step(component, builder, &step);
}

static enum step_kind kind_of(const struct part *part)
{
    switch (part->type) {
    case PART_FIXED_TEXT:
        return STEP_TEXT;
    case PART_SEGMENT_WILDCARD:
        return STEP_SEGMENT;
    case PART_FULL_WILDCARD:
    case PART_REGEXP:
    default:
        return STEP_ANYTHING;
    }
}

// A part that may be missing or come again stays in one piece.
static void append_part_with_modifier(struct component *component, struct component_builder *builder,
                                      const struct part *part)
{
    struct str prefix = part->type == PART_FIXED_TEXT ? part->value : part->prefix;
    struct step step = {kind_of(part), part->modifier, (uint32_t)builder->texts->len, (uint32_t)prefix.len,
                        (uint32_t)part->suffix.len};
    append_text(component, builder, prefix);
    append_text(component, builder, part->suffix);
    append_step(component, builder, &step);
}

static void append_part(struct component *component, struct component_builder *builder,
                        const struct part *whole, const struct pattern_syntax *syntax)
{
    struct part part = *whole;
    part.modifier = part_least_modifier(whole, syntax);
    if (part.modifier != MODIFIER_NONE) {
        append_part_with_modifier(component, builder, &part);
    } else if (part.type == PART_FIXED_TEXT) {
        append_fixed_text(component, builder, part.value);
    } else {
        struct step step = {.kind = kind_of(&part)};
        append_fixed_text(component, builder, part.prefix);
        append_step(component, builder, &step);
        append_fixed_text(component, builder, part.suffix);
    }
}

struct steps component_builder_steps(const struct component_builder *builder)
{
    static const struct step nothing; // no pointer into nothing is NULL
    return (struct steps){
        builder->steps->ptr ? (const struct step *)(void *)builder->steps->ptr : &nothing,
        builder->texts->ptr ? builder->texts->ptr : "",
    };
}

static int compile_steps(struct component *component, struct component_builder *builder,
                         const struct part *parts, const struct pattern_syntax *syntax)
{
    for (; parts; parts = parts->next)
        append_part(component, builder, parts, syntax);
    if (builder->steps->err || builder->texts->err)
        return -ENOMEM;
    struct steps steps = component_builder_steps(builder);
    component->kind = steps_can_walk(component, &steps) ? COMPONENT_WALK : COMPONENT_SETS;
    return HUB_OK;
}

static int compile_error(int code, const char **reason)
{
    switch (code) {
    case PCRE2_ERROR_HEAP_FAILED:
        return -ENOMEM;
    case PCRE2_ERROR_PATTERN_TOO_LARGE:
    case PCRE2_ERROR_PATTERN_STRING_TOO_LONG:
    case PCRE2_ERROR_PARENTHESES_NEST_TOO_DEEP:
    case PCRE2_ERROR_PATTERN_TOO_COMPLICATED:
    case PCRE2_ERROR_QUANTIFIER_TOO_BIG:
    case PCRE2_ERROR_PARENTHESES_STACK_CHECK:
        *reason = "a custom group is too large or too deeply nested";
        return HUB_E_TOO_BIG;
    default:
        *reason = "a custom group is no regular expression";
        return HUB_E_INVALID;
    }
}

static size_t code_memory(const pcre2_code *code, uint32_t what)
{
    size_t size = 0;
    (void)pcre2_pattern_info(code, what, &size);
    return size;
}

size_t component_regex_memory(const struct component *component)
{
    const struct component_regex *regex = component->regex;
    if (!regex)
        return 0;
    return sizeof(*regex) + code_memory(regex->code, PCRE2_INFO_SIZE) +
           code_memory(regex->code, PCRE2_INFO_JITSIZE);
}

// The work of the match that this thread is in: limits are shared by threads.
static _Thread_local struct {
    uint64_t left;
    size_t at;              // where it was counted last
    pcre2_jit_stack *stack; // NULL: a part of the thread's own
} counted;

// Between two of these PCRE2 reads forward at most once: whatever it comes back to is followed by one.
static int count_work(pcre2_callout_block *block, void *arg)
{
    (void)arg;
    size_t at = block->current_position;
    uint64_t done = WORK_OF_COUNT + (at > counted.at ? at - counted.at : 0);
    counted.at = at;
    if (done > counted.left)
        return PCRE2_ERROR_CALLOUT;
    counted.left -= done;
    return 0;
}

static pcre2_jit_stack *stack_of_match(void *arg)
{
    (void)arg;
    return counted.stack;
}

static int set_limits(struct component_regex *regex)
{
    regex->limits = pcre2_match_context_create(NULL);
    if (!regex->limits)
        return -ENOMEM;
    (void)pcre2_set_match_limit(regex->limits, MATCH_STEPS_MAX);
    (void)pcre2_set_depth_limit(regex->limits, MATCH_STEPS_MAX);
    (void)pcre2_set_heap_limit(regex->limits, MATCH_MEMORY_MAX);
    (void)pcre2_set_callout(regex->limits, count_work, NULL);
    pcre2_jit_stack_assign(regex->limits, stack_of_match, NULL);
    return HUB_OK;
}

static int compile_code(struct component_regex *regex, struct str text, bool ignores_case,
                        const char **reason)
{
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    if (!context)
        return -ENOMEM;
    pcre2_set_max_pattern_length(context, REGEX_TEXT_MAX);
    pcre2_set_parens_nest_limit(context, REGEX_NEST_MAX);
    uint32_t options = PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_DOTALL | PCRE2_DOLLAR_ENDONLY |
                       PCRE2_NEVER_UTF | PCRE2_NEVER_UCP | PCRE2_NEVER_BACKSLASH_C;
    int code;
    size_t at;
    regex->code = pcre2_compile((PCRE2_SPTR)text.ptr, text.len, options | (ignores_case ? PCRE2_CASELESS : 0),
                                &code, &at, context);
    pcre2_compile_context_free(context);
    return regex->code ? HUB_OK : compile_error(code, reason);
}

static int compile_regex_text(struct component *component, struct str text, const char **reason)
{
    component->regex = calloc(1, sizeof(*component->regex));
    if (!component->regex)
        return -ENOMEM;
    int err = compile_code(component->regex, text, component->ignores_case, reason);
    if (!err && code_memory(component->regex->code, PCRE2_INFO_SIZE) > REGEX_CODE_MAX) {
        *reason = "a custom group is too large or too deeply nested";
        err = HUB_E_TOO_BIG;
    }
    if (!err)
        err = set_limits(component->regex);
    if (!err)
        (void)pcre2_jit_compile(component->regex->code, PCRE2_JIT_COMPLETE);
    return err;
}

// The text that each match starts with, for those who ask.
static void append_start(struct component *component, struct component_builder *builder,
                         const struct part *parts)
{
    for (; parts && parts->modifier == MODIFIER_NONE; parts = parts->next) {
        bool is_fixed = parts->type == PART_FIXED_TEXT;
        append_fixed_text(component, builder, is_fixed ? parts->value : parts->prefix);
        if (!is_fixed)
            return;
    }
}

// Each REGEXP_COUNT: PCRE2 takes microseconds to make machine code for what is between two.
static int check_choices(struct component_builder *builder, struct str text, const char **reason)
{
    for (size_t at = str_find(text, 0, '?'); at < text.len; at = str_find(text, at + 1, '?'))
        builder->choices += at + 1 < text.len && text.ptr[at + 1] == 'C';
    if (builder->choices <= CHOICES_MAX)
        return HUB_OK;
    *reason = "there are too many groups, alternatives and quantifiers beside custom groups (max 400)";
    return HUB_E_TOO_BIG;
}

static int compile_regex(struct component *component, struct component_builder *builder,
                         const struct part *parts, const struct pattern_syntax *syntax, const char **reason)
{
    component->kind = COMPONENT_REGEX;
    append_start(component, builder, parts);
    if (builder->steps->err || builder->texts->err)
        return -ENOMEM;
    struct buf text;
    buf_init(&text, REGEX_TEXT_MAX);
    int err = regexp_append_parts(&text, parts, syntax, false, reason);
    if (!err)
        err = check_choices(builder, buf_str(&text), reason);
    if (!err)
        err = compile_regex_text(component, buf_str(&text), reason);
    buf_done(&text);
    return err;
}

static bool has_custom_group(const struct part *parts)
{
    while (parts && parts->type != PART_REGEXP)
        parts = parts->next;
    return parts != NULL;
}

int component_compile(struct component *component, struct component_builder *builder, struct str text,
                      const struct pattern_syntax *syntax, const char **reason)
{
    *component = (struct component){
        .delimiter = syntax->delimiter,
        .ignores_case = syntax->ignores_case,
        .first_step = (uint32_t)(builder->steps->len / sizeof(struct step)),
    };
    struct part *parts;
    int err = parts_parse(builder->arena, text, syntax, &parts, reason);
    if (err)
        return err;
    if (has_custom_group(parts))
        return compile_regex(component, builder, parts, syntax, reason);
    return compile_steps(component, builder, parts, syntax);
}

void component_done(struct component *component)
{
    if (!component->regex)
        return;
    pcre2_match_context_free(component->regex->limits);
    pcre2_code_free(component->regex->code);
    free(component->regex);
    component->regex = NULL;
}

static int match_result(int code)
{
    if (code >= 0)
        return 1;
    switch (code) {
    case PCRE2_ERROR_NOMATCH:
        return 0;
    case PCRE2_ERROR_NOMEMORY:
        return -ENOMEM;
    default: // one of the limits
        return HUB_E_TOO_BIG;
    }
}

static int match_once(const struct component_regex *regex, struct str text, uint64_t *work,
                      pcre2_match_data *data)
{
    counted.left = *work;
    counted.at = 0;
    int code = pcre2_match(regex->code, (PCRE2_SPTR)text.ptr, text.len, 0, 0, data, regex->limits);
    if (code != PCRE2_ERROR_JIT_STACKLIMIT)
        *work = counted.left;
    return code;
}

// A long text may need more of a stack for an expression that is not hostile.
static int match_with_stack(const struct component_regex *regex, struct str text, uint64_t *work,
                            pcre2_match_data *data)
{
    counted.stack = pcre2_jit_stack_create(STACK_MIN, STACK_MAX, NULL);
    if (!counted.stack)
        return PCRE2_ERROR_NOMEMORY;
    int code = match_once(regex, text, work, data);
    pcre2_jit_stack_free(counted.stack);
    counted.stack = NULL;
    return code;
}

static int match_regex(const struct component_regex *regex, struct str text, uint64_t *work)
{
    pcre2_match_data *data = pcre2_match_data_create(1, NULL);
    if (!data)
        return -ENOMEM;
    struct str subject = text.len > 0 ? text : STR("");
    int code = match_once(regex, subject, work, data);
    if (code == PCRE2_ERROR_JIT_STACKLIMIT)
        code = match_with_stack(regex, subject, work, data);
    if (code < 0 && code != PCRE2_ERROR_NOMATCH)
        *work = 0;
    pcre2_match_data_free(data);
    return match_result(code);
}

int component_test(const struct component *component, const struct steps *steps, struct str text,
                   uint64_t *work)
{
    switch (component->kind) {
    case COMPONENT_WALK:
        return steps_walk(component, steps, text);
    case COMPONENT_SETS:
        return steps_match_sets(component, steps, text, work);
    case COMPONENT_REGEX:
    default:
        return match_regex(component->regex, text, work);
    }
}
