#include "base/buf.h"
#include "base/err.h"
#include "transport/bolt/folder.h"
#include "transport/bolt/go_file.h"
#include "transport/bolt/import.h"
#include "transport/bolt/store_priv.h"

#include <errno.h>
#include <sys/stat.h>

// What filling a new store takes.
struct filling {
    const struct import_order *order;
    const struct go_file *file;
    const char *path;
};

static int fill(struct env *env, void *arg, struct buf *reterr)
{
    const struct filling *filling = arg;
    return import_run(filling->order, filling->file, filling->path, env, reterr);
}

static int create(struct store *store, const struct import_order *order, struct buf *reterr)
{
    struct go_file file;
    int err = go_file_open(&file, store->go_path, reterr);
    if (err == HUB_E_NOT_FOUND)
        return env_create(store->path, NULL, NULL, reterr);
    if (err)
        return err;
    struct filling filling = {.order = order, .file = &file, .path = store->go_path};
    err = env_create(store->path, fill, &filling, reterr);
    go_file_close(&file);
    return err;
}

static int find_or_create(struct store *store, const struct import_order *order, struct buf *reterr)
{
    struct stat status;
    if (stat(store->path, &status) != 0) {
        if (errno == ENOENT)
            return create(store, order, reterr);
        int err = -errno;
        buf_printf(reterr, "%s cannot be opened: %s", store->path, err_text(err));
        return err;
    }
    if (!S_ISREG(status.st_mode)) {
        buf_printf(reterr, "%s is not a file", store->path);
        return HUB_E_INVALID;
    }
    int err = checkpoint_recover(store->path, store->lock.fd);
    if (err)
        buf_printf(reterr, "%s cannot be put back to its last sync: %s", store->path, err_text(err));
    return err;
}

// The store is older than it was when it was last open.
static int check_epoch(struct store *store, struct buf *reterr)
{
    if (store->env.transaction >= store->lock.transaction)
        return HUB_OK;
    int err = env_renew_epoch(&store->env);
    if (err)
        buf_printf(reterr, "%s cannot be written: %s", store->path, err_text(err));
    return err;
}

int opening_run(struct store *store, const struct import_order *order, struct buf *reterr)
{
    int err = folder_create(store->path, reterr);
    if (!err)
        err = lock_take(&store->lock, store->lock_path, reterr);
    if (err)
        return err;
    err = find_or_create(store, order, reterr);
    if (!err)
        err = env_open(&store->env, store->path, store->lock.transaction, reterr);
    if (!err)
        err = check_epoch(store, reterr);
    if (err) {
        env_close(&store->env);
        lock_release(&store->lock);
        return err;
    }
    lock_mark(&store->lock, store->env.epoch, store->env.transaction);
    return HUB_OK;
}

int opening_again(struct store *store)
{
    struct buf unread;
    buf_init(&unread, STORE_REASON_MAX);
    (void)pthread_rwlock_wrlock(&store->env_lock);
    checkpoint_unpin(&store->checkpoint);
    for (size_t i = 0; i < STORE_READERS; i++) {
        mdb_txn_abort(store->readers[i].txn);
        store->readers[i].txn = NULL;
    }
    env_close(&store->env);
    int err = env_open(&store->env, store->path, 0, &unread);
    (void)pthread_rwlock_unlock(&store->env_lock);
    buf_done(&unread);
    return err;
}
