#include "cli/temporary.h"

#include "base/err.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int temporary_make(struct temporary *temporary)
{
    const char *base = getenv("TMPDIR");
    int len = snprintf(temporary->path, sizeof(temporary->path), "%s/cinnabar-XXXXXX",
                       base && base[0] == '/' ? base : "/tmp");
    if (len < 0 || (size_t)len >= sizeof(temporary->path)) {
        temporary->path[0] = '\0';
        return -ENAMETOOLONG;
    }
    if (mkdtemp(temporary->path))
        return HUB_OK;
    int err = -errno;
    temporary->path[0] = '\0';
    return err;
}

void temporary_remove(struct temporary *temporary)
{
    DIR *dir = temporary->path[0] ? opendir(temporary->path) : NULL;
    if (!dir)
        return;
    for (struct dirent *entry; (entry = readdir(dir));)
        (void)unlinkat(dirfd(dir), entry->d_name, 0); // "." and ".." refuse
    (void)closedir(dir);
    (void)rmdir(temporary->path);
    temporary->path[0] = '\0';
}
