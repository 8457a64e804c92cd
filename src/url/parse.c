#include "base/err.h"
#include "url/parser_priv.h"
#include "url/percent.h"

// The result is at most this long.
#define OUT_MAX (4 * URL_INPUT_MAX)

int parser_peek(const struct parser *parser, size_t ahead)
{
    size_t at = parser->at + ahead;
    return at < parser->in.len ? (unsigned char)parser->in.ptr[at] : PARSER_END;
}

bool parser_is_slash(const struct parser *parser, int c)
{
    return c == '/' || (c == '\\' && parser->is_special);
}

bool parser_ends_authority(const struct parser *parser, int c)
{
    return c == PARSER_END || c == '?' || c == '#' || parser_is_slash(parser, c);
}

struct str parser_slice(const struct parser *parser, size_t from, size_t to)
{
    return str_slice(parser->in, from, to);
}

void parser_put(struct parser *parser, struct span *span, struct str text, const struct percent_set *set)
{
    span->from = parser->out.len;
    percent_encode(&parser->out, text, set);
    span->len = parser->out.len - span->from;
    span->is_set = true;
}

void parser_copy(struct parser *parser, struct span *span, struct str text)
{
    *span = (struct span){.from = parser->out.len, .is_set = text.ptr != NULL};
    buf_append_str(&parser->out, text);
    span->len = parser->out.len - span->from;
}

struct str parser_span(const struct parser *parser, const struct span *span)
{
    return str_slice(buf_str(&parser->out), span->from, span->from + span->len);
}

static struct str trim(struct str s)
{
    while (s.len > 0 && (unsigned char)s.ptr[0] <= ' ')
        s = str_slice(s, 1, s.len);
    while (s.len > 0 && (unsigned char)s.ptr[s.len - 1] <= ' ')
        s.len--;
    return s;
}

static bool is_tab_or_line_end(char c)
{
    return c == '\t' || c == '\n' || c == '\r';
}

// Copies the input without the characters that the standard removes, if it has any.
static struct str remove_tabs(struct str s, struct buf *copy)
{
    size_t run = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (!is_tab_or_line_end(s.ptr[i]))
            continue;
        buf_append_str(copy, str_slice(s, run, i));
        run = i + 1;
    }
    if (run == 0)
        return s;
    buf_append_str(copy, str_slice(s, run, s.len));
    return buf_str(copy);
}

// One allocation is nearly always enough.
static void reserve(struct parser *parser)
{
    const struct url *base = parser->base;
    size_t len = parser->in.len + 16;
    if (base)
        len += base->scheme.len + base->username.len + base->password.len + base->host.len + base->path.len +
               base->query.len;
    (void)buf_reserve(&parser->out, len);
}

static struct str component(const struct url *url, const struct span *span)
{
    return span->is_set ? str_make(url->_memory + span->from, span->len) : str_make(NULL, 0);
}

static void finish(struct parser *parser, struct url *url)
{
    url->_memory = buf_take(&parser->out);
    url->scheme = component(url, &parser->scheme);
    url->username = str_make(url->_memory + parser->username.from, parser->username.len);
    url->password = str_make(url->_memory + parser->password.from, parser->password.len);
    url->host = component(url, &parser->host);
    url->port = parser->port;
    url->path = str_make(url->_memory + parser->path.from, parser->path.len);
    url->query = component(url, &parser->query);
    url->fragment = component(url, &parser->fragment);
    url->has_opaque_path = parser->has_opaque_path;
    url->is_special = parser->is_special;
}

static int parse(struct parser *parser)
{
    buf_init(&parser->out, OUT_MAX);
    reserve(parser);
    int err = parser_run(parser);
    return err ? err : parser->out.err;
}

int url_parse(struct url *url, struct str input, const struct url *base)
{
    *url = (struct url){.port = URL_NO_PORT};
    if (input.len > URL_INPUT_MAX)
        return HUB_E_TOO_BIG;
    if (!str_is_utf8(input))
        return HUB_E_INVALID;
    struct buf copy;
    buf_init(&copy, URL_INPUT_MAX);
    struct parser parser = {.in = remove_tabs(trim(input), &copy),
                            .base = base,
                            .port = URL_NO_PORT,
                            .default_port = URL_NO_PORT};
    int err = copy.err ? copy.err : parse(&parser);
    if (!err)
        finish(&parser, url);
    buf_done(&parser.out);
    buf_done(&copy);
    return err;
}
