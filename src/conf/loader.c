#include "conf/loader.h"

#include "base/err.h"
#include "conf/tree.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SENTENCE_MAX 1024U
#define REASON_MAX 256U

static int grow_errors(struct conf_errors *errors)
{
    if (errors->items)
        return HUB_OK;
    errors->items = arena_calloc(&errors->_arena, CONF_ERRORS_MAX, sizeof(*errors->items));
    return errors->items ? HUB_OK : -ENOMEM;
}

static void add_error(struct loader *loader, bool warning, const struct conf_origin *origin, struct str text)
{
    struct conf_errors *errors = loader->errors;
    errors->error_count += !warning;
    if (errors->count == CONF_ERRORS_MAX)
        return;
    struct conf_error error = {.warning = warning, .text = arena_dup(&errors->_arena, text)};
    if (origin) {
        error.origin = *origin;
        error.origin.name = arena_dup(&errors->_arena, origin->name);
    }
    if (!error.text.ptr || (origin && !error.origin.name.ptr) || grow_errors(errors) != HUB_OK) {
        loader->err = -ENOMEM;
        return;
    }
    errors->items[errors->count++] = error;
}

void loader_error(struct loader *loader, const struct conf_origin *origin, const char *fmt, ...)
{
    char text[SENTENCE_MAX];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    add_error(loader, false, origin, str_from_c(text));
}

void loader_warn(struct loader *loader, const struct conf_origin *origin, const char *fmt, ...)
{
    char text[SENTENCE_MAX];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    add_error(loader, true, origin, str_from_c(text));
}

size_t loader_index(const struct option *option)
{
    return (size_t)(option - conf_options);
}

struct conf_origin *loader_origin(struct loader *loader, const struct option *option)
{
    return &loader->conf->_origins[loader_index(option)];
}

void loader_refuse(struct loader *loader, const struct option *option, const struct conf_origin *origin,
                   const char *what)
{
    loader_error(loader, origin, "%s %s", option->name, what);
    loader->failed[loader_index(option)] = true;
}

static void set_origin(struct loader *loader, const struct option *option, const struct conf_origin *origin)
{
    struct conf_origin copy = *origin;
    copy.name = arena_dup(&loader->conf->_arena, origin->name);
    if (!copy.name.ptr)
        loader->err = -ENOMEM;
    else
        *loader_origin(loader, option) = copy;
    if (option->flags & OPTION_IGNORED)
        loader_warn(loader, origin, "%s: %s", option->name, option->doc);
}

// Notes what a parse has answered. True when the value was taken.
static bool settle(struct loader *loader, const char *prefix, const char *name,
                   const struct conf_origin *origin, int err)
{
    if (err == HUB_E_INVALID)
        loader_error(loader, origin, "%s%s %.*s", prefix, name, STR_ARG(buf_str(&loader->reason)));
    else if (err)
        loader->err = err;
    buf_clear(&loader->reason);
    return err == HUB_OK;
}

static int append_list(struct loader *loader, const struct option *option, struct str text)
{
    struct option_list more = {0};
    struct option list = *option;
    list.offset = 0;
    struct arena *arena = &loader->conf->_arena;
    int err = option_parse(&list, &more, text, arena, &loader->reason);
    for (size_t i = 0; i < more.count && !err; i++)
        err = option_append(option, loader->conf, more.items[i], arena, &loader->reason);
    return err;
}

static void set_structure(struct loader *loader, const struct option *option, struct str text,
                          const struct conf_origin *origin)
{
    struct tree *root = NULL;
    struct tree_error error;
    int err = tree_parse(&root, text, &loader->conf->_arena, &error);
    if (err == -ENOMEM) {
        loader->err = err;
    } else if (err) {
        struct conf_origin place = *origin;
        place.line = error.line;
        place.column = error.column;
        loader_error(loader, &place, "%s: %s", option->name, error.text);
        loader->failed[loader_index(option)] = true;
    } else if (root) {
        loader_set_tree(loader, option, root, origin);
    }
}

void loader_set(struct loader *loader, const struct option *option, struct str text,
                const struct conf_origin *origin)
{
    if (option->type == OPTION_TREE) {
        set_structure(loader, option, text, origin);
        return;
    }
    bool again = option->type == OPTION_LIST && loader_origin(loader, option)->kind == origin->kind;
    int err = again ? append_list(loader, option, text)
                    : option_parse(option, loader->conf, text, &loader->conf->_arena, &loader->reason);
    if (settle(loader, "", option->name, origin, err))
        set_origin(loader, option, origin);
    else
        loader->failed[loader_index(option)] = true;
}

struct conf_origin loader_place(const struct conf_origin *origin, const struct tree *node)
{
    struct conf_origin place = *origin;
    place.line = node->line;
    place.column = node->column;
    return place;
}

bool loader_refuse_twice(struct loader *loader, const struct tree *member, const struct conf_origin *origin)
{
    struct conf_origin place = *origin;
    place.line = member->key_line;
    place.column = member->key_column;
    if (member->twice)
        loader_error(loader, &place, "the key \"%.*s\" stands here twice",
                     STR_ARG(str_slice(member->key, 0, 64)));
    return member->twice;
}

static bool parse_sequence(struct loader *loader, const struct option *option, void *target,
                           const struct tree *value, const struct conf_origin *origin, const char *prefix)
{
    bool sound = true;
    option_clear_list(option, target);
    for (const struct tree *item = value->child; item; item = item->next) {
        struct conf_origin place = loader_place(origin, item);
        if (item->kind != TREE_SCALAR) {
            loader_error(loader, &place, "%s%s must be a list of texts (quotes may be missing)", prefix,
                         option->name);
            sound = false;
            continue;
        }
        int err = option_append(option, target, item->text, &loader->conf->_arena, &loader->reason);
        sound = settle(loader, prefix, option->name, &place, err) && sound;
    }
    return sound;
}

bool loader_parse_tree(struct loader *loader, const struct option *option, void *target,
                       const struct tree *value, const struct conf_origin *origin, const char *prefix)
{
    if (option->type == OPTION_LIST && value->kind == TREE_SEQUENCE)
        return parse_sequence(loader, option, target, value, origin, prefix);
    struct conf_origin place = loader_place(origin, value);
    if (value->kind != TREE_SCALAR) {
        loader_error(loader, &place, "%s%s must be one %s, not a %s", prefix, option->name,
                     option_type_name(option->type), value->kind == TREE_MAPPING ? "mapping" : "list");
        return false;
    }
    int err = option_parse(option, target, value->text, &loader->conf->_arena, &loader->reason);
    return settle(loader, prefix, option->name, &place, err);
}

void loader_set_tree(struct loader *loader, const struct option *option, const struct tree *value,
                     const struct conf_origin *origin)
{
    struct conf_origin place = loader_place(origin, value);
    if (option->type == OPTION_TREE) {
        issuers_set(loader, value, origin);
        set_origin(loader, option, &place);
    } else if (loader_parse_tree(loader, option, loader->conf, value, origin, "")) {
        set_origin(loader, option, &place);
    } else {
        loader->failed[loader_index(option)] = true;
    }
}

bool loader_is_off(const struct option *absent, struct str text)
{
    struct option truth = {.name = absent->name, .type = OPTION_BOOL};
    bool on = true;
    struct buf reason;
    if (str_trim(text).len == 0)
        return true;
    if (absent->type != OPTION_BOOL)
        return absent->default_text && str_eq(text, str_from_c(absent->default_text));
    buf_init(&reason, REASON_MAX);
    int err = option_parse(&truth, &on, text, NULL, &reason);
    buf_done(&reason);
    return err == HUB_OK && !on;
}

void loader_explain_absent(struct loader *loader, const struct option *absent,
                           const struct conf_origin *origin, struct str written)
{
    loader_error(loader, origin, "%.*s %s", STR_ARG(written), absent->doc);
}

const char *loader_nearest(struct str name)
{
    const char *key = option_nearest(conf_options, name);
    const char *absent = option_nearest(conf_absent, name);
    if (!key || !absent)
        return key ? key : absent;
    bool nearer = option_distance(name, str_from_c(absent)) < option_distance(name, str_from_c(key));
    return nearer ? absent : key;
}

void loader_apply_overrides(struct loader *loader)
{
    const struct conf_source *source = loader->source;
    struct conf_origin origin = {
        .kind = CONF_SOURCE_OVERRIDE,
        .name = str_from_c(source->override_name),
    };
    for (size_t i = 0; i < source->override_count; i++) {
        const struct option *option = option_find(conf_options, str_from_c(source->overrides[i].key));
        loader_set(loader, option, str_from_c(source->overrides[i].text), &origin);
    }
}
