#include "base/buf.h"
#include "base/err.h"
#include "url/pattern_class.h"
#include "url/pattern_priv.h"

static void append_text(struct buf *to, struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        class_append_char(to, (unsigned char)text.ptr[i]);
}

static void append_modifier(struct buf *to, enum part_modifier modifier)
{
    static const char *const signs[] = {"", "?", "*", "+"};
    buf_append_str(to, str_from_c(signs[modifier]));
    if (modifier != MODIFIER_NONE)
        buf_append_str(to, STR(REGEXP_COUNT));
}

// What a part without its prefix, suffix and modifier matches.
static int append_value(struct buf *to, const struct part *part, const struct pattern_syntax *syntax,
                        const char **reason)
{
    if (part->type == PART_REGEXP)
        return group_append_regexp(to, part->value, syntax->ignores_case, reason);
    if (part->type == PART_FULL_WILDCARD) {
        buf_append_str(to, STR(".*" REGEXP_COUNT));
    } else if (syntax->delimiter == '\0') {
        buf_append_str(to, STR(".+?" REGEXP_COUNT));
    } else {
        buf_append_str(to, STR("[^"));
        class_append_char(to, (unsigned char)syntax->delimiter);
        buf_append_str(to, STR("]+?" REGEXP_COUNT));
    }
    return HUB_OK;
}

struct part_writer {
    struct buf *to;
    const struct pattern_syntax *syntax;
    bool captures;
    const char **reason;
};

static void open_capture(struct part_writer *writer)
{
    buf_append_str(writer->to, writer->captures ? STR("(") : STR("(?:"));
}

// `(<value>)<modifier>` or `((?:<value>)<modifier>)`
static int append_bare(struct part_writer *writer, const struct part *part)
{
    bool repeats = part->modifier >= MODIFIER_ZERO_OR_MORE;
    open_capture(writer);
    if (repeats)
        buf_append_str(writer->to, STR("(?:"));
    int err = append_value(writer->to, part, writer->syntax, writer->reason);
    buf_append_c(writer->to, ')');
    append_modifier(writer->to, part->modifier);
    if (repeats)
        buf_append_c(writer->to, ')');
    return err;
}

// `(?:<prefix>(<value>)<suffix>)<modifier>`
static int append_once(struct part_writer *writer, const struct part *part)
{
    buf_append_str(writer->to, STR("(?:"));
    append_text(writer->to, part->prefix);
    open_capture(writer);
    int err = append_value(writer->to, part, writer->syntax, writer->reason);
    buf_append_c(writer->to, ')');
    append_text(writer->to, part->suffix);
    buf_append_c(writer->to, ')');
    append_modifier(writer->to, part->modifier);
    return err;
}

// `(?:<prefix>((?:<value>)(?:<suffix><prefix>(?:<value>))*)<suffix>)?`
static int append_repeated(struct part_writer *writer, const struct part *part)
{
    struct buf *to = writer->to;
    buf_append_str(to, STR("(?:"));
    append_text(to, part->prefix);
    open_capture(writer);
    buf_append_str(to, STR("(?:"));
    int err = append_value(to, part, writer->syntax, writer->reason);
    if (err)
        return err;
    buf_append_str(to, STR(")(?:" REGEXP_COUNT));
    append_text(to, part->suffix);
    append_text(to, part->prefix);
    buf_append_str(to, STR("(?:"));
    err = append_value(to, part, writer->syntax, writer->reason);
    buf_append_str(to, STR("))*" REGEXP_COUNT ")"));
    append_text(to, part->suffix);
    buf_append_c(to, ')');
    if (part->modifier == MODIFIER_ZERO_OR_MORE)
        buf_append_str(to, STR("?" REGEXP_COUNT));
    return err;
}

static int append_wildcard_part(struct part_writer *writer, const struct part *whole)
{
    struct part part = *whole;
    if (!writer->captures)
        part.modifier = part_least_modifier(whole, writer->syntax);
    if (part.prefix.len == 0 && part.suffix.len == 0)
        return append_bare(writer, &part);
    return part.modifier >= MODIFIER_ZERO_OR_MORE ? append_repeated(writer, &part)
                                                  : append_once(writer, &part);
}

static int append_part(struct part_writer *writer, const struct part *part)
{
    if (part->type == PART_FIXED_TEXT) {
        bool is_plain = part->modifier == MODIFIER_NONE;
        buf_append_str(writer->to, is_plain ? STR("") : STR("(?:"));
        append_text(writer->to, part->value);
        buf_append_str(writer->to, is_plain ? STR("") : STR(")"));
        append_modifier(writer->to, part->modifier);
        return HUB_OK;
    }
    return append_wildcard_part(writer, part);
}

int regexp_append_parts(struct buf *to, const struct part *parts, const struct pattern_syntax *syntax,
                        bool captures, const char **reason)
{
    struct part_writer writer = {to, syntax, captures, reason};
    for (; parts; parts = parts->next) {
        int err = append_part(&writer, parts);
        if (err)
            return err;
    }
    if (to->err == HUB_E_TOO_BIG)
        *reason = "a custom group is too large";
    return to->err;
}
