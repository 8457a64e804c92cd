#include "base/err.h"
#include "url/parser_priv.h"
#include "url/percent.h"
#include "url/scheme.h"

// Notes what the scheme, just written, means for what follows.
static void note_scheme(struct parser *parser)
{
    struct str scheme = parser_span(parser, &parser->scheme);
    const struct special_scheme *special = scheme_special(scheme);
    parser->is_special = special != NULL;
    if (special)
        parser->default_port = special->port;
    parser->is_file = str_eq(scheme, STR("file"));
}

static int fragment_state(struct parser *parser)
{
    struct str text = parser_slice(parser, parser->at, parser->in.len);
    parser_put(parser, &parser->fragment, text, &percent_fragment_set);
    return HUB_OK;
}

static int query_state(struct parser *parser)
{
    size_t end = str_find(parser->in, parser->at, '#');
    struct str text = parser_slice(parser, parser->at, end);
    parser_put(parser, &parser->query, text,
               parser->is_special ? &percent_special_query_set : &percent_query_set);
    parser->at = end + 1;
    return end < parser->in.len ? fragment_state(parser) : HUB_OK;
}

// Behind the path: "?", "#" or the end.
static int query_or_fragment(struct parser *parser)
{
    int c = parser_peek(parser, 0);
    if (c == PARSER_END)
        return HUB_OK;
    parser->at++;
    return c == '?' ? query_state(parser) : fragment_state(parser);
}

static int path_start_state(struct parser *parser)
{
    parser_start_path(parser);
    return query_or_fragment(parser);
}

static int path_state(struct parser *parser)
{
    parser_read_path(parser);
    return query_or_fragment(parser);
}

static int opaque_path_state(struct parser *parser)
{
    parser_read_opaque_path(parser);
    return query_or_fragment(parser);
}

static int authority_state(struct parser *parser)
{
    int err = parser_read_authority(parser);
    return err ? err : path_start_state(parser);
}

static int special_authority_ignore_slashes_state(struct parser *parser)
{
    while (parser_is_slash(parser, parser_peek(parser, 0)))
        parser->at++;
    return authority_state(parser);
}

static int path_or_authority_state(struct parser *parser)
{
    if (parser_peek(parser, 0) != '/')
        return path_state(parser);
    parser->at++;
    return authority_state(parser);
}

static void copy_base_authority(struct parser *parser)
{
    parser_copy(parser, &parser->username, parser->base->username);
    parser_copy(parser, &parser->password, parser->base->password);
    parser_copy(parser, &parser->host, parser->base->host);
    parser->port = parser->base->port;
}

static int relative_slash_state(struct parser *parser)
{
    int c = parser_peek(parser, 0);
    if (parser_is_slash(parser, c)) {
        parser->at++;
        return parser->is_special ? special_authority_ignore_slashes_state(parser) : authority_state(parser);
    }
    copy_base_authority(parser);
    return path_state(parser);
}

// The base's path and query stay when the input has no path of its own; else its last segment is replaced.
static int relative_path(struct parser *parser, bool keeps_no_segment)
{
    int c = parser_peek(parser, 0);
    parser_copy(parser, &parser->path, parser->base->path);
    if (c == PARSER_END || c == '#')
        parser_copy(parser, &parser->query, parser->base->query);
    if (c == PARSER_END || c == '#' || c == '?')
        return query_or_fragment(parser);
    if (keeps_no_segment) {
        parser->out.len = parser->path.from;
        parser->path.len = 0;
    } else {
        parser_shorten_path(parser);
    }
    return path_state(parser);
}

static int relative_state(struct parser *parser)
{
    if (parser_is_slash(parser, parser_peek(parser, 0))) {
        parser->at++;
        return relative_slash_state(parser);
    }
    copy_base_authority(parser);
    return relative_path(parser, false);
}

static bool is_file(const struct url *url)
{
    return url && str_eq(url->scheme, STR("file"));
}

static int file_host_state(struct parser *parser)
{
    if (parser_at_drive_letter(parser)) {
        parser_copy(parser, &parser->host, STR(""));
        return path_state(parser);
    }
    int err = parser_read_file_host(parser);
    return err ? err : path_start_state(parser);
}

static int file_slash_state(struct parser *parser)
{
    if (parser_is_slash(parser, parser_peek(parser, 0))) {
        parser->at++;
        return file_host_state(parser);
    }
    bool has_base = is_file(parser->base);
    parser_copy(parser, &parser->host, has_base ? parser->base->host : STR(""));
    if (has_base && !parser_at_drive_letter(parser))
        parser_copy(parser, &parser->path, parser_drive_letter_of(parser->base->path));
    return path_state(parser);
}

static int file_state(struct parser *parser)
{
    if (parser_is_slash(parser, parser_peek(parser, 0))) {
        parser->at++;
        return file_slash_state(parser);
    }
    if (!is_file(parser->base)) {
        parser_copy(parser, &parser->host, STR(""));
        return path_state(parser);
    }
    parser_copy(parser, &parser->host, parser->base->host);
    return relative_path(parser, parser_at_drive_letter(parser));
}

static bool two_slashes_follow(const struct parser *parser)
{
    return parser_peek(parser, 0) == '/' && parser_peek(parser, 1) == '/';
}

// "https:path" and "https:/path" are relative to a base of the same scheme.
static int special_relative_or_authority_state(struct parser *parser)
{
    return two_slashes_follow(parser) ? special_authority_ignore_slashes_state(parser)
                                      : relative_state(parser);
}

static int after_scheme(struct parser *parser)
{
    note_scheme(parser);
    if (parser->is_file)
        return file_state(parser);
    if (parser->is_special && parser->base &&
        str_eq(parser->base->scheme, parser_span(parser, &parser->scheme)))
        return special_relative_or_authority_state(parser);
    if (parser->is_special)
        return special_authority_ignore_slashes_state(parser);
    if (parser_peek(parser, 0) != '/')
        return opaque_path_state(parser);
    parser->at++;
    return path_or_authority_state(parser);
}

// A fragment alone is all that can be added to an opaque path.
static int fragment_of_opaque_base(struct parser *parser)
{
    if (parser_peek(parser, 0) != '#')
        return HUB_E_INVALID;
    parser->has_opaque_path = true;
    parser_copy(parser, &parser->path, parser->base->path);
    parser_copy(parser, &parser->query, parser->base->query);
    return query_or_fragment(parser);
}

static int no_scheme_state(struct parser *parser)
{
    if (!parser->base)
        return HUB_E_INVALID;
    parser_copy(parser, &parser->scheme, parser->base->scheme);
    note_scheme(parser);
    if (parser->base->has_opaque_path)
        return fragment_of_opaque_base(parser);
    return parser->is_file ? file_state(parser) : relative_state(parser);
}

static bool is_alpha(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_scheme_char(int c)
{
    return is_alpha(c) || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
}

// The length of the scheme that the input starts with (a ":" follows), or 0.
static size_t scheme_len(const struct parser *parser)
{
    size_t len = 0;
    if (!is_alpha(parser_peek(parser, 0)))
        return 0;
    while (is_scheme_char(parser_peek(parser, len)))
        len++;
    return parser_peek(parser, len) == ':' ? len : 0;
}

// "scheme start state" and "scheme state". The functions above have the names of the standard, too.
int parser_run(struct parser *parser)
{
    size_t len = scheme_len(parser);
    if (len == 0)
        return no_scheme_state(parser);
    parser->scheme = (struct span){0, len, true};
    for (size_t i = 0; i < len; i++) {
        int c = parser_peek(parser, i);
        buf_append_c(&parser->out, (char)(is_alpha(c) ? c | 0x20 : c));
    }
    if (parser->out.err)
        return parser->out.err;
    parser->at = len + 1;
    return after_scheme(parser);
}
