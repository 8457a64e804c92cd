#include "transport/bolt/env.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/random.h"
#include "transport/bolt/folder.h"
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
#define TABLES 3

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

static int open_mapped(MDB_env **ret_mdb, const char *path, size_t map_size)
{
    MDB_env *mdb;
    int err = env_err(mdb_env_create(&mdb));
    if (err)
        return err;
    err = env_err(mdb_env_set_mapsize(mdb, map_size));
    if (!err)
        err = env_err(mdb_env_set_maxdbs(mdb, TABLES));
    if (!err)
        err = env_err(mdb_env_set_maxreaders(mdb, ENV_READERS));
    if (!err)
        err = env_err(mdb_env_open(mdb, path, MDB_NOSUBDIR | MDB_NOTLS, 0600));
    if (err) {
        mdb_env_close(mdb);
        return err;
    }
    *ret_mdb = mdb;
    return HUB_OK;
}

static int open_largest(MDB_env **ret_mdb, const char *path)
{
    int err = -ENOMEM;
    for (size_t size = MAP_SIZE; size >= MAP_SIZE_MIN && err == -ENOMEM; size /= 2)
        err = open_mapped(ret_mdb, path, size);
    return err;
}

static int check_format(MDB_txn *txn, struct env *env)
{
    MDB_val key = {sizeof("format") - 1, (char[]){"format"}};
    MDB_val value;
    uint32_t format;
    int err = env_err(mdb_get(txn, env->meta, &key, &value));
    if (err || value.mv_size != sizeof(format))
        return HUB_E_CORRUPT;
    memcpy(&format, value.mv_data, sizeof(format));
    return format == ENV_FORMAT ? HUB_OK : HUB_E_UNSUPPORTED;
}

static int read_epoch(MDB_txn *txn, struct env *env)
{
    MDB_val key = {sizeof("epoch") - 1, (char[]){"epoch"}};
    MDB_val value;
    int err = env_err(mdb_get(txn, env->meta, &key, &value));
    if (err || value.mv_size != sizeof(env->epoch))
        return HUB_E_CORRUPT;
    memcpy(&env->epoch, value.mv_data, sizeof(env->epoch));
    return HUB_OK;
}

static int open_tables(MDB_txn *txn, struct env *env)
{
    int err = env_err(mdb_dbi_open(txn, "log", 0, &env->log));
    if (!err)
        err = env_err(mdb_dbi_open(txn, "ids", 0, &env->ids));
    if (!err)
        err = env_err(mdb_dbi_open(txn, "meta", 0, &env->meta));
    if (err)
        return err == HUB_E_NOT_FOUND ? HUB_E_CORRUPT : err;
    err = check_format(txn, env);
    return err ? err : read_epoch(txn, env);
}

static int read_tables(struct env *env)
{
    MDB_txn *txn;
    int err = env_err(mdb_txn_begin(env->mdb, NULL, MDB_RDONLY, &txn));
    if (err)
        return err;
    err = open_tables(txn, env);
    env->transaction = mdb_txn_id(txn);
    if (err)
        mdb_txn_abort(txn);
    else // so that the handles of the tables stay
        err = env_err(mdb_txn_commit(txn));
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
    int err = verify_head(path, env->fd, marked, &head, reterr);
    if (err)
        return err;
    err = fill_up(env, &head);
    if (!err)
        err = open_largest(&env->mdb, path);
    int stale;
    if (!err)
        err = env_err(mdb_reader_check(env->mdb, &stale));
    if (!err)
        err = read_tables(env);
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

static int put_epoch(MDB_txn *txn, MDB_dbi meta, uint64_t epoch)
{
    MDB_val key = {sizeof("epoch") - 1, (char[]){"epoch"}};
    MDB_val value = {sizeof(epoch), &epoch};
    return env_err(mdb_put(txn, meta, &key, &value, 0));
}

static int store_epoch(struct env *env, uint64_t epoch)
{
    MDB_txn *txn;
    int err = env_err(mdb_txn_begin(env->mdb, NULL, 0, &txn));
    if (err)
        return err;
    size_t transaction = mdb_txn_id(txn);
    err = put_epoch(txn, env->meta, epoch);
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

static int put_format(MDB_txn *txn, MDB_dbi meta)
{
    uint32_t format = ENV_FORMAT;
    MDB_val key = {sizeof("format") - 1, (char[]){"format"}};
    MDB_val value = {sizeof(format), &format};
    return env_err(mdb_put(txn, meta, &key, &value, 0));
}

static int create_tables(MDB_txn *txn)
{
    MDB_dbi log, ids, meta;
    int err = env_err(mdb_dbi_open(txn, "log", MDB_CREATE, &log));
    if (!err)
        err = env_err(mdb_dbi_open(txn, "ids", MDB_CREATE, &ids));
    if (!err)
        err = env_err(mdb_dbi_open(txn, "meta", MDB_CREATE, &meta));
    if (!err)
        err = put_format(txn, meta);
    uint64_t epoch;
    random_bytes(&epoch, sizeof(epoch));
    return err ? err : put_epoch(txn, meta, epoch);
}

static int fill_new(MDB_env *mdb)
{
    MDB_txn *txn;
    int err = env_err(mdb_txn_begin(mdb, NULL, 0, &txn));
    if (err)
        return err;
    err = create_tables(txn);
    if (!err)
        return env_err(mdb_txn_commit(txn));
    mdb_txn_abort(txn);
    return err;
}

static int write_new(const char *path)
{
    MDB_env *mdb;
    int err = env_err(mdb_env_create(&mdb));
    if (err)
        return err;
    err = env_err(mdb_env_set_maxdbs(mdb, TABLES));
    if (!err)
        err = env_err(mdb_env_open(mdb, path, MDB_NOSUBDIR | MDB_NOLOCK, 0600));
    if (!err)
        err = fill_new(mdb);
    mdb_env_close(mdb);
    return err;
}

int env_create(const char *path, struct buf *reterr)
{
    char draft[PATH_MAX];
    int err = HUB_OK;
    if ((size_t)snprintf(draft, sizeof(draft), "%s-new", path) >= sizeof(draft))
        err = -ENAMETOOLONG;
    if (!err && unlink(draft) != 0 && errno != ENOENT)
        err = -errno;
    if (!err)
        err = write_new(draft);
    if (!err && rename(draft, path) != 0)
        err = -errno;
    if (!err)
        err = folder_sync(path);
    if (err)
        buf_printf(reterr, "%s cannot be created: %s", path, err_text(err));
    return err;
}
