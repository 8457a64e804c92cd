#include "base/err.h"
#include "base/file.h"
#include "conf/loader.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PREFIX "MERCURE_"
#define NAME_BYTES 128U
#define SECRET_MAX OPTION_TEXT_MAX

// The value of a variable, or NULL when it is unset or empty, which is the same.
static const char *get(const struct loader *loader, const char *name)
{
    size_t len = strlen(name);
    for (char *const *entry = loader->source->environ; entry && *entry; entry++) {
        if (strncmp(*entry, name, len) == 0 && (*entry)[len] == '=')
            return (*entry)[len + 1] ? *entry + len + 1 : NULL;
    }
    return NULL;
}

// The variable's name of a key: MERCURE_ and the key in upper case, and `suffix`.
static void make_name(char name[NAME_BYTES], const char *prefix, const char *key, const char *suffix)
{
    (void)snprintf(name, NAME_BYTES, "%s%s%s", prefix, key, suffix);
    for (char *c = name; *c; c++) {
        if (*c >= 'a' && *c <= 'z')
            *c = (char)(*c - 'a' + 'A');
    }
}

static struct conf_origin origin_of(const char *name)
{
    return (struct conf_origin){.kind = CONF_SOURCE_ENVIRONMENT, .name = str_from_c(name)};
}

// The content of the file without the line end that editors add. A NULL ptr after an error, which has been
// noted.
static struct str read_secret(struct loader *loader, const char *name, const char *path)
{
    struct conf_origin origin = origin_of(name);
    struct str secret = {0};
    struct buf buf;
    buf_init(&buf, SECRET_MAX);
    int err = file_read_path(path, &buf);
    if (err == HUB_E_TOO_BIG)
        loader_error(loader, &origin, "the file \"%s\" is larger than %u KiB", path, SECRET_MAX / 1024);
    else if (err && err != -ENOMEM)
        loader_error(loader, &origin, "cannot read the file \"%s\": %s", path, err_text(err));
    struct str content = buf_str(&buf);
    if (str_ends_with(content, STR("\n")))
        content.len--;
    if (str_ends_with(content, STR("\r")))
        content.len--;
    if (!err && content.len == 0)
        loader_error(loader, &origin, "the file \"%s\" is empty", path);
    else if (!err)
        secret = arena_dup(&loader->conf->_arena, content);
    if (err == -ENOMEM || (!err && content.len && !secret.ptr))
        loader->err = -ENOMEM;
    buf_done(&buf);
    return secret;
}

// Looks for one variable and, for secrets, its _FILE. True when it is set; the text's ptr is NULL when it
// could not be read.
static bool look_up(struct loader *loader, const char *prefix, const char *key, unsigned flags,
                    char name[NAME_BYTES], struct str *ret_text)
{
    char file_name[NAME_BYTES];
    make_name(name, prefix, key, "");
    make_name(file_name, prefix, key, "_FILE");
    const char *text = get(loader, name);
    const char *path = flags & OPTION_SECRET ? get(loader, file_name) : NULL;
    if (text && path) {
        struct conf_origin origin = origin_of(file_name);
        loader_error(loader, &origin, "%s is set as well: set one of them", name);
    }
    if (path)
        (void)memcpy(name, file_name, NAME_BYTES);
    *ret_text = path && !text ? read_secret(loader, name, path) : str_from_c(text);
    return text || path;
}

// The prefixed names first, the key's own before its aliases, then the name that 0.x had.
static bool look_up_option(struct loader *loader, const struct option *option, char name[NAME_BYTES],
                           struct str *ret_text)
{
    const char *const *alias = option->aliases;
    const char *first = option->flags & OPTION_BARE ? NULL : option->name;
    for (const char *key = first; key; key = alias ? *alias++ : NULL) {
        if (look_up(loader, PREFIX, key, option->flags, name, ret_text))
            return true;
    }
    return option->variable && look_up(loader, "", option->variable, option->flags, name, ret_text);
}

// Whether it stands in a variable that other programs read as well, and is nothing that we could mean.
static bool is_foreign(const struct option *option, const char *name, struct str text)
{
    struct option truth = {.name = option->name, .type = option->type};
    bool value;
    struct buf reason;
    if (!(option->flags & OPTION_SHARED) || option->type != OPTION_BOOL ||
        strcmp(name, option->variable) != 0)
        return false;
    buf_init(&reason, NAME_BYTES);
    int err = option_parse(&truth, &value, text, NULL, &reason);
    buf_done(&reason);
    return err != HUB_OK;
}

static void apply_option(struct loader *loader, const struct option *option)
{
    char name[NAME_BYTES];
    struct str text;
    if (!look_up_option(loader, option, name, &text) || (text.ptr && is_foreign(option, name, text)))
        return;
    struct conf_origin origin = origin_of(name);
    if (text.ptr)
        loader_set(loader, option, text, &origin);
    else
        loader->failed[loader_index(option)] = true;
}

// The issuer that the variables of the container image make. As with every other key, the environment
// replaces what weaker sources say; a list in MERCURE_ISSUERS gets one entry more.
static void add_issuer(struct loader *loader, const struct variable_value values[CONF_VARIABLE_COUNT],
                       const struct conf_origin *origin)
{
    const struct option *issuers = option_find(conf_options, STR("issuers"));
    struct conf_origin *current = loader_origin(loader, issuers);
    if (current->kind == CONF_SOURCE_FILE)
        loader_warn(loader, origin, "replaces the issuers of %.*s", STR_ARG(current->name));
    if (current->kind != CONF_SOURCE_ENVIRONMENT) {
        loader->conf->issuer_count = 0;
        *current = *origin;
        current->name = arena_dup(&loader->conf->_arena, origin->name);
        if (!current->name.ptr)
            loader->err = -ENOMEM;
    }
    issuers_add_variables(loader, values);
}

// False when one could not be read.
static bool look_up_variables(struct loader *loader)
{
    for (size_t i = 0; i < CONF_VARIABLE_COUNT; i++) {
        const struct option *variable = &conf_variables[i];
        struct variable_value *value = &loader->variables[i];
        char name[NAME_BYTES];
        bool set = look_up(loader, PREFIX, variable->name, variable->flags, name, &value->text);
        value->origin = origin_of(name);
        value->origin.name = arena_dup(&loader->conf->_arena, value->origin.name);
        if (!value->origin.name.ptr)
            loader->err = -ENOMEM;
        if (set && !value->text.ptr) {
            loader->failed[loader_index(option_find(conf_options, STR("issuers")))] = true;
            return false;
        }
    }
    return loader->err == HUB_OK;
}

static void apply_variables(struct loader *loader)
{
    const struct variable_value *values = loader->variables;
    if (!look_up_variables(loader))
        return;
    const struct variable_value *publisher = &values[CONF_VARIABLE_PUBLISHER_KEY];
    const struct variable_value *subscriber = &values[CONF_VARIABLE_SUBSCRIBER_KEY];
    if (publisher->text.ptr || subscriber->text.ptr) {
        add_issuer(loader, values, publisher->text.ptr ? &publisher->origin : &subscriber->origin);
        return;
    }
    for (size_t i = 0; i < CONF_VARIABLE_COUNT; i++) {
        if (values[i].text.ptr)
            loader_warn(loader, &values[i].origin,
                        "has no effect without MERCURE_PUBLISHER_JWT_KEY or MERCURE_SUBSCRIBER_JWT_KEY");
    }
}

static void refuse_absent(struct loader *loader, const struct option *absent)
{
    char name[NAME_BYTES];
    struct str text;
    struct conf_origin origin = {.kind = CONF_SOURCE_ENVIRONMENT};
    if (!(absent->flags & OPTION_BARE) && look_up(loader, PREFIX, absent->name, 0, name, &text)) {
        origin.name = str_from_c(name);
        if (!loader_is_off(absent, text))
            loader_explain_absent(loader, absent, &origin, str_from_c(absent->name));
    } else if (absent->variable && look_up(loader, "", absent->variable, 0, name, &text) &&
               !loader_is_off(absent, text)) {
        origin.name = str_from_c(name);
        loader_error(
            loader, &origin,
            "%s %s; the names that 0.x had without a prefix count too: unset %s if it is meant for another "
            "program",
            absent->name, absent->doc, name);
    }
}

// The key that has a variable of this name behind the prefix, or NULL.
static const struct option *find_prefixed(struct str key)
{
    const struct option *const tables[] = {conf_variables, conf_options, conf_absent};
    for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
        const struct option *option = option_find(tables[i], key);
        if (option && !(option->flags & OPTION_BARE))
            return option;
    }
    return NULL;
}

// Other programs have variables with our prefix too (Kubernetes makes MERCURE_PORT of a service named
// "mercure"): a name that means nothing is no error.
static void warn_unknown(struct loader *loader, struct str name, struct str key)
{
    struct conf_origin origin = {.kind = CONF_SOURCE_ENVIRONMENT, .name = name};
    struct str file_of = str_slice(key, 0, key.len - (key.len > 5 ? 5 : 0));
    const struct option *secret = str_ends_with(key, STR("_file")) ? find_prefixed(file_of) : NULL;
    const char *nearest = loader_nearest(key);
    char suggested[NAME_BYTES];
    if (find_prefixed(key) || (secret && (secret->flags & OPTION_SECRET)))
        return;
    if (secret) {
        loader_warn(loader, &origin, "has no effect: only secrets are read from a file");
    } else if (option_find(conf_options, key) || option_find(conf_absent, key)) {
        loader_warn(loader, &origin, "has no effect: the 0.x keys for tokens have no prefix");
    } else if (nearest) {
        make_name(suggested, PREFIX, nearest, "");
        loader_warn(loader, &origin, "unknown variable; did you mean %s?", suggested);
    } else {
        loader_warn(loader, &origin, "unknown variable");
    }
}

static void check_name(struct loader *loader, const char *entry)
{
    struct str name = str_from_c(entry);
    name = str_slice(name, 0, str_find(name, 0, '='));
    char lower[NAME_BYTES];
    size_t prefix = strlen(PREFIX);
    if (!str_starts_with(name, STR(PREFIX)) || name.len - prefix >= sizeof(lower) ||
        entry[name.len] == '\0' || entry[name.len + 1] == '\0')
        return;
    struct str key = str_make(lower, name.len - prefix);
    for (size_t i = 0; i < key.len; i++) {
        char c = name.ptr[prefix + i];
        lower[i] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
    }
    warn_unknown(loader, name, key);
}

void loader_apply_environment(struct loader *loader)
{
    for (const struct option *option = conf_options; option->name; option++)
        apply_option(loader, option);
    apply_variables(loader);
    for (const struct option *absent = conf_absent; absent->name; absent++)
        refuse_absent(loader, absent);
    for (char *const *entry = loader->source->environ; entry && *entry; entry++)
        check_name(loader, *entry);
}
