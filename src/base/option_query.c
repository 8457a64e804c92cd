#include "base/arena.h"
#include "base/assert.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/option.h"
#include "base/unescape.h"

#include <errno.h>

static int refuse_unknown(const struct option *options, struct str name, struct buf *reterr)
{
    const char *nearest = option_nearest(options, name);
    buf_printf(reterr, "unknown parameter \"%.*s\"", STR_ARG(str_slice(name, 0, 64)));
    if (nearest)
        buf_printf(reterr, "; did you mean \"%s\"?", nearest);
    return HUB_E_INVALID;
}

struct query {
    const struct option *options;
    void *target;
    struct arena *arena;
    struct buf *warnings;
    struct buf *reterr;
    uint64_t seen; // a bit for each option
};

static int set_parameter(struct query *query, const struct option *option, struct str text)
{
    size_t index = (size_t)(option - query->options);
    HUB_ASSERT(index < 64);
    if (query->seen & (UINT64_C(1) << index)) {
        buf_printf(query->reterr, "the parameter \"%s\" is given twice", option->name);
        return HUB_E_INVALID;
    }
    query->seen |= UINT64_C(1) << index;
    if ((option->flags & OPTION_IGNORED) && query->warnings)
        buf_printf(query->warnings, "the parameter \"%s\" has no effect\n", option->name);
    size_t before = query->reterr->len;
    buf_printf(query->reterr, "the parameter \"%s\" ", option->name);
    int err = option_parse(option, query->target, text, query->arena, query->reterr);
    if (err != HUB_E_INVALID && query->reterr->len > before)
        query->reterr->len = before;
    return err;
}

static int parse_parameter(struct query *query, struct str parameter)
{
    size_t equals = str_find(parameter, 0, '=');
    struct str name;
    struct str text;
    int err = unescape(str_slice(parameter, 0, equals), true, query->arena, &name);
    if (!err)
        err = unescape(str_slice(parameter, equals + 1, parameter.len), true, query->arena, &text);
    if (err == HUB_E_INVALID)
        buf_printf(query->reterr, "a '%%' stands without two hexadecimal digits after it");
    if (err)
        return err;
    const struct option *option = option_find(query->options, name);
    return option ? set_parameter(query, option, text) : refuse_unknown(query->options, name, query->reterr);
}

int option_parse_query(const struct option *options, void *target, struct str text, struct arena *arena,
                       struct buf *warnings, struct buf *reterr)
{
    struct query query = {
        .options = options,
        .target = target,
        .arena = arena,
        .warnings = warnings,
        .reterr = reterr,
    };
    struct str parameter;
    size_t said = reterr->len;
    int status = HUB_OK;
    while (str_split(&text, '&', &parameter)) {
        size_t before = reterr->len;
        if (before > said)
            buf_append_c(reterr, '\n');
        int err = parameter.len ? parse_parameter(&query, parameter) : HUB_OK;
        if (err && err != HUB_E_INVALID)
            return err;
        if (err)
            status = err;
        else
            reterr->len = before;
    }
    return status;
}
