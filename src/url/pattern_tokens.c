#include "base/arena.h"
#include "base/err.h"
#include "url/pattern_priv.h"
#include "url/utf8.h"

#include <errno.h>
#include <unicode/uchar.h>

#define ZERO_WIDTH_NON_JOINER 0x200C
#define ZERO_WIDTH_JOINER 0x200D

struct tokenizer {
    struct str in;
    enum tokenize_policy policy;
    struct token *tokens;
    size_t count;
    size_t at;
    const char *error; // what stopped the strict one
};

bool token_is_name_char(uint32_t c, bool is_first)
{
    if (c == '$' || c == '_')
        return true;
    if (is_first)
        return u_hasBinaryProperty((UChar32)c, UCHAR_ID_START);
    return c == ZERO_WIDTH_NON_JOINER || c == ZERO_WIDTH_JOINER ||
           u_hasBinaryProperty((UChar32)c, UCHAR_ID_CONTINUE);
}

// "Add a token": its value is from `from` to `to`; the next one starts at `next`.
static void add_token(struct tokenizer *tokenizer, enum token_type type, size_t from, size_t to, size_t next)
{
    struct token *token = &tokenizer->tokens[tokenizer->count++];
    *token = (struct token){type, tokenizer->at, str_slice(tokenizer->in, from, to)};
    tokenizer->at = next;
}

// "Process a tokenizing error": the lenient one goes on behind the character here.
static void add_invalid(struct tokenizer *tokenizer, const char *error)
{
    if (tokenizer->policy == TOKENIZE_STRICT)
        tokenizer->error = error;
    add_token(tokenizer, TOKEN_INVALID_CHAR, tokenizer->at, tokenizer->at + 1, tokenizer->at + 1);
}

static void add_char(struct tokenizer *tokenizer, enum token_type type)
{
    size_t next = tokenizer->at;
    (void)utf8_next(tokenizer->in, &next);
    add_token(tokenizer, type, tokenizer->at, next, next);
}

static void add_escaped(struct tokenizer *tokenizer)
{
    size_t from = tokenizer->at + 1;
    if (from == tokenizer->in.len) {
        add_invalid(tokenizer, "nothing follows a \"\\\" at the end");
        return;
    }
    size_t next = from;
    (void)utf8_next(tokenizer->in, &next);
    add_token(tokenizer, TOKEN_ESCAPED_CHAR, from, next, next);
}

static void add_name(struct tokenizer *tokenizer)
{
    size_t from = tokenizer->at + 1;
    size_t to = from;
    for (size_t next = from; next < tokenizer->in.len; to = next) {
        if (!token_is_name_char(utf8_next(tokenizer->in, &next), to == from))
            break;
    }
    if (to == from)
        add_invalid(tokenizer, "no name follows a \":\" (write \"\\:\" for the character)");
    else
        add_token(tokenizer, TOKEN_NAME, from, to, to);
}

// Finds the ")" of the custom group whose text starts at `from`. Returns what is wrong, or NULL.
static const char *find_group_end(struct str in, size_t from, size_t *ret_end)
{
    unsigned depth = 1;
    for (size_t at = from; at < in.len; at++) {
        char c = in.ptr[at];
        if (c == '?' && at == from)
            return "a custom group starts with \"?\"";
        if (c == '\\' && ++at == in.len)
            break;
        if (in.ptr[at] & 0x80)
            return "a custom group holds characters that are not ASCII";
        if (c == '(' && (at + 1 == in.len || in.ptr[at + 1] != '?'))
            return "a group inside a custom group captures (write \"(?:...)\")";
        depth += c == '(';
        depth -= c == ')';
        if (depth == 0) {
            *ret_end = at;
            return at == from ? "a custom group is empty" : NULL;
        }
    }
    return "a \"(\" has no \")\"";
}

static void add_regexp(struct tokenizer *tokenizer)
{
    size_t from = tokenizer->at + 1;
    size_t end;
    const char *error = find_group_end(tokenizer->in, from, &end);
    if (error)
        add_invalid(tokenizer, error);
    else
        add_token(tokenizer, TOKEN_REGEXP, from, end, end + 1);
}

static void add_next(struct tokenizer *tokenizer)
{
    switch (tokenizer->in.ptr[tokenizer->at]) {
    case '*':
        add_char(tokenizer, TOKEN_ASTERISK);
        break;
    case '+':
    case '?':
        add_char(tokenizer, TOKEN_OTHER_MODIFIER);
        break;
    case '\\':
        add_escaped(tokenizer);
        break;
    case '{':
        add_char(tokenizer, TOKEN_OPEN);
        break;
    case '}':
        add_char(tokenizer, TOKEN_CLOSE);
        break;
    case ':':
        add_name(tokenizer);
        break;
    case '(':
        add_regexp(tokenizer);
        break;
    default:
        add_char(tokenizer, TOKEN_CHAR);
    }
}

int tokenize(struct arena *arena, struct str text, enum tokenize_policy policy, struct token_list *ret_list,
             const char **reason)
{
    struct tokenizer tokenizer = {.in = text, .policy = policy};
    // Each token takes a byte or more.
    tokenizer.tokens = arena_alloc(arena, (text.len + 1) * sizeof(*tokenizer.tokens));
    if (!tokenizer.tokens)
        return -ENOMEM;
    while (tokenizer.at < text.len && !tokenizer.error)
        add_next(&tokenizer);
    if (tokenizer.error) {
        *reason = tokenizer.error;
        return HUB_E_INVALID;
    }
    add_token(&tokenizer, TOKEN_END, text.len, text.len, text.len);
    *ret_list = (struct token_list){tokenizer.tokens, tokenizer.count};
    return HUB_OK;
}
