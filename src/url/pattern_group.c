// Custom groups are regular expressions in JavaScript's language with the "v" flag, and PCRE2 matches them.
// We read the one language and write what means the same in the other, so nothing that only PCRE2 knows gets
// through. Refused is what has no bound on its work or no use on the ASCII of a parsed URL: lookaround,
// backreferences, groups with flags, \p and \q.
#include "base/buf.h"
#include "base/err.h"
#include "url/pattern_class.h"
#include "url/pattern_priv.h"

// PCRE2's own limit.
#define REPEAT_MAX 65535

struct translator {
    struct str in;
    size_t at;
    struct buf *to;
    bool ignores_case;
    bool can_repeat; // what was written last may have a quantifier
    unsigned depth;
    const char **reason;
};

static int fail(struct translator *translator, const char *reason)
{
    *translator->reason = reason;
    return HUB_E_INVALID;
}

static char peek(const struct translator *translator, size_t ahead)
{
    size_t at = translator->at + ahead;
    return at < translator->in.len ? translator->in.ptr[at] : '\0';
}

// Writes `text` for the `len` characters here.
static int replace(struct translator *translator, size_t len, const char *text, bool can_repeat)
{
    translator->at += len;
    buf_append_str(translator->to, str_from_c(text));
    translator->can_repeat = can_repeat;
    return HUB_OK;
}

// Whatever leaves a choice is followed by a place where its work is counted.
static int replace_choice(struct translator *translator, size_t len, const char *text)
{
    int err = replace(translator, len, text, false);
    buf_append_str(translator->to, STR(REGEXP_COUNT));
    return err;
}

// (?<name>...): nothing refers to it.
static int read_group_name(struct translator *translator)
{
    size_t end = str_find(translator->in, translator->at, '>');
    size_t from = translator->at + 3;
    for (size_t i = from; i < end; i++) {
        if (!token_is_name_char((unsigned char)translator->in.ptr[i], i == from))
            return fail(translator, "the name of a group in a custom group is malformed");
    }
    if (end == translator->in.len || end <= from)
        return fail(translator, "the name of a group in a custom group is malformed");
    return replace_choice(translator, end + 1 - translator->at, "(?:");
}

static int open_group(struct translator *translator)
{
    char kind = peek(translator, 2);
    char next = peek(translator, 3);
    translator->depth++;
    if (peek(translator, 1) == '?' && kind == ':')
        return replace_choice(translator, 3, "(?:");
    if (kind == '=' || kind == '!' || (kind == '<' && (next == '=' || next == '!')))
        return fail(translator, "a custom group holds lookaround, which is not supported");
    if (peek(translator, 1) == '?' && kind == '<')
        return read_group_name(translator);
    return fail(translator, "a custom group holds an unknown kind of group (write \"(?:...)\")");
}

static int close_group(struct translator *translator)
{
    if (translator->depth == 0)
        return fail(translator, "a custom group holds a \")\" without a \"(\"");
    translator->depth--;
    return replace(translator, 1, ")", true);
}

static int write_set(struct translator *translator, const struct class_set *set)
{
    class_append(translator->to, set);
    translator->can_repeat = true;
    return HUB_OK;
}

static int translate_class(struct translator *translator)
{
    struct class_set set;
    int err = class_read(translator->in, &translator->at, translator->ignores_case, &set, translator->reason);
    return err ? err : write_set(translator, &set);
}

static int write_char(struct translator *translator, int c)
{
    const struct class_set nothing = {0};
    if (c == CLASS_NOT_ASCII)
        return write_set(translator, &nothing);
    class_append_char(translator->to, (unsigned char)c);
    translator->can_repeat = true;
    return HUB_OK;
}

static int translate_escape(struct translator *translator)
{
    char c = peek(translator, 1);
    if (c == 'b')
        return replace(translator, 2, "\\b", false);
    if (c == 'B')
        return replace(translator, 2, "\\B", false);
    if ((c >= '1' && c <= '9') || c == 'k')
        return fail(translator, "a custom group holds a backreference, which is not supported");
    translator->at++;
    struct class_set set;
    if (class_read_set_escape(translator->in, &translator->at, &set))
        return write_set(translator, &set);
    int value = class_read_char_escape(translator->in, &translator->at);
    return value >= 0 ? write_char(translator, value)
                      : fail(translator, "a custom group holds an unknown escape");
}

// A number, or -1 when there is none, or more than REPEAT_MAX.
static int read_number(struct translator *translator)
{
    int value = -1;
    for (char c; (c = peek(translator, 0)) >= '0' && c <= '9'; translator->at++) {
        value = (value < 0 ? 0 : value) * 10 + (c - '0');
        value = value > REPEAT_MAX ? REPEAT_MAX + 1 : value;
    }
    return value;
}

// {2}, {2,} or {2,4}
static int translate_braces(struct translator *translator)
{
    translator->at++;
    int from = read_number(translator);
    bool has_comma = peek(translator, 0) == ',';
    translator->at += has_comma;
    int to = has_comma ? read_number(translator) : from;
    if (from < 0 || peek(translator, 0) != '}' || (to >= 0 && to < from))
        return fail(translator,
                    "a quantifier in a custom group is malformed (write \"\\{\" for the character)");
    if (from > REPEAT_MAX || to > REPEAT_MAX) {
        *translator->reason = "a quantifier in a custom group is too large";
        return HUB_E_TOO_BIG;
    }
    translator->at++;
    buf_printf(translator->to, has_comma ? "{%d," : "{%d", from);
    if (has_comma && to >= 0)
        buf_printf(translator->to, "%d", to);
    buf_append_c(translator->to, '}');
    return HUB_OK;
}

static int translate_quantifier(struct translator *translator)
{
    if (!translator->can_repeat)
        return fail(translator, "a quantifier in a custom group follows nothing that can repeat");
    if (peek(translator, 0) == '{') {
        int err = translate_braces(translator);
        if (err)
            return err;
    } else {
        buf_append_c(translator->to, peek(translator, 0));
        translator->at++;
    }
    translator->can_repeat = false;
    bool is_lazy = peek(translator, 0) == '?';
    return replace_choice(translator, is_lazy ? 1 : 0, is_lazy ? "?" : "");
}

static int translate_next(struct translator *translator)
{
    char c = peek(translator, 0);
    switch (c) {
    case '(':
        return open_group(translator);
    case ')':
        return close_group(translator);
    case '[':
        return translate_class(translator);
    case '\\':
        return translate_escape(translator);
    case '*':
    case '+':
    case '?':
    case '{':
        return translate_quantifier(translator);
    case '|':
        return replace_choice(translator, 1, "|");
    case '.':
        return replace(translator, 1, ".", true);
    case '^':
        return replace(translator, 1, "\\A", false);
    case '$':
        return replace(translator, 1, "\\z", false);
    case ']':
    case '}':
        return fail(translator, "a custom group holds a \"]\" or \"}\" alone (write \"\\]\" or \"\\}\")");
    default:
        translator->at++;
        return write_char(translator, (unsigned char)c);
    }
}

int group_append_regexp(struct buf *to, struct str source, bool ignores_case, const char **reason)
{
    buf_append_str(to, STR(REGEXP_COUNT));
    struct translator translator = {.in = source, .to = to, .ignores_case = ignores_case, .reason = reason};
    while (translator.at < source.len) {
        int err = translate_next(&translator);
        if (err)
            return err;
    }
    return translator.depth == 0 ? HUB_OK : fail(&translator, "a custom group holds a \"(\" without a \")\"");
}
