#include "transport/bolt/go_file.h"

#include "base/buf.h"
#include "base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

// By pread, not through a map: a file that is cut short meanwhile is then an error, and no signal.
static int read_exactly(void *arg, uint64_t offset, void *to, size_t len)
{
    const struct go_file *file = arg;
    if (offset > file->source.size || len > file->source.size - offset)
        return HUB_E_NOT_FOUND;
    for (size_t done = 0; done < len;) {
        ssize_t count = pread(file->fd, (char *)to + done, len - done, (off_t)(offset + done));
        if (count == 0)
            return HUB_E_NOT_FOUND;
        if (count < 0 && errno != EINTR)
            return -errno;
        done += count > 0 ? (size_t)count : 0;
    }
    return HUB_OK;
}

static int examine(struct go_file *file)
{
    struct stat status;
    if (fstat(file->fd, &status) != 0)
        return -errno;
    if (!S_ISREG(status.st_mode))
        return HUB_E_NOT_FOUND;
    file->mtime_ms = (uint64_t)status.st_mtim.tv_sec * 1000 + (uint64_t)status.st_mtim.tv_nsec / 1000000;
    file->source = (struct bbolt_source){.read = read_exactly, .arg = file, .size = (uint64_t)status.st_size};
    bool is_bbolt;
    int err = bbolt_recognise(&file->source, &is_bbolt);
    return err || is_bbolt ? err : HUB_E_NOT_FOUND;
}

// A Go hub holds the file locked for itself alone.
static int lock(const struct go_file *file)
{
    if (flock(file->fd, LOCK_SH | LOCK_NB) == 0)
        return HUB_OK;
    return errno == EWOULDBLOCK ? HUB_E_BUSY : -errno;
}

static int open_recognised(struct go_file *file, const char *path)
{
    *file = (struct go_file){.fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
    if (file->fd < 0)
        return errno == ENOENT ? HUB_E_NOT_FOUND : -errno;
    int err = examine(file);
    if (err)
        go_file_close(file);
    return err;
}

int go_file_open(struct go_file *file, const char *path, struct buf *reterr)
{
    int err = open_recognised(file, path);
    if (!err) {
        err = lock(file);
        if (err)
            go_file_close(file);
    }
    if (err == HUB_E_BUSY)
        buf_printf(reterr,
                   "%s is the history of a Go hub that still has it open: stop that hub, and start this one "
                   "again to import it",
                   path);
    else if (err && err != HUB_E_NOT_FOUND)
        buf_printf(reterr, "%s cannot be read, and may be the history of a Go hub: %s", path, err_text(err));
    return err;
}

void go_file_close(struct go_file *file)
{
    if (file->fd >= 0)
        (void)close(file->fd);
    file->fd = -1;
}

bool go_file_is_there(const char *path)
{
    struct go_file file;
    if (open_recognised(&file, path) != HUB_OK)
        return false;
    go_file_close(&file);
    return true;
}
