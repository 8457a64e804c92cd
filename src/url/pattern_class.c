#include "url/pattern_class.h"

#include "base/buf.h"
#include "base/err.h"

#include <string.h>

#define NEST_MAX 16

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static char peek(struct str in, size_t at)
{
    return at < in.len ? in.ptr[at] : '\0';
}

static bool set_has(const struct class_set *set, unsigned c)
{
    return (set->words[c / 64] >> (c % 64)) & 1;
}

static void set_add(struct class_set *set, unsigned c)
{
    if (c < CLASS_NOT_ASCII)
        set->words[c / 64] |= UINT64_C(1) << (c % 64);
}

// With ignored case a letter is there in both cases before anything is done with the set.
static void set_add_range(struct class_set *set, unsigned from, unsigned to, bool ignores_case)
{
    for (unsigned c = from; c <= to && c < CLASS_NOT_ASCII; c++) {
        set_add(set, c);
        if (ignores_case && is_alpha((char)c))
            set_add(set, c ^ 0x20);
    }
}

static void set_invert(struct class_set *set)
{
    set->words[0] = ~set->words[0];
    set->words[1] = ~set->words[1];
}

void class_append_char(struct buf *to, unsigned char c)
{
    if (is_digit((char)c) || is_alpha((char)c))
        buf_append_c(to, (char)c);
    else
        buf_printf(to, "\\x%02x", c);
}

void class_append(struct buf *to, const struct class_set *set)
{
    if ((set->words[0] | set->words[1]) == 0) {
        buf_append_str(to, STR("(?!)")); // nothing is in it
        return;
    }
    buf_append_c(to, '[');
    for (unsigned from = 0; from < CLASS_NOT_ASCII; from++) {
        if (!set_has(set, from))
            continue;
        unsigned end = from;
        while (end + 1 < CLASS_NOT_ASCII && set_has(set, end + 1))
            end++;
        class_append_char(to, (unsigned char)from);
        if (end > from) {
            buf_append_c(to, '-');
            class_append_char(to, (unsigned char)end);
        }
        from = end;
    }
    buf_append_c(to, ']');
}

// `count` hexadecimal digits, or -1.
static int read_hex(struct str in, size_t *at, unsigned count)
{
    int value = 0;
    for (; count > 0; count--) {
        int digit = str_hex_value(peek(in, *at));
        if (digit < 0)
            return HUB_E_INVALID;
        value = value * 16 + digit;
        ++*at;
    }
    return value < CLASS_NOT_ASCII ? value : CLASS_NOT_ASCII;
}

// \u{2F}
static int read_braced_hex(struct str in, size_t *at)
{
    int value = 0;
    size_t from = ++*at;
    for (int digit; (digit = str_hex_value(peek(in, *at))) >= 0; ++*at) {
        value = value * 16 + digit;
        if (value > 0x10FFFF)
            return HUB_E_INVALID;
    }
    if (*at == from || peek(in, (*at)++) != '}')
        return HUB_E_INVALID;
    return value < CLASS_NOT_ASCII ? value : CLASS_NOT_ASCII;
}

static int read_letter_escape(struct str in, size_t *at, char c)
{
    static const char letters[] = "fnrtv";
    static const char meanings[] = "\f\n\r\t\v";
    const char *letter = strchr(letters, c);
    if (letter)
        return meanings[letter - letters];
    switch (c) {
    case 'c':
        return is_alpha(peek(in, *at)) ? in.ptr[(*at)++] & 0x1F : HUB_E_INVALID;
    case 'x':
        return read_hex(in, at, 2);
    case 'u':
        return peek(in, *at) == '{' ? read_braced_hex(in, at) : read_hex(in, at, 4);
    default:
        return HUB_E_INVALID;
    }
}

int class_read_char_escape(struct str in, size_t *at)
{
    char c = peek(in, (*at)++);
    if (c == '0')
        return is_digit(peek(in, *at)) ? HUB_E_INVALID : 0;
    if (is_alpha(c))
        return read_letter_escape(in, at, c);
    // The standard allows fewer punctuation characters; all of them have one meaning only.
    return c > ' ' && c < 0x7F && c != '_' && !is_digit(c) ? c : HUB_E_INVALID;
}

bool class_read_set_escape(struct str in, size_t *at, struct class_set *ret_set)
{
    char c = peek(in, *at);
    *ret_set = (struct class_set){0};
    switch (c | 0x20) {
    case 'w':
        set_add_range(ret_set, 'a', 'z', true);
        set_add(ret_set, '_');
        set_add_range(ret_set, '0', '9', false);
        break;
    case 'd':
        set_add_range(ret_set, '0', '9', false);
        break;
    case 's':
        set_add_range(ret_set, '\t', '\r', false);
        set_add(ret_set, ' ');
        break;
    default:
        return false;
    }
    ++*at;
    if (!(c & 0x20))
        set_invert(ret_set);
    return true;
}

enum join {
    JOIN_UNION,
    JOIN_BOTH,  // "&&"
    JOIN_MINUS, // "--"
};

// A class that is open.
struct level {
    struct class_set set;
    bool is_negated;
    enum join join;
    unsigned operands; // a range counts twice, for it may not stand beside an operator
    bool wants_operand;
};

struct class_reader {
    struct str in;
    size_t at;
    bool ignores_case;
    struct level levels[NEST_MAX];
    unsigned depth;
    const char **reason;
};

static int fail(struct class_reader *reader, const char *reason)
{
    *reader->reason = reason;
    return HUB_E_INVALID;
}

static struct level *top(struct class_reader *reader)
{
    return &reader->levels[reader->depth - 1];
}

static int add_operand(struct class_reader *reader, const struct class_set *set, unsigned count)
{
    struct level *level = top(reader);
    bool combines = level->join != JOIN_UNION;
    if (combines && (!level->wants_operand || count > 1))
        return fail(reader, "a class mixes \"&&\" or \"--\" with other operands (write one in brackets)");
    for (unsigned i = 0; i < 2; i++) {
        if (level->join == JOIN_UNION)
            level->set.words[i] |= set->words[i];
        else if (level->join == JOIN_BOTH)
            level->set.words[i] &= set->words[i];
        else
            level->set.words[i] &= ~set->words[i];
    }
    level->operands += count;
    level->wants_operand = false;
    return HUB_OK;
}

static int add_operator(struct class_reader *reader, enum join join)
{
    struct level *level = top(reader);
    bool follows_one =
        level->join == JOIN_UNION ? level->operands == 1 : level->join == join && !level->wants_operand;
    if (!follows_one)
        return fail(reader, "a class mixes \"&&\" or \"--\" with other operands (write one in brackets)");
    level->join = join;
    level->wants_operand = true;
    reader->at += 2;
    return HUB_OK;
}

static int open_level(struct class_reader *reader)
{
    if (reader->depth == NEST_MAX) {
        *reader->reason = "a class is nested too deeply";
        return HUB_E_TOO_BIG;
    }
    reader->at++;
    reader->levels[reader->depth++] = (struct level){.is_negated = peek(reader->in, reader->at) == '^'};
    reader->at += top(reader)->is_negated;
    return HUB_OK;
}

static int close_level(struct class_reader *reader)
{
    struct level *level = top(reader);
    if (level->wants_operand)
        return fail(reader, "nothing follows \"&&\" or \"--\" in a class");
    if (level->is_negated)
        set_invert(&level->set);
    reader->at++;
    reader->depth--;
    return reader->depth > 0 ? add_operand(reader, &level->set, 1) : HUB_OK;
}

// A "-" stands for itself only beside a bracket.
static bool is_stray_hyphen(const struct class_reader *reader, char c)
{
    const struct level *level = &reader->levels[reader->depth - 1];
    return c == '-' && level->operands > 0 && peek(reader->in, reader->at) != ']';
}

static int read_char(struct class_reader *reader)
{
    char c = peek(reader->in, reader->at++);
    if (c == '\\') {
        int value = class_read_char_escape(reader->in, &reader->at);
        return value >= 0 ? value : fail(reader, "a class holds an unknown escape");
    }
    if (is_stray_hyphen(reader, c))
        return fail(reader, "a \"-\" in a class is between no two characters (write \"\\-\")");
    return (unsigned char)c;
}

static bool at_range_hyphen(const struct class_reader *reader)
{
    char next = peek(reader->in, reader->at + 1);
    return peek(reader->in, reader->at) == '-' && reader->at + 1 < reader->in.len && next != '-' &&
           next != ']' && next != '[';
}

static int read_range(struct class_reader *reader)
{
    struct class_set set = {0};
    int from = read_char(reader);
    if (from < 0)
        return from;
    if (!at_range_hyphen(reader)) {
        set_add_range(&set, (unsigned)from, (unsigned)from, reader->ignores_case);
        return add_operand(reader, &set, 1);
    }
    reader->at++;
    int to = read_char(reader);
    if (to < 0)
        return to;
    if (to < from)
        return fail(reader, "a range in a class goes backwards");
    set_add_range(&set, (unsigned)from, (unsigned)to, reader->ignores_case);
    return add_operand(reader, &set, 2);
}

static bool at_pair(const struct class_reader *reader, char c)
{
    return peek(reader->in, reader->at) == c && peek(reader->in, reader->at + 1) == c;
}

static int read_next(struct class_reader *reader)
{
    char c = peek(reader->in, reader->at);
    if (c == '[')
        return open_level(reader);
    if (c == ']')
        return close_level(reader);
    if (at_pair(reader, '&'))
        return add_operator(reader, JOIN_BOTH);
    if (at_pair(reader, '-'))
        return add_operator(reader, JOIN_MINUS);
    struct class_set set;
    size_t at = reader->at + 1;
    if (c != '\\' || !class_read_set_escape(reader->in, &at, &set))
        return read_range(reader);
    reader->at = at;
    return add_operand(reader, &set, 1);
}

int class_read(struct str in, size_t *at, bool ignores_case, struct class_set *ret_set, const char **reason)
{
    struct class_reader reader = {.in = in, .at = *at, .ignores_case = ignores_case, .reason = reason};
    do {
        int err = reader.at < in.len ? read_next(&reader) : fail(&reader, "a \"[\" has no \"]\"");
        if (err)
            return err;
    } while (reader.depth > 0);
    *at = reader.at;
    *ret_set = reader.levels[0].set;
    return HUB_OK;
}
