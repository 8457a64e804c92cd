// Preloaded under a program: its syncs of files wait, or fail, when a test says so while the program runs.
// The orders are files in the folder DISK_ORDERS:
//
//   hold    syncs wait until the file has gone; `held` appears in the folder as soon as one does
//   fail    syncs fail with EIO
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
#define LOOK_EVERY_NS 1000000

typedef int sync_fn(int fd);

static bool is_file(int fd)
{
    struct stat status;
    return fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

static void path_of(const char *order, char to[PATH_MAX])
{
    const char *folder = getenv("DISK_ORDERS");
    (void)snprintf(to, PATH_MAX, "%s/%s", folder ? folder : "", order);
}

static bool is_ordered(const char *order)
{
    char path[PATH_MAX];
    path_of(order, path);
    return access(path, F_OK) == 0;
}

static void say_held(void)
{
    char path[PATH_MAX];
    path_of("held", path);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0)
        (void)close(fd);
}

static void wait_while_held(void)
{
    if (!is_ordered("hold"))
        return;
    say_held();
    const struct timespec pause = {.tv_nsec = LOOK_EVERY_NS};
    while (is_ordered("hold"))
        (void)nanosleep(&pause, NULL);
}

static int sync_as_ordered(int fd, const char *name)
{
    if (is_file(fd)) {
        wait_while_held();
        if (is_ordered("fail")) {
            errno = EIO;
            return -1;
        }
    }
    // ISO C knows no conversion from an object's pointer to a function's: it is copied.
    void *next = dlsym(RTLD_NEXT, name);
    sync_fn *sync;
    memcpy(&sync, &next, sizeof(sync));
    return sync(fd);
}

EXPORT int fdatasync(int fd)
{
    return sync_as_ordered(fd, "fdatasync");
}

EXPORT int fsync(int fd)
{
    return sync_as_ordered(fd, "fsync");
}
