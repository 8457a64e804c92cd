#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "url/pattern_priv.h"
#include "url/scheme.h"

// The states of the standard's "constructor string parser"; those of components are in the order in which
// components follow each other in a URL.
enum state {
    STATE_INIT,
    STATE_PROTOCOL,
    STATE_AUTHORITY,
    STATE_USERNAME,
    STATE_PASSWORD,
    STATE_HOSTNAME,
    STATE_PORT,
    STATE_PATHNAME,
    STATE_SEARCH,
    STATE_HASH,
    STATE_DONE,
};

struct constructor_parser {
    struct arena *arena;
    struct str in;
    struct token_list list;
    struct url_pattern_init *init; // "result"
    size_t component_start;
    size_t at;         // "token index"
    bool stays;        // "token increment" is 0
    unsigned depth;    // "group depth"
    int bracket_depth; // "hostname IPv6 bracket depth"
    bool is_special;   // "protocol matches a special scheme flag"
    enum state state;
    const char **reason;
};

static enum url_component component_of(enum state state)
{
    static const enum url_component components[] = {
        [STATE_PROTOCOL] = URL_PROTOCOL, [STATE_USERNAME] = URL_USERNAME, [STATE_PASSWORD] = URL_PASSWORD,
        [STATE_HOSTNAME] = URL_HOSTNAME, [STATE_PORT] = URL_PORT,         [STATE_PATHNAME] = URL_PATHNAME,
        [STATE_SEARCH] = URL_SEARCH,     [STATE_HASH] = URL_HASH,
    };
    return components[state];
}

static bool is_component(enum state state)
{
    return state != STATE_INIT && state != STATE_AUTHORITY && state != STATE_DONE;
}

// "Get a safe token".
static const struct token *token_at(const struct constructor_parser *parser, size_t at)
{
    return &parser->list.tokens[at < parser->list.count ? at : parser->list.count - 1];
}

static bool has_value(const struct token *token, char c)
{
    return token->value.len == 1 && token->value.ptr[0] == c;
}

// "Is a non-special pattern char".
static bool is_char(const struct constructor_parser *parser, size_t ahead, char c)
{
    const struct token *token = token_at(parser, parser->at + ahead);
    return has_value(token, c) && (token->type == TOKEN_CHAR || token->type == TOKEN_ESCAPED_CHAR ||
                                   token->type == TOKEN_INVALID_CHAR);
}

// A "?" behind a group is its modifier.
static bool is_search_prefix(const struct constructor_parser *parser)
{
    if (is_char(parser, 0, '?'))
        return true;
    if (!has_value(token_at(parser, parser->at), '?'))
        return false;
    if (parser->at == 0)
        return true;
    enum token_type previous = token_at(parser, parser->at - 1)->type;
    return previous != TOKEN_NAME && previous != TOKEN_REGEXP && previous != TOKEN_CLOSE &&
           previous != TOKEN_ASTERISK;
}

// "Make a component string".
static struct str component_text(const struct constructor_parser *parser)
{
    return str_slice(parser->in, token_at(parser, parser->component_start)->index,
                     token_at(parser, parser->at)->index);
}

static void set_default(struct constructor_parser *parser, enum url_component component, struct str text)
{
    if (!parser->init->text[component].ptr)
        parser->init->text[component] = text;
}

// What is passed over on the way to a later component is empty, not absent.
static void set_skipped(struct constructor_parser *parser, enum state new_state)
{
    enum state state = parser->state;
    if (state < STATE_HOSTNAME && new_state >= STATE_PORT)
        set_default(parser, URL_HOSTNAME, STR(""));
    if (state < STATE_PATHNAME && new_state >= STATE_SEARCH)
        set_default(parser, URL_PATHNAME, parser->is_special ? STR("/") : STR(""));
    if (state < STATE_SEARCH && new_state == STATE_HASH)
        set_default(parser, URL_SEARCH, STR(""));
}

static void change_state(struct constructor_parser *parser, enum state new_state, size_t skip)
{
    if (is_component(parser->state))
        parser->init->text[component_of(parser->state)] = component_text(parser);
    if (parser->state != STATE_INIT && new_state != STATE_DONE)
        set_skipped(parser, new_state);
    parser->state = new_state;
    parser->at += skip;
    parser->component_start = parser->at;
    parser->stays = true;
}

static void rewind_to(struct constructor_parser *parser, enum state state)
{
    parser->at = parser->component_start;
    parser->stays = true;
    parser->state = state;
}

// A pattern without a protocol is relative.
static void start_relative(struct constructor_parser *parser)
{
    rewind_to(parser, STATE_INIT);
    if (is_char(parser, 0, '#'))
        change_state(parser, STATE_HASH, 1);
    else if (is_search_prefix(parser))
        change_state(parser, STATE_SEARCH, 1);
    else
        change_state(parser, STATE_PATHNAME, 0);
}

static int read_protocol(struct constructor_parser *parser)
{
    if (!is_char(parser, 0, ':'))
        return HUB_OK;
    int matches = protocol_matches_special_scheme(parser->arena, component_text(parser), parser->reason);
    if (matches < 0)
        return matches;
    parser->is_special = matches;
    if (is_char(parser, 1, '/') && is_char(parser, 2, '/'))
        change_state(parser, STATE_AUTHORITY, 3);
    else
        change_state(parser, parser->is_special ? STATE_AUTHORITY : STATE_PATHNAME, 1);
    return HUB_OK;
}

// The steps that states share: where a later component starts.
static void read_until(struct constructor_parser *parser, bool may_be_path, bool may_be_search)
{
    if (may_be_path && is_char(parser, 0, '/'))
        change_state(parser, STATE_PATHNAME, 0);
    else if (may_be_search && is_search_prefix(parser))
        change_state(parser, STATE_SEARCH, 1);
    else if (is_char(parser, 0, '#'))
        change_state(parser, STATE_HASH, 1);
}

static void read_hostname(struct constructor_parser *parser)
{
    if (is_char(parser, 0, '['))
        parser->bracket_depth++;
    else if (is_char(parser, 0, ']'))
        parser->bracket_depth--;
    else if (is_char(parser, 0, ':') && parser->bracket_depth == 0)
        change_state(parser, STATE_PORT, 1);
    else
        read_until(parser, true, true);
}

static void read_authority(struct constructor_parser *parser)
{
    if (is_char(parser, 0, '@'))
        rewind_to(parser, STATE_USERNAME);
    else if (is_char(parser, 0, '/') || is_search_prefix(parser) || is_char(parser, 0, '#'))
        rewind_to(parser, STATE_HOSTNAME);
}

static int read_token(struct constructor_parser *parser)
{
    switch (parser->state) {
    case STATE_INIT:
        if (is_char(parser, 0, ':'))
            rewind_to(parser, STATE_PROTOCOL);
        break;
    case STATE_PROTOCOL:
        return read_protocol(parser);
    case STATE_AUTHORITY:
        read_authority(parser);
        break;
    case STATE_USERNAME:
    case STATE_PASSWORD:
        if (is_char(parser, 0, ':') && parser->state == STATE_USERNAME)
            change_state(parser, STATE_PASSWORD, 1);
        else if (is_char(parser, 0, '@'))
            change_state(parser, STATE_HOSTNAME, 1);
        break;
    case STATE_HOSTNAME:
        read_hostname(parser);
        break;
    case STATE_PORT:
        read_until(parser, true, true);
        break;
    case STATE_PATHNAME:
        read_until(parser, false, true);
        break;
    case STATE_SEARCH:
        read_until(parser, false, false);
        break;
    case STATE_HASH:
    case STATE_DONE:
        break;
    }
    return HUB_OK;
}

static void read_end(struct constructor_parser *parser)
{
    if (parser->state == STATE_INIT)
        start_relative(parser);
    else if (parser->state == STATE_AUTHORITY)
        rewind_to(parser, STATE_HOSTNAME);
    else
        change_state(parser, STATE_DONE, 0);
}

// Passes over what is in braces, where no component can end. False when there is nothing to pass over.
static bool skip_braces(struct constructor_parser *parser)
{
    enum token_type type = token_at(parser, parser->at)->type;
    if (type == TOKEN_OPEN) {
        parser->depth++;
        return true;
    }
    if (parser->depth > 0 && type == TOKEN_CLOSE)
        parser->depth--;
    return parser->depth > 0;
}

static int parse(struct constructor_parser *parser)
{
    while (parser->at < parser->list.count && parser->state != STATE_DONE) {
        parser->stays = false;
        int err = HUB_OK;
        if (token_at(parser, parser->at)->type == TOKEN_END)
            read_end(parser);
        else if (!skip_braces(parser))
            err = read_token(parser);
        if (err)
            return err;
        parser->at += !parser->stays;
    }
    return HUB_OK;
}

int constructor_parse(struct arena *arena, struct str text, struct url_pattern_init *init,
                      const char **reason)
{
    *init = (struct url_pattern_init){0};
    struct constructor_parser parser = {.arena = arena, .in = text, .init = init, .reason = reason};
    int err = tokenize(arena, text, TOKENIZE_LENIENT, &parser.list, reason);
    if (!err)
        err = parse(&parser);
    if (!err && init->text[URL_HOSTNAME].ptr)
        set_default(&parser, URL_PORT, STR(""));
    return err;
}
