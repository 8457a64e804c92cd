#include "transport/bolt/env.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/random.h"
#include "transport/bolt/folder.h"
#include "transport/bolt/head.h"
#include "transport/bolt/verify.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

// Address space, not memory: LMDB can never be given more while it is in use, so it gets what there is.
#define MAP_SIZE ((size_t)1 << 40)
#define MAP_SIZE_MIN ((size_t)1 << 26)

int env_err(int code)
{
    if (code >= 0)
        return -code;
    switch (code) {
    case MDB_NOTFOUND:
        return HUB_E_NOT_FOUND;
    case MDB_MAP_FULL:
        return HUB_E_FULL;
    case MDB_READERS_FULL:
        return HUB_E_BUSY;
    case MDB_TXN_FULL:
        return HUB_E_TOO_BIG;
    case MDB_VERSION_MISMATCH:
        return HUB_E_UNSUPPORTED;
    case MDB_PANIC:
        return -EIO;
    default:
        return HUB_E_CORRUPT;
    }
}

static int open_mapped(MDB_env **ret_mdb, const char *path, unsigned flags, size_t map_size)
{
    MDB_env *mdb;
    int err = env_err(mdb_env_create(&mdb));
    if (err)
        return err;
    err = env_err(mdb_env_set_mapsize(mdb, map_size));
    if (!err)
        err = env_err(mdb_env_set_maxreaders(mdb, ENV_READERS));
    if (!err)
        err = env_err(mdb_env_open(mdb, path, MDB_NOSUBDIR | flags, 0600));
    if (err) {
        mdb_env_close(mdb);
        return err;
    }
    *ret_mdb = mdb;
    return HUB_OK;
}

static int open_largest(MDB_env **ret_mdb, const char *path, unsigned flags)
{
    int err = -ENOMEM;
    for (size_t size = MAP_SIZE; size >= MAP_SIZE_MIN && err == -ENOMEM; size /= 2)
        err = open_mapped(ret_mdb, path, flags, size);
    return err;
}

// A row of ENV_META.
static MDB_val meta_key(char key[16], const char *name)
{
    key[0] = ENV_META;
    int len = snprintf(key + 1, 15, "%s", name);
    return (MDB_val){1 + (size_t)len, key};
}

static int get_meta(MDB_txn *txn, const struct env *env, const char *name, void *to, size_t size)
{
    char bytes[16];
    MDB_val key = meta_key(bytes, name);
    MDB_val value;
    int err = env_err(mdb_get(txn, env->rows, &key, &value));
    if (err == HUB_E_NOT_FOUND || (!err && value.mv_size != size))
        return HUB_E_CORRUPT;
    if (!err)
        memcpy(to, value.mv_data, size);
    return err;
}

static int put_meta(MDB_txn *txn, MDB_dbi rows, const char *name, void *from, size_t size)
{
    char bytes[16];
    MDB_val key = meta_key(bytes, name);
    MDB_val value = {size, from};
    return env_err(mdb_put(txn, rows, &key, &value, 0));
}

static int open_table(MDB_txn *txn, struct env *env)
{
    uint32_t format = 0;
    int err = env_err(mdb_dbi_open(txn, NULL, 0, &env->rows));
    if (!err)
        err = get_meta(txn, env, "format", &format, sizeof(format));
    if (!err && format != ENV_FORMAT)
        err = HUB_E_UNSUPPORTED;
    return err ? err : get_meta(txn, env, "epoch", &env->epoch, sizeof(env->epoch));
}

static int read_table(struct env *env)
{
    MDB_txn *txn;
    int err = env_err(mdb_txn_begin(env->mdb, NULL, MDB_RDONLY, &txn));
    if (err)
        return err;
    err = open_table(txn, env);
    env->transaction = mdb_txn_id(txn);
    mdb_txn_abort(txn);
    return err;
}

static void explain(int err, const char *path, struct buf *reterr)
{
    if (err == HUB_E_CORRUPT)
        buf_printf(reterr,
                   "%s is damaged, or no store of this hub. Put a copy back in its place, or move it away",
                   path);
    else if (err == HUB_E_UNSUPPORTED)
        buf_printf(reterr, "%s has a format that this version does not know; a newer one wrote it", path);
    else
        buf_printf(reterr, "%s cannot be opened: %s", path, err_text(err));
}

// Behind the end of the file there is no page, and reading one would end the process.
static int fill_up(const struct env *env, const struct head *head)
{
    if (head->full_size <= head->size)
        return HUB_OK;
    return ftruncate(env->fd, (off_t)head->full_size) ? -errno : HUB_OK;
}

static int open_verified(struct env *env, const char *path, uint64_t marked, struct buf *reterr)
{
    struct head head;
    int err = head_verify(path, env->fd, marked, &head, reterr);
    if (err)
        return err;
    err = fill_up(env, &head);
    if (!err)
        err = open_largest(&env->mdb, path, MDB_NOTLS);
    int stale;
    if (!err)
        err = env_err(mdb_reader_check(env->mdb, &stale));
    if (!err)
        err = read_table(env);
    if (err)
        explain(err, path, reterr);
    else
        err = verify_pages(path, env, &head, reterr);
    if (err && head.full_size > head.size && ftruncate(env->fd, (off_t)head.size) != 0)
        buf_printf(reterr, " (its size was changed: it was %llu)", (unsigned long long)head.size);
    return err;
}

int env_open(struct env *env, const char *path, uint64_t marked, struct buf *reterr)
{
    *env = (struct env){.fd = open(path, O_RDWR | O_CLOEXEC)};
    int err = HUB_OK;
    if (env->fd < 0) {
        err = -errno;
        explain(err, path, reterr);
    } else {
        err = open_verified(env, path, marked, reterr);
    }
    if (err)
        env_close(env);
    return err;
}

void env_close(struct env *env)
{
    if (env->mdb)
        mdb_env_close(env->mdb);
    if (env->fd >= 0)
        (void)close(env->fd);
    *env = (struct env){.fd = -1};
}

static int store_epoch(struct env *env, uint64_t epoch)
{
    MDB_txn *txn;
    int err = env_err(mdb_txn_begin(env->mdb, NULL, 0, &txn));
    if (err)
        return err;
    size_t transaction = mdb_txn_id(txn);
    err = put_meta(txn, env->rows, "epoch", &epoch, sizeof(epoch));
    if (err) {
        mdb_txn_abort(txn);
        return err;
    }
    err = env_err(mdb_txn_commit(txn));
    if (!err) {
        env->epoch = epoch;
        env->transaction = transaction;
    }
    return err;
}

int env_renew_epoch(struct env *env)
{
    uint64_t epoch;
    random_bytes(&epoch, sizeof(epoch));
    return store_epoch(env, epoch);
}

int env_probe(struct env *env)
{
    return store_epoch(env, env->epoch);
}

// ---- A new store ----

static int create_table(MDB_txn *txn, struct env *env)
{
    uint32_t format = ENV_FORMAT;
    uint64_t epoch;
    random_bytes(&epoch, sizeof(epoch));
    int err = env_err(mdb_dbi_open(txn, NULL, MDB_CREATE, &env->rows));
    if (!err)
        err = put_meta(txn, env->rows, "format", &format, sizeof(format));
    return err ? err : put_meta(txn, env->rows, "epoch", &epoch, sizeof(epoch));
}

static int begin_new(struct env *env)
{
    MDB_txn *txn;
    int err = env_err(mdb_txn_begin(env->mdb, NULL, 0, &txn));
    if (err)
        return err;
    err = create_table(txn, env);
    if (!err)
        return env_err(mdb_txn_commit(txn));
    mdb_txn_abort(txn);
    return err;
}

// Nobody else has the draft, and it is thrown away when it is not finished: one sync at its end is enough.
static int write_draft(const char *draft, env_fill_fn *fill, void *arg, struct buf *reterr)
{
    struct env env = {.fd = -1};
    int err = open_largest(&env.mdb, draft, MDB_NOLOCK | MDB_NOSYNC);
    if (!err)
        err = begin_new(&env);
    if (!err && fill)
        err = fill(&env, arg, reterr);
    if (!err)
        err = env_err(mdb_env_sync(env.mdb, 1));
    env_close(&env);
    return err;
}

static int replace(const char *draft, const char *path)
{
    if (rename(draft, path) != 0)
        return -errno;
    return folder_sync(path);
}

int env_create(const char *path, env_fill_fn *fill, void *arg, struct buf *reterr)
{
    char draft[PATH_MAX];
    size_t said = reterr->len;
    int err = HUB_OK;
    if ((size_t)snprintf(draft, sizeof(draft), "%s-new", path) >= sizeof(draft))
        err = -ENAMETOOLONG;
    if (!err && unlink(draft) != 0 && errno != ENOENT)
        err = -errno;
    if (!err) {
        err = write_draft(draft, fill, arg, reterr);
        if (err)
            (void)unlink(draft);
    }
    if (!err)
        err = replace(draft, path);
    if (err && reterr->len == said)
        buf_printf(reterr, "%s cannot be created: %s", path, err_text(err));
    return err;
}
