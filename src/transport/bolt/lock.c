#include "transport/bolt/lock.h"

#include "base/buf.h"
#include "base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#define MARK_FORMAT "process %10ld\nepoch %016" PRIx64 "\ntransaction %020" PRIu64 "\n"
#define MARK_SIZE 96

static void read_mark(const struct lock *lock, long *ret_process, uint64_t *ret_epoch,
                      uint64_t *ret_transaction)
{
    char text[MARK_SIZE];
    ssize_t len = pread(lock->fd, text, sizeof(text) - 1, 0);
    text[len > 0 ? len : 0] = '\0';
    if (sscanf(text, "process %ld epoch %" SCNx64 " transaction %" SCNu64, ret_process, ret_epoch,
               ret_transaction) != 3)
        *ret_epoch = *ret_transaction = 0;
}

static int refuse_second(const struct lock *lock, const char *path, struct buf *reterr)
{
    long process = 0;
    uint64_t epoch, transaction;
    read_mark(lock, &process, &epoch, &transaction);
    if (process == (long)getpid())
        buf_printf(reterr, "%s is open in this process already, under another path", path);
    else if (process > 0)
        buf_printf(reterr, "%s is locked: another hub has the history open, process %ld", path, process);
    else
        buf_printf(reterr, "%s is locked: another process has the history open", path);
    return HUB_E_BUSY;
}

int lock_take(struct lock *lock, const char *path, struct buf *reterr)
{
    *lock = (struct lock){.fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
    int err = HUB_OK;
    if (lock->fd < 0 || flock(lock->fd, LOCK_EX | LOCK_NB) != 0)
        err = -errno;
    if (err == -EWOULDBLOCK)
        err = refuse_second(lock, path, reterr);
    else if (err)
        buf_printf(reterr, "%s cannot be opened and locked: %s", path, err_text(err));
    if (err) {
        lock_release(lock);
        return err;
    }
    long process;
    read_mark(lock, &process, &lock->epoch, &lock->transaction);
    lock_mark(lock, lock->epoch, lock->transaction);
    return HUB_OK;
}

void lock_mark(struct lock *lock, uint64_t epoch, uint64_t transaction)
{
    char text[MARK_SIZE];
    int len = snprintf(text, sizeof(text), MARK_FORMAT, (long)getpid(), epoch, transaction);
    ssize_t written = pwrite(lock->fd, text, (size_t)len, 0);
    (void)written;
}

void lock_release(struct lock *lock)
{
    if (lock->fd >= 0)
        (void)close(lock->fd);
    lock->fd = -1;
}
