#include "base/file.h"

#include "base/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define PIECE_SIZE 16384U

int file_read(int fd, struct buf *to)
{
    for (;;) {
        char piece[PIECE_SIZE];
        ssize_t len = read(fd, piece, sizeof(piece));
        if (len < 0 && errno == EINTR)
            continue;
        if (len <= 0)
            return len < 0 ? -errno : to->err;
        buf_append(to, piece, (size_t)len);
        if (to->err)
            return to->err;
    }
}

int file_read_path(const char *path, struct buf *to)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int err = file_read(fd, to);
    (void)close(fd);
    return err;
}
