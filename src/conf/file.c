#include "base/file.h"
#include "base/err.h"
#include "conf/loader.h"
#include "conf/tree.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ETC_DIR "/etc/mercure"
#define PATH_BYTES 4096U
#define KEY_BYTES 128U

static const char *variable(const struct loader *loader, const char *name)
{
    size_t len = strlen(name);
    for (char *const *entry = loader->source->environ; entry && *entry; entry++) {
        if (strncmp(*entry, name, len) == 0 && (*entry)[len] == '=')
            return *entry + len + 1;
    }
    return "";
}

static const char *const names[] = {"cinnabar.yaml", "mercure.yaml", "mercure.yml", "mercure.json", NULL};
// Of other formats that the 0.x hub could read.
static const char *const unread_names[] = {
    "mercure.toml",   "mercure.properties", "mercure.props", "mercure.prop", "mercure.hcl",
    "mercure.tfvars", "mercure.dotenv",     "mercure.env",   "mercure.ini",  NULL};

// The path of the first of the names that exists in a folder.
static bool find_in(char path[PATH_BYTES], const char *dir, const char *sub, const char *const *list)
{
    for (; *list; list++) {
        int len = snprintf(path, PATH_BYTES, "%s%s%s", dir, sub, *list);
        // What exists and cannot be looked at is found: reading it tells why.
        if (len > 0 && (size_t)len < PATH_BYTES && (access(path, F_OK) == 0 || errno == EACCES))
            return true;
    }
    return false;
}

static bool find_file(const struct loader *loader, char path[PATH_BYTES], const char *const *list)
{
    const struct conf_source *source = loader->source;
    const char *xdg = variable(loader, "XDG_CONFIG_HOME");
    const char *home = variable(loader, "HOME");
    if (source->work_dir ? find_in(path, source->work_dir, "/", list) : find_in(path, "", "", list))
        return true;
    if (*xdg ? find_in(path, xdg, "/mercure/", list)
             : *home && find_in(path, home, "/.config/mercure/", list))
        return true;
    return find_in(path, source->etc_dir ? source->etc_dir : ETC_DIR, "/", list);
}

// In 0.x the case of letters did not matter.
static struct str fold_key(struct str key, char lower[KEY_BYTES])
{
    if (key.len > KEY_BYTES)
        return key;
    for (size_t i = 0; i < key.len; i++)
        lower[i] = key.ptr[i] >= 'A' && key.ptr[i] <= 'Z' ? (char)(key.ptr[i] | 0x20) : key.ptr[i];
    return str_make(lower, key.len);
}

// Lists and mappings are on unless they are empty.
static bool is_off(const struct option *absent, const struct tree *value)
{
    return value->kind == TREE_SCALAR ? value->null || loader_is_off(absent, value->text) : !value->child;
}

static void refuse_key(struct loader *loader, const struct tree *member, const struct conf_origin *place)
{
    char lower[KEY_BYTES];
    struct str key = str_slice(fold_key(member->key, lower), 0, 64);
    const struct option *absent = option_find(conf_absent, key);
    const char *nearest = loader_nearest(key);
    if (absent && is_off(absent, member))
        return;
    if (absent)
        loader_explain_absent(loader, absent, place, key);
    else if (nearest)
        loader_error(loader, place, "unknown key \"%.*s\"; did you mean \"%s\"?", STR_ARG(key), nearest);
    else
        loader_error(loader, place, "unknown key \"%.*s\"", STR_ARG(key));
}

static void apply_member(struct loader *loader, const struct tree *member, const struct conf_origin *origin)
{
    struct conf_origin place = *origin;
    place.line = member->key_line;
    place.column = member->key_column;
    char lower[KEY_BYTES];
    const struct option *option = option_find(conf_options, fold_key(member->key, lower));
    if (loader_refuse_twice(loader, member, origin))
        return;
    if (!option) {
        refuse_key(loader, member, &place);
        return;
    }
    const struct conf_origin *before = loader_origin(loader, option);
    if (before->kind == CONF_SOURCE_FILE) // under its other name
        loader_error(loader, &place, "%.*s is the same key as the one on line %u", STR_ARG(member->key),
                     before->line);
    else if (!member->null)
        loader_set_tree(loader, option, member, origin);
}

// Of a broken file nobody knows which keys it would have set: those that are missing are not complained
// about.
static void refuse_file(struct loader *loader, const struct conf_origin *place, const char *what)
{
    loader_error(loader, place, "%s", what);
    loader->failed[loader_index(option_find(conf_options, STR("issuers")))] = true;
}

static void refuse_unread(struct loader *loader, const struct conf_origin *origin, int err)
{
    char what[128];
    (void)snprintf(what, sizeof(what), "cannot read the file: %s", err_text(err));
    refuse_file(loader, origin, what);
}

static void apply_text(struct loader *loader, struct str text, const struct conf_origin *origin)
{
    struct tree *root = NULL;
    struct tree_error error;
    struct conf_origin place = *origin;
    int err = tree_parse(&root, text, &loader->conf->_arena, &error);
    if (err == -ENOMEM) {
        loader->err = err;
    } else if (err) {
        place.line = error.line;
        place.column = error.column;
        refuse_file(loader, &place, error.text);
    } else if (root && root->kind != TREE_MAPPING) {
        place = loader_place(origin, root);
        refuse_file(loader, &place, "the file must hold keys and values, as \"addr: :80\"");
    } else if (root) {
        for (const struct tree *member = root->child; member; member = member->next)
            apply_member(loader, member, origin);
    }
}

static void apply_path(struct loader *loader, const char *path)
{
    struct conf_origin origin = {.kind = CONF_SOURCE_FILE, .name = str_from_c(path)};
    struct buf text;
    buf_init(&text, TREE_TEXT_MAX);
    int err = file_read_path(path, &text);
    if (err == -ENOMEM)
        loader->err = err;
    else if (err == HUB_E_TOO_BIG)
        refuse_file(loader, &origin, "the file is larger than 256 KiB");
    else if (err)
        refuse_unread(loader, &origin, err);
    else
        apply_text(loader, buf_str(&text), &origin);
    buf_done(&text);
    loader->conf->file = arena_dup(&loader->conf->_arena, origin.name);
    if (!loader->conf->file.ptr)
        loader->err = -ENOMEM;
}

static void warn_unread(struct loader *loader, const char *path)
{
    struct conf_origin origin = {.kind = CONF_SOURCE_FILE, .name = str_from_c(path)};
    loader_warn(loader, &origin, "is not read here, though 0.x did: write its keys to a mercure.yaml");
}

void loader_apply_file(struct loader *loader)
{
    char path[PATH_BYTES];
    if (loader->config_path.ptr)
        apply_path(loader, loader->config_path.ptr);
    else if (find_file(loader, path, names))
        apply_path(loader, path);
    else if (find_file(loader, path, unread_names))
        warn_unread(loader, path);
}
