#include "transport/bolt/settings.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "transport/dsn.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

// Room for what is put behind the path to name the files of the store.
#define SUFFIX_MAX 16U

const struct option settings_options[] = {
    {.name = "size",
     .type = OPTION_INTEGER,
     .default_text = "0",
     OPTION_AT(struct settings, size),
     .doc = "How many updates the history keeps; the oldest go first. 0 keeps all."},
    {.name = "sync",
     .type = OPTION_ENUM,
     .words = (const char *const[]){"always", "off", NULL},
     .default_text = "always",
     OPTION_AT(struct settings, sync),
     .doc = "always: an update is on the disk before its publisher gets 200. off: it is there within about a "
            "second, and what came in that second is lost when the power fails."},
    {.name = "bucket_name",
     .type = OPTION_TEXT,
     .default_text = "updates",
     OPTION_AT(struct settings, bucket),
     .doc = "The bucket of the history in the file of a Go hub that is imported."},
    {.name = "cleanup_frequency",
     .type = OPTION_TEXT,
     .flags = OPTION_IGNORED,
     .doc = "Said how often a Go hub held its history to the size; it is always held to it now."},
    {0},
};

// bolt:///a/b.db names /a/b.db, bolt://b.db names b.db in the working directory; bolt://a/b.db names /b.db,
// as it did in 0.x.
static int name_path(const struct dsn *dsn, struct arena *arena, struct str *ret_path, struct buf *reterr)
{
    *ret_path = dsn->path;
    if (dsn->path.len)
        return HUB_OK;
    int err = dsn_decode(dsn->host, arena, ret_path);
    if (err == HUB_E_INVALID)
        buf_printf(reterr, "the path of the bolt:// URL has a '%%' without two hexadecimal digits after it");
    if (!err && ret_path->len == 0) {
        buf_printf(reterr,
                   "the bolt:// URL needs a path, as in bolt://mercure.db or bolt:///var/lib/mercure.db");
        return HUB_E_INVALID;
    }
    return err;
}

static int make_absolute(struct str *path, struct arena *arena)
{
    if (path->ptr[0] == '/')
        return HUB_OK;
    char folder[PATH_MAX];
    if (!getcwd(folder, sizeof(folder)))
        return -errno;
    size_t len = strlen(folder);
    char *to = arena_alloc(arena, len + 1 + path->len + 1);
    if (!to)
        return -ENOMEM;
    memcpy(to, folder, len);
    to[len] = '/';
    memcpy(to + len + 1, path->ptr, path->len + 1);
    *path = str_make(to, len + 1 + path->len);
    return HUB_OK;
}

static int check_path(struct str path, struct buf *reterr)
{
    if (path.ptr[path.len - 1] == '/') {
        buf_printf(reterr, "the path of the bolt:// URL is a folder, \"%.*s\"; it must name a file",
                   STR_ARG(path));
        return HUB_E_INVALID;
    }
    if (path.len + SUFFIX_MAX >= PATH_MAX) {
        buf_printf(reterr, "the path of the bolt:// URL is longer than %u bytes", PATH_MAX - SUFFIX_MAX - 1);
        return HUB_E_INVALID;
    }
    return HUB_OK;
}

static int parse(struct settings *settings, struct str url, struct arena *arena, struct buf *notes,
                 struct buf *reterr)
{
    struct dsn dsn;
    int err = option_set_defaults(settings_options, settings, arena);
    if (!err)
        err = dsn_parse(&dsn, url, arena, reterr);
    if (!err)
        err = option_parse_query(settings_options, settings, dsn.query, arena, notes, reterr);
    if (settings->bucket.len == 0)
        settings->bucket = STR("updates"); // as Go hubs do
    if (!err)
        err = name_path(&dsn, arena, &settings->path, reterr);
    if (!err)
        err = make_absolute(&settings->path, arena);
    if (!err)
        err = check_path(settings->path, reterr);
    if (!err && notes && dsn.path.len && dsn.host.len)
        buf_printf(notes,
                   "\"%.*s\" in the bolt:// URL is not part of the path: the history is in %.*s.lmdb\n",
                   STR_ARG(dsn.host), STR_ARG(settings->path));
    return err;
}

int settings_parse(struct settings *ret_settings, struct str url, struct arena *arena, struct buf *notes,
                   struct buf *reterr)
{
    struct settings settings = {0};
    size_t said = reterr->len;
    int err = parse(&settings, url, arena, notes, reterr);
    if (!err)
        *ret_settings = settings;
    else if (reterr->len == said)
        buf_printf(reterr, "the bolt:// URL cannot be read: %s", err_text(err));
    return err;
}
