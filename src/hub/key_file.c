#include "hub/key_file.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "conf/syntax.h"
#include "url/percent.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

int key_file_path(struct str url, struct buf *to)
{
    struct str path = syntax_file_path(url);
    if (!path.ptr)
        return HUB_E_INVALID;
    percent_decode(to, path);
    return to->err ? to->err : memchr(to->ptr, 0, to->len) ? HUB_E_INVALID : HUB_OK;
}

static struct key_file_stamp stamp_of(const struct stat *status)
{
    return (struct key_file_stamp){.device = status->st_dev,
                                   .inode = status->st_ino,
                                   .size = status->st_size,
                                   .changed = status->st_mtim};
}

static bool is_equal(const struct key_file_stamp *a, const struct key_file_stamp *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec &&
           a->err == b->err;
}

bool key_file_has_changed(const char *path, const struct key_file_stamp *stamp)
{
    struct stat status;
    struct key_file_stamp now = {0};
    if (stat(path, &status) == 0)
        now = stamp_of(&status);
    else
        now.err = -errno;
    return !is_equal(&now, stamp);
}

// The stamp is of the file that is read, before it is: what changes meanwhile is another file.
static int read_open(int fd, struct key_file_stamp *ret_stamp, struct buf *text)
{
    struct stat status;
    if (fstat(fd, &status) != 0)
        return -errno;
    *ret_stamp = stamp_of(&status);
    return S_ISREG(status.st_mode) ? file_read(fd, text) : HUB_E_INVALID;
}

int key_file_read(const char *path, struct key_file_stamp *ret_stamp, struct buf *text)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); // a pipe would not open
    if (fd < 0) {
        *ret_stamp = (struct key_file_stamp){.err = -errno};
        return ret_stamp->err;
    }
    int err = read_open(fd, ret_stamp, text);
    (void)close(fd);
    return err;
}
