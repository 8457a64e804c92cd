#include "conf/error.h"

#include "base/buf.h"

#define ERRORS_ARENA_MAX ((size_t)4 << 20)

void conf_errors_init(struct conf_errors *errors)
{
    *errors = (struct conf_errors){0};
    arena_init(&errors->_arena, ERRORS_ARENA_MAX);
}

void conf_errors_done(struct conf_errors *errors)
{
    arena_done(&errors->_arena);
    *errors = (struct conf_errors){0};
}

void conf_origin_print(const struct conf_origin *origin, struct buf *buf)
{
    if (origin->kind == CONF_SOURCE_NONE)
        return;
    if (origin->kind == CONF_SOURCE_DEFAULT) {
        buf_append_str(buf, STR("default"));
        return;
    }
    buf_append_str(buf, origin->name);
    if (origin->line)
        buf_printf(buf, ":%u:%u", origin->line, origin->column);
}

void conf_errors_print(const struct conf_errors *errors, struct buf *buf)
{
    size_t told = 0;
    for (size_t i = 0; i < errors->count; i++) {
        const struct conf_error *error = &errors->items[i];
        size_t before = buf->len;
        conf_origin_print(&error->origin, buf);
        if (buf->len > before)
            buf_append_str(buf, STR(": "));
        buf_printf(buf, "%s: %.*s\n", error->warning ? "warning" : "error", STR_ARG(error->text));
        told += !error->warning;
    }
    if (errors->error_count > told)
        buf_printf(buf, "error: and %zu more\n", errors->error_count - told);
}
