#include "transport/bolt/folder.h"

#include "base/buf.h"
#include "base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// The path up to its last '/', which for "/a" is "/". The path is absolute.
static int copy_folder(char *to, size_t size, const char *path)
{
    size_t len = (size_t)(strrchr(path, '/') - path);
    if (len == 0)
        len = 1;
    if (len >= size)
        return -ENAMETOOLONG;
    memcpy(to, path, len);
    to[len] = '\0';
    return HUB_OK;
}

int folder_sync(const char *path)
{
    char folder[PATH_MAX];
    int err = copy_folder(folder, sizeof(folder), path);
    if (err)
        return err;
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (fsync(fd) != 0)
        err = -errno;
    (void)close(fd);
    // Some file systems have no folders to sync.
    return err == -EINVAL ? HUB_OK : err;
}

static int create_one(const char *folder)
{
    if (mkdir(folder, 0700) == 0)
        return folder_sync(folder);
    return errno == EEXIST ? HUB_OK : -errno;
}

static int create_all(char *folder)
{
    for (char *slash = strchr(folder + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        int err = create_one(folder);
        if (err)
            return err;
        *slash = '/';
    }
    return create_one(folder);
}

int folder_create(const char *path, struct buf *reterr)
{
    char folder[PATH_MAX];
    int err = copy_folder(folder, sizeof(folder), path);
    if (!err && access(folder, F_OK) != 0)
        err = create_all(folder);
    if (err)
        buf_printf(reterr, "the folder %s cannot be created: %s", folder, err_text(err));
    return err;
}
