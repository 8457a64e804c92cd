#include "base/buf.h"
#include "base/err.h"
#include "transport/bolt/folder.h"
#include "transport/bolt/store_priv.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// The first page of bbolt's file: a head of 16 bytes, then this number in the order of bytes of its machine.
#define GO_MAGIC 0xED0CDAEDU
#define GO_MAGIC_AT 16

static bool is_go_file(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return false;
    uint32_t magic = 0;
    ssize_t len = pread(fd, &magic, sizeof(magic), GO_MAGIC_AT);
    (void)close(fd);
    return len == (ssize_t)sizeof(magic) && (le32toh(magic) == GO_MAGIC || be32toh(magic) == GO_MAGIC);
}

static int create(struct store *store, struct buf *reterr)
{
    if (is_go_file(store->go_path)) {
        buf_printf(
            reterr,
            "%s is the history of a Go hub, which this version cannot read: move it away to begin with an "
            "empty history in %s, or name another path in transport_url",
            store->go_path, store->path);
        return HUB_E_UNSUPPORTED;
    }
    return env_create(store->path, reterr);
}

static int find_or_create(struct store *store, struct buf *reterr)
{
    struct stat status;
    if (stat(store->path, &status) != 0) {
        if (errno == ENOENT)
            return create(store, reterr);
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

int opening_run(struct store *store, struct buf *reterr)
{
    int err = folder_create(store->path, reterr);
    if (!err)
        err = lock_take(&store->lock, store->lock_path, reterr);
    if (err)
        return err;
    err = find_or_create(store, reterr);
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
