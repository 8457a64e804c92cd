#include "transport/bolt/checkpoint.h"

#include "base/err.h"
#include "base/hash.h"
#include "transport/bolt/env.h"
#include "transport/bolt/head.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#define BOOT_ID_FILE "/proc/sys/kernel/random/boot_id"
#define BOOT_ID_SIZE 36U
#define MAGIC "checkpt1"
// Behind the lines of text, in a sector of its own: it is there or not, but never in part.
#define SAVED_AT 512

struct saved {
    char magic[8];
    char boot_id[BOOT_ID_SIZE];
    struct head_copy head;
    uint32_t hash; // of all before it
};

static uint32_t hash_saved(const struct saved *saved)
{
    return hash_stable(str_make((const char *)saved, offsetof(struct saved, hash)));
}

// Names this start of the machine. Zeros when the system does not say, which is equal to none.
static void read_boot_id(char boot_id[BOOT_ID_SIZE])
{
    memset(boot_id, 0, BOOT_ID_SIZE);
    int fd = open(BOOT_ID_FILE, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    if (read(fd, boot_id, BOOT_ID_SIZE) != (ssize_t)BOOT_ID_SIZE)
        memset(boot_id, 0, BOOT_ID_SIZE);
    (void)close(fd);
}

static bool is_same_boot(const struct saved *saved)
{
    char boot_id[BOOT_ID_SIZE];
    read_boot_id(boot_id);
    return boot_id[0] && memcmp(boot_id, saved->boot_id, BOOT_ID_SIZE) == 0;
}

static int write_saved(int side_fd, const struct saved *saved)
{
    ssize_t len = pwrite(side_fd, saved, sizeof(*saved), SAVED_AT);
    if (len != (ssize_t)sizeof(*saved))
        return len < 0 ? -errno : -ENOSPC;
    return fdatasync(side_fd) ? -errno : HUB_OK;
}

static int erase_saved(int side_fd)
{
    return write_saved(side_fd, &(struct saved){.hash = 0});
}

static bool read_saved(int side_fd, struct saved *saved)
{
    ssize_t len = pread(side_fd, saved, sizeof(*saved), SAVED_AT);
    return len == (ssize_t)sizeof(*saved) && memcmp(saved->magic, MAGIC, sizeof(saved->magic)) == 0 &&
           saved->hash == hash_saved(saved);
}

// ---- While the store is open ----

// Moves the pin to the newest transaction. Until then the one before stays pinned.
static int move_pin(struct checkpoint *checkpoint, const struct env *env)
{
    MDB_txn *pin;
    int err = env_err(mdb_txn_begin(env->mdb, NULL, MDB_RDONLY, &pin));
    if (err)
        return err;
    checkpoint_unpin(checkpoint);
    checkpoint->pin = pin;
    return HUB_OK;
}

int checkpoint_take(struct checkpoint *checkpoint, const struct env *env, int side_fd)
{
    struct saved saved = {.magic = MAGIC};
    int err = env_err(mdb_env_sync(env->mdb, 1));
    if (!err)
        err = head_save(env->fd, &saved.head);
    if (err)
        return err;
    read_boot_id(saved.boot_id);
    saved.hash = hash_saved(&saved);
    checkpoint->is_saved = true; // whatever comes of it
    err = write_saved(side_fd, &saved);
    return err ? err : move_pin(checkpoint, env);
}

int checkpoint_end(struct checkpoint *checkpoint, const struct env *env, int side_fd)
{
    if (!checkpoint->is_saved)
        return HUB_OK;
    int err = env_err(mdb_env_sync(env->mdb, 1));
    if (!err)
        err = erase_saved(side_fd);
    if (err)
        return err;
    checkpoint->is_saved = false;
    checkpoint_unpin(checkpoint);
    return HUB_OK;
}

void checkpoint_unpin(struct checkpoint *checkpoint)
{
    mdb_txn_abort(checkpoint->pin);
    checkpoint->pin = NULL;
}

// ---- Before it is opened ----

static int put_back(const char *path, const struct saved *saved)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    bool is_ours;
    int err = is_same_boot(saved) ? HUB_OK : head_restore(fd, &saved->head, &is_ours);
    if (!err && fdatasync(fd) != 0)
        err = -errno;
    (void)close(fd);
    return err;
}

int checkpoint_recover(const char *path, int side_fd)
{
    struct saved saved;
    if (!read_saved(side_fd, &saved))
        return HUB_OK;
    int err = put_back(path, &saved);
    return err ? err : erase_saved(side_fd);
}
