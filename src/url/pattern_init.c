#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "url/pattern_priv.h"
#include "url/scheme.h"
#include "url/url.h"

#include <errno.h>

static int keep(struct arena *arena, struct buf *text, struct str *ret_text)
{
    *ret_text = text->err ? str_make(NULL, 0) : arena_dup(arena, buf_str(text));
    int err = text->err ? text->err : ret_text->ptr ? HUB_OK : -ENOMEM;
    buf_done(text);
    return err;
}

// "Escape a pattern string".
static void append_escaped(struct buf *to, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (str_find(STR("+*?:{}()\\"), 0, text.ptr[i]) < sizeof("+*?:{}()\\") - 1)
            buf_append_c(to, '\\');
        buf_append_c(to, text.ptr[i]);
    }
}

static struct str base_text(const struct url *base, enum url_component component)
{
    switch (component) {
    case URL_PROTOCOL:
        return base->scheme;
    case URL_HOSTNAME:
        return base->host;
    case URL_PATHNAME:
        return base->path;
    case URL_SEARCH:
        return base->query;
    case URL_HASH:
        return base->fragment;
    case URL_USERNAME:
    case URL_PASSWORD:
    case URL_PORT:
    case URL_COMPONENTS:
    default:
        return STR("");
    }
}

static int inherit(struct arena *arena, const struct url *base, enum url_component component,
                   struct str *ret_text)
{
    struct buf text;
    buf_init(&text, 2 * URL_PATTERN_MAX);
    if (component == URL_PORT && base->port != URL_NO_PORT)
        buf_append_u64(&text, (uint64_t)base->port);
    append_escaped(&text, base_text(base, component));
    return keep(arena, &text, ret_text);
}

// What is more general than all that the pattern says comes from the base; a user name and password never do.
static int inherit_from_base(struct arena *arena, const struct url_pattern_init *init, const struct url *base,
                             struct url_pattern_init *result)
{
    static const enum url_component order[] = {URL_PROTOCOL, URL_HOSTNAME, URL_PORT,
                                               URL_PATHNAME, URL_SEARCH,   URL_HASH};
    for (size_t i = 0; i < ARRAY_LEN(order) && !init->text[order[i]].ptr; i++) {
        int err = inherit(arena, base, order[i], &result->text[order[i]]);
        if (err)
            return err;
    }
    return HUB_OK;
}

static bool is_absolute_pathname(struct str text)
{
    return str_starts_with(text, STR("/")) || str_starts_with(text, STR("\\/")) ||
           str_starts_with(text, STR("{/"));
}

// A relative path replaces what is behind the last slash of the base's.
static int resolve_pathname(struct arena *arena, const struct url *base, struct str *pathname)
{
    if (base->has_opaque_path || is_absolute_pathname(*pathname))
        return HUB_OK;
    size_t len = base->path.len;
    while (len > 0 && base->path.ptr[len - 1] != '/')
        len--;
    struct buf text;
    buf_init(&text, 4 * URL_PATTERN_MAX);
    append_escaped(&text, str_slice(base->path, 0, len));
    buf_append_str(&text, *pathname);
    return keep(arena, &text, pathname);
}

static struct str without_first(struct str text, struct str c)
{
    return str_starts_with(text, c) ? str_slice(text, 1, text.len) : text;
}

static void copy_given(const struct url_pattern_init *init, struct url_pattern_init *result)
{
    for (size_t i = 0; i < URL_COMPONENTS; i++) {
        if (init->text[i].ptr)
            result->text[i] = init->text[i];
    }
    struct str protocol = init->text[URL_PROTOCOL];
    if (protocol.ptr && str_ends_with(protocol, STR(":")))
        result->text[URL_PROTOCOL] = str_slice(protocol, 0, protocol.len - 1);
    if (init->text[URL_SEARCH].ptr)
        result->text[URL_SEARCH] = without_first(init->text[URL_SEARCH], STR("?"));
    if (init->text[URL_HASH].ptr)
        result->text[URL_HASH] = without_first(init->text[URL_HASH], STR("#"));
}

// The rest of "create" up to compiling: what is still absent may be anything, and the default port is none.
static void set_defaults(struct url_pattern_init *result)
{
    for (size_t i = 0; i < URL_COMPONENTS; i++) {
        if (!result->text[i].ptr)
            result->text[i] = STR("*");
    }
    const struct special_scheme *special = scheme_special(result->text[URL_PROTOCOL]);
    uint64_t port;
    if (special && str_to_u64(result->text[URL_PORT], &port) == HUB_OK && (int)port == special->port)
        result->text[URL_PORT] = STR("");
}

int init_process(struct arena *arena, const struct url_pattern_init *init, const struct url *base,
                 struct url_pattern_init *result)
{
    *result = (struct url_pattern_init){0};
    int err = base ? inherit_from_base(arena, init, base, result) : HUB_OK;
    if (err)
        return err;
    copy_given(init, result);
    if (base && init->text[URL_PATHNAME].ptr)
        err = resolve_pathname(arena, base, &result->text[URL_PATHNAME]);
    if (!err)
        set_defaults(result);
    return err;
}
