#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/hash.h"
#include "url/pattern_priv.h"

#include <errno.h>

// Fixed text is shorter than the pattern, and three times as long when it is all encoded.
#define TEXT_MAX ((size_t)64 * 1024)

// The standard's "pattern parser".
struct pattern_parser {
    struct arena *arena;
    const struct pattern_syntax *syntax;
    const struct token *token; // the next one
    struct part *parts;
    struct part **end;  // where the next part goes
    struct buf pending; // "pending fixed value"
    struct buf encoded;
    unsigned next_number; // "next numeric name"
    const char **reason;
};

static int fail(struct pattern_parser *parser, const char *reason)
{
    *parser->reason = reason;
    return HUB_E_INVALID;
}

static const struct token *try_consume(struct pattern_parser *parser, enum token_type type)
{
    if (parser->token->type != type)
        return NULL;
    return parser->token++;
}

static const struct token *try_consume_modifier(struct pattern_parser *parser)
{
    const struct token *token = try_consume(parser, TOKEN_OTHER_MODIFIER);
    return token ? token : try_consume(parser, TOKEN_ASTERISK);
}

static const struct token *try_consume_regexp_or_wildcard(struct pattern_parser *parser,
                                                          const struct token *name)
{
    const struct token *token = try_consume(parser, TOKEN_REGEXP);
    return token || name ? token : try_consume(parser, TOKEN_ASTERISK);
}

static const struct token *try_consume_text(struct pattern_parser *parser)
{
    const struct token *token = try_consume(parser, TOKEN_CHAR);
    return token ? token : try_consume(parser, TOKEN_ESCAPED_CHAR);
}

// "Consume text": the result is in the arena.
static int consume_text(struct pattern_parser *parser, struct str *ret_text)
{
    struct buf text;
    buf_init(&text, TEXT_MAX);
    for (const struct token *token; (token = try_consume_text(parser)) != NULL;)
        buf_append_str(&text, token->value);
    *ret_text = arena_dup(parser->arena, buf_str(&text));
    int err = text.err ? text.err : ret_text->ptr ? HUB_OK : -ENOMEM;
    buf_done(&text);
    return err;
}

static int encode(struct pattern_parser *parser, struct str text, struct str *ret_encoded)
{
    *ret_encoded = STR("");
    if (text.len == 0)
        return HUB_OK;
    buf_clear(&parser->encoded);
    int err = parser->syntax->encode(&parser->encoded, text);
    if (err == HUB_E_INVALID)
        return fail(parser, "it holds what this component of a URL cannot hold");
    if (err)
        return err;
    *ret_encoded = arena_dup(parser->arena, buf_str(&parser->encoded));
    return ret_encoded->ptr ? HUB_OK : -ENOMEM;
}

static int append_part(struct pattern_parser *parser, const struct part *part)
{
    struct part *copy = arena_alloc(parser->arena, sizeof(*copy));
    if (!copy)
        return -ENOMEM;
    *copy = *part;
    copy->next = NULL;
    *parser->end = copy;
    parser->end = &copy->next;
    return HUB_OK;
}

static int append_fixed_text(struct pattern_parser *parser, struct str text, enum part_modifier modifier)
{
    struct part part = {.type = PART_FIXED_TEXT, .modifier = modifier};
    int err = encode(parser, text, &part.value);
    return err ? err : append_part(parser, &part);
}

// "Maybe add a part from the pending fixed value".
static int flush_pending(struct pattern_parser *parser)
{
    if (parser->pending.err || parser->pending.len == 0)
        return parser->pending.err;
    int err = append_fixed_text(parser, buf_str(&parser->pending), MODIFIER_NONE);
    buf_clear(&parser->pending);
    return err;
}

static enum part_modifier modifier_of(const struct token *token)
{
    if (!token)
        return MODIFIER_NONE;
    switch (token->value.ptr[0]) {
    case '?':
        return MODIFIER_OPTIONAL;
    case '*':
        return MODIFIER_ZERO_OR_MORE;
    default:
        return MODIFIER_ONE_OR_MORE;
    }
}

// Whether the source of a regular expression is the one of "generate a segment wildcard regexp".
static bool is_segment_wildcard(const struct pattern_parser *parser, struct str source)
{
    char delimiter = parser->syntax->delimiter;
    char expected[] = "[^\\x]+?"; // of "." and "/", which are escaped
    expected[3] = delimiter;
    return str_eq(source, delimiter ? str_from_c(expected) : STR("[^]+?"));
}

static void set_type(struct pattern_parser *parser, struct part *part, const struct token *value)
{
    if (!value || (value->type == TOKEN_REGEXP && is_segment_wildcard(parser, value->value))) {
        part->type = PART_SEGMENT_WILDCARD;
    } else if (value->type == TOKEN_ASTERISK || str_eq(value->value, STR(".*"))) {
        part->type = PART_FULL_WILDCARD;
    } else {
        part->type = PART_REGEXP;
        part->value = value->value;
    }
}

// "Is a duplicate name". Numbers are never names that are written.
static bool is_duplicate(const struct pattern_parser *parser, const struct part *named)
{
    for (const struct part *part = parser->parts; part; part = part->next) {
        if (part->name_hash == named->name_hash && !part->is_numbered && str_eq(part->name, named->name))
            return true;
    }
    return false;
}

static int set_name(struct pattern_parser *parser, struct part *part, const struct token *name)
{
    if (name) {
        part->name = name->value;
        part->name_hash = hash_stable(name->value);
        return is_duplicate(parser, part) ? fail(parser, "a name is used twice") : HUB_OK;
    }
    part->is_numbered = true;
    buf_clear(&parser->encoded);
    buf_append_u64(&parser->encoded, parser->next_number++);
    part->name = arena_dup(parser->arena, buf_str(&parser->encoded));
    return part->name.ptr ? HUB_OK : -ENOMEM;
}

// What stands between "{" and "}", or without them.
struct group {
    struct str prefix;
    const struct token *name;  // or NULL
    const struct token *value; // a TOKEN_REGEXP, a TOKEN_ASTERISK or NULL
    struct str suffix;
    enum part_modifier modifier;
};

static int add_wildcard_part(struct pattern_parser *parser, const struct group *group)
{
    struct part part = {.modifier = group->modifier};
    set_type(parser, &part, group->value);
    int err = set_name(parser, &part, group->name);
    if (!err)
        err = encode(parser, group->prefix, &part.prefix);
    if (!err)
        err = encode(parser, group->suffix, &part.suffix);
    return err ? err : append_part(parser, &part);
}

// "Add a part".
static int add_part(struct pattern_parser *parser, const struct group *group)
{
    bool is_text = !group->name && !group->value;
    if (is_text && group->modifier == MODIFIER_NONE) {
        buf_append_str(&parser->pending, group->prefix);
        return parser->pending.err;
    }
    int err = flush_pending(parser);
    if (err)
        return err;
    if (!is_text)
        return add_wildcard_part(parser, group);
    return group->prefix.len > 0 ? append_fixed_text(parser, group->prefix, group->modifier) : HUB_OK;
}

// "{", text, a group or none, text, "}" and a modifier.
static int parse_braces(struct pattern_parser *parser)
{
    struct group group;
    int err = consume_text(parser, &group.prefix);
    if (err)
        return err;
    group.name = try_consume(parser, TOKEN_NAME);
    group.value = try_consume_regexp_or_wildcard(parser, group.name);
    err = consume_text(parser, &group.suffix);
    if (err)
        return err;
    if (!try_consume(parser, TOKEN_CLOSE))
        return fail(parser, "a \"{\" has no \"}\", or more than one group before it");
    group.modifier = modifier_of(try_consume_modifier(parser));
    return add_part(parser, &group);
}

// A group without braces, with the character before it when that is the prefix character.
static int parse_bare_group(struct pattern_parser *parser, const struct token *prefix,
                            const struct token *name, const struct token *value)
{
    struct group group = {.prefix = STR(""), .name = name, .value = value, .suffix = STR("")};
    if (prefix && parser->syntax->prefix && prefix->value.ptr[0] == parser->syntax->prefix)
        group.prefix = prefix->value;
    else if (prefix)
        buf_append_str(&parser->pending, prefix->value);
    int err = flush_pending(parser);
    if (err)
        return err;
    group.modifier = modifier_of(try_consume_modifier(parser));
    return add_part(parser, &group);
}

static int reject_token(struct pattern_parser *parser)
{
    if (parser->token->type == TOKEN_CLOSE)
        return fail(parser, "a \"}\" has no \"{\"");
    return fail(parser, "a \"?\" or \"+\" follows no group (write \"\\?\" or \"\\+\" for the character)");
}

static int parse_next(struct pattern_parser *parser)
{
    const struct token *character = try_consume(parser, TOKEN_CHAR);
    const struct token *name = try_consume(parser, TOKEN_NAME);
    const struct token *value = try_consume_regexp_or_wildcard(parser, name);
    if (name || value)
        return parse_bare_group(parser, character, name, value);
    const struct token *text = character ? character : try_consume(parser, TOKEN_ESCAPED_CHAR);
    if (text) {
        buf_append_str(&parser->pending, text->value);
        return parser->pending.err;
    }
    return try_consume(parser, TOKEN_OPEN) ? parse_braces(parser) : reject_token(parser);
}

static int parse_all(struct pattern_parser *parser)
{
    while (parser->token->type != TOKEN_END) {
        int err = parse_next(parser);
        if (err)
            return err;
    }
    return flush_pending(parser);
}

static bool holds(struct str text, char c)
{
    return str_find(text, 0, c) < text.len;
}

enum part_modifier part_least_modifier(const struct part *part, const struct pattern_syntax *syntax)
{
    char delimiter = syntax->delimiter;
    bool is_segment = part->type == PART_SEGMENT_WILDCARD;
    bool can_hold_texts =
        part->type == PART_FULL_WILDCARD ||
        (is_segment && (!delimiter || (!holds(part->prefix, delimiter) && !holds(part->suffix, delimiter))));
    if (can_hold_texts && part->modifier == MODIFIER_ZERO_OR_MORE)
        return MODIFIER_OPTIONAL;
    return can_hold_texts && part->modifier == MODIFIER_ONE_OR_MORE ? MODIFIER_NONE : part->modifier;
}

int parts_parse(struct arena *arena, struct str text, const struct pattern_syntax *syntax,
                struct part **ret_parts, const char **reason)
{
    struct token_list list;
    int err = tokenize(arena, text, TOKENIZE_STRICT, &list, reason);
    if (err)
        return err;
    struct pattern_parser parser = {.arena = arena, .syntax = syntax, .token = list.tokens, .reason = reason};
    parser.end = &parser.parts;
    buf_init(&parser.pending, TEXT_MAX);
    buf_init(&parser.encoded, TEXT_MAX);
    err = parse_all(&parser);
    *ret_parts = parser.parts;
    buf_done(&parser.pending);
    buf_done(&parser.encoded);
    return err;
}
