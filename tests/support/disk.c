#include "support/disk.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#define FDS_MAX 1024
#define EXPORT __attribute__((visibility("default")))

struct watched {
    bool is_open;
    bool is_folder;
    bool is_durable;
    char name[DISK_NAME_MAX];
};

static struct {
    pthread_mutex_t lock;
    char folder[4096];
    struct watched fds[FDS_MAX];
    int64_t room;
    int write_err;
    int sync_err;
    int durable_err;
    unsigned used;
    uint64_t syncs;
    uint64_t map_max;
    int journal; // 0: none
} disk = {.lock = PTHREAD_MUTEX_INITIALIZER, .room = DISK_ROOM_ANY};

// ---- The real calls ----

static struct {
    int (*open)(const char *, int, ...);
    int (*close)(int);
    ssize_t (*pwrite)(int, const void *, size_t, off_t);
    ssize_t (*write)(int, const void *, size_t);
    int (*fdatasync)(int);
    int (*fsync)(int);
    int (*ftruncate)(int, off_t);
    int (*rename)(const char *, const char *);
    int (*unlink)(const char *);
    int (*fstatvfs)(int, struct statvfs *);
    void *(*mmap)(void *, size_t, int, int, int, off_t);
} real;

static void *find(const char *name)
{
    void *function = dlsym(RTLD_NEXT, name);
    if (!function)
        abort();
    return function;
}

static void find_real(void)
{
    // ISO C knows no conversion from an object's pointer to a function's: it is copied.
    void *functions[] = {find("open"),      find("close"),    find("pwrite"),    find("write"),
                         find("fdatasync"), find("fsync"),    find("ftruncate"), find("rename"),
                         find("unlink"),    find("fstatvfs"), find("mmap")};
    _Static_assert(sizeof(functions) == sizeof(real), "one for each");
    memcpy(&real, functions, sizeof(real));
}

// ---- Orders ----

// Everything begins here: other libraries' constructors may come before ours.
static void lock(void)
{
    (void)pthread_mutex_lock(&disk.lock);
    if (!real.open)
        find_real();
}

static void unlock(void)
{
    (void)pthread_mutex_unlock(&disk.lock);
}

EXPORT void disk_watch(const char *folder)
{
    lock();
    (void)snprintf(disk.folder, sizeof(disk.folder), "%s", folder);
    unlock();
}

EXPORT void disk_set_room(int64_t bytes)
{
    lock();
    disk.room = bytes;
    unlock();
}

static void set(int *place, int err)
{
    lock();
    *place = err;
    unlock();
}

EXPORT void disk_fail_writes(int err)
{
    set(&disk.write_err, err);
}

EXPORT void disk_fail_syncs(int err)
{
    set(&disk.sync_err, err);
}

EXPORT void disk_fail_durable_writes(int err)
{
    set(&disk.durable_err, err);
}

EXPORT void disk_set_map_max(uint64_t bytes)
{
    lock();
    disk.map_max = bytes;
    unlock();
}

EXPORT uint64_t disk_syncs(void)
{
    lock();
    uint64_t syncs = disk.syncs;
    unlock();
    return syncs;
}

EXPORT void disk_set_used(unsigned percent)
{
    lock();
    disk.used = percent;
    unlock();
}

// ---- The journal ----

static void write_whole(const void *bytes, size_t len)
{
    if (len && real.write(disk.journal, bytes, len) != (ssize_t)len)
        abort();
}

static void note(struct disk_record record, const char *name, const void *bytes)
{
    if (!disk.journal)
        return;
    (void)snprintf(record.name, sizeof(record.name), "%s", name);
    write_whole(&record, sizeof(record));
    write_whole(bytes, record.len);
}

EXPORT void disk_record_to(const char *journal)
{
    lock();
    if (disk.journal)
        (void)real.close(disk.journal);
    disk.journal = 0;
    if (journal)
        disk.journal = real.open(journal, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (disk.journal < 0)
        abort();
    unlock();
}

EXPORT void disk_mark(uint64_t number)
{
    lock();
    note((struct disk_record){.kind = DISK_MARK, .offset = number}, "", NULL);
    unlock();
}

__attribute__((constructor)) static void take_orders(void)
{
    if (getenv("DISK_FOLDER"))
        disk_watch(getenv("DISK_FOLDER"));
    if (getenv("DISK_JOURNAL"))
        disk_record_to(getenv("DISK_JOURNAL"));
}

// ---- What is watched ----

// The name in the folder; "" for the folder itself; NULL for everything else.
static const char *name_in_folder(const char *path)
{
    size_t len = strlen(disk.folder);
    if (len == 0 || strncmp(path, disk.folder, len) != 0)
        return NULL;
    if (path[len] == '\0')
        return "";
    if (path[len] != '/' || strchr(path + len + 1, '/') || strlen(path + len + 1) >= DISK_NAME_MAX)
        return NULL;
    return path + len + 1;
}

static struct watched *watched_of(int fd)
{
    return fd >= 0 && fd < FDS_MAX && disk.fds[fd].is_open ? &disk.fds[fd] : NULL;
}

static void watch_fd(int fd, const char *name, int flags, bool is_new)
{
    if (fd < 0 || fd >= FDS_MAX)
        return;
    struct watched *watched = &disk.fds[fd];
    *watched = (struct watched){.is_open = true, .is_folder = name[0] == '\0', .is_durable = flags & O_DSYNC};
    (void)snprintf(watched->name, sizeof(watched->name), "%s", name);
    if (is_new)
        note((struct disk_record){.kind = DISK_CREATE}, name, NULL);
    else if (flags & O_TRUNC)
        note((struct disk_record){.kind = DISK_TRUNCATE}, name, NULL);
}

static int open_watched(const char *path, int flags, mode_t mode)
{
    lock();
    const char *name = name_in_folder(path);
    struct stat status;
    bool is_new = name && (flags & O_CREAT) && stat(path, &status) != 0;
    int fd = real.open(path, flags, mode);
    int err = errno;
    if (name)
        watch_fd(fd, name, flags, is_new);
    unlock();
    errno = err;
    return fd;
}

static mode_t mode_of(int flags, va_list args)
{
    return flags & (O_CREAT | O_TMPFILE) ? va_arg(args, mode_t) : 0;
}

EXPORT int open(const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = mode_of(flags, args);
    va_end(args);
    return open_watched(path, flags, mode);
}

EXPORT int open64(const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = mode_of(flags, args);
    va_end(args);
    return open_watched(path, flags, mode);
}

int __open_2(const char *path, int flags);
EXPORT int __open_2(const char *path, int flags)
{
    return open_watched(path, flags, 0);
}

EXPORT int close(int fd)
{
    lock();
    if (watched_of(fd))
        disk.fds[fd].is_open = false;
    int code = real.close(fd);
    unlock();
    return code;
}

// ---- Writes ----

// How much of a write the disk has room for.
static size_t take_room(int fd, size_t len, off_t at)
{
    struct stat status;
    if (disk.room == DISK_ROOM_ANY || fstat(fd, &status) != 0)
        return len;
    int64_t growth = at + (off_t)len - status.st_size;
    if (growth <= 0)
        return len;
    int64_t taken = growth < disk.room ? growth : disk.room;
    disk.room -= taken;
    int64_t missing = growth - taken;
    return missing < (int64_t)len ? len - (size_t)missing : 0;
}

static ssize_t fail_with(int err)
{
    errno = err;
    return -1;
}

static ssize_t write_at(int fd, const struct watched *watched, const void *bytes, size_t len, off_t at)
{
    if (disk.write_err)
        return fail_with(disk.write_err);
    size_t fits = take_room(fd, len, at);
    if (fits == 0 && len)
        return fail_with(ENOSPC);
    ssize_t written = real.pwrite(fd, bytes, fits, at);
    if (written < 0)
        return written;
    bool lost = watched->is_durable && disk.durable_err;
    disk.syncs += watched->is_durable;
    note((struct disk_record){.kind = DISK_WRITE,
                              .is_durable = watched->is_durable && !lost,
                              .offset = (uint64_t)at,
                              .len = (uint64_t)written},
         watched->name, bytes);
    return lost ? fail_with(disk.durable_err) : written;
}

static ssize_t pwrite_watched(int fd, const void *bytes, size_t len, off_t at)
{
    lock();
    const struct watched *watched = watched_of(fd);
    ssize_t written = watched ? write_at(fd, watched, bytes, len, at) : -1;
    unlock();
    return watched ? written : real.pwrite(fd, bytes, len, at);
}

EXPORT ssize_t pwrite(int fd, const void *bytes, size_t len, off_t at)
{
    return pwrite_watched(fd, bytes, len, at);
}

EXPORT ssize_t pwrite64(int fd, const void *bytes, size_t len, off64_t at)
{
    return pwrite_watched(fd, bytes, len, at);
}

static ssize_t write_watched(int fd, const void *bytes, size_t len)
{
    off_t at = lseek(fd, 0, SEEK_CUR);
    ssize_t written = at < 0 ? -1 : pwrite_watched(fd, bytes, len, at);
    if (written > 0)
        (void)lseek(fd, at + written, SEEK_SET);
    return written;
}

static bool is_watched(int fd)
{
    lock();
    bool is_so = watched_of(fd) != NULL;
    unlock();
    return is_so;
}

EXPORT ssize_t write(int fd, const void *bytes, size_t len)
{
    return is_watched(fd) ? write_watched(fd, bytes, len) : real.write(fd, bytes, len);
}

static ssize_t writev_watched(int fd, const struct iovec *pieces, int count)
{
    size_t len = 0;
    for (int i = 0; i < count; i++)
        len += pieces[i].iov_len;
    char *whole = malloc(len ? len : 1);
    if (!whole)
        return fail_with(ENOMEM);
    size_t at = 0;
    for (int i = 0; i < count; i++) {
        memcpy(whole + at, pieces[i].iov_base, pieces[i].iov_len);
        at += pieces[i].iov_len;
    }
    ssize_t written = write_watched(fd, whole, len);
    int err = errno;
    free(whole);
    errno = err;
    return written;
}

EXPORT ssize_t writev(int fd, const struct iovec *pieces, int count)
{
    static ssize_t (*next)(int, const struct iovec *, int);
    if (is_watched(fd))
        return writev_watched(fd, pieces, count);
    if (!next) {
        void *function = find("writev");
        memcpy(&next, &function, sizeof(next));
    }
    return next(fd, pieces, count);
}

// ---- Syncs and the rest ----

static int sync_watched(int fd, int (*sync)(int))
{
    lock();
    const struct watched *watched = watched_of(fd);
    int code = 0;
    disk.syncs += watched != NULL;
    if (watched && disk.sync_err)
        code = (int)fail_with(disk.sync_err);
    else if (watched) // a test of what is synced needs no disk that really does it
        note((struct disk_record){.kind = watched->is_folder ? DISK_SYNC_FOLDER : DISK_SYNC}, watched->name,
             NULL);
    unlock();
    return watched ? code : sync(fd);
}

EXPORT int fdatasync(int fd)
{
    return sync_watched(fd, real.fdatasync);
}

EXPORT int fsync(int fd)
{
    return sync_watched(fd, real.fsync);
}

static int truncate_watched(int fd, off_t size)
{
    lock();
    const struct watched *watched = watched_of(fd);
    int code = real.ftruncate(fd, size);
    if (watched && code == 0)
        note((struct disk_record){.kind = DISK_TRUNCATE, .offset = (uint64_t)size}, watched->name, NULL);
    unlock();
    return code;
}

EXPORT int ftruncate(int fd, off_t size)
{
    return truncate_watched(fd, size);
}

EXPORT int ftruncate64(int fd, off64_t size)
{
    return truncate_watched(fd, size);
}

EXPORT int rename(const char *from, const char *to)
{
    lock();
    const char *from_name = name_in_folder(from);
    const char *to_name = name_in_folder(to);
    int code = real.rename(from, to);
    if (code == 0 && from_name && to_name)
        note((struct disk_record){.kind = DISK_RENAME, .len = strlen(to_name)}, from_name, to_name);
    unlock();
    return code;
}

EXPORT int unlink(const char *path)
{
    lock();
    const char *name = name_in_folder(path);
    int code = real.unlink(path);
    if (code == 0 && name)
        note((struct disk_record){.kind = DISK_UNLINK}, name, NULL);
    unlock();
    return code;
}

EXPORT int fstatvfs(int fd, struct statvfs *status)
{
    int code = real.fstatvfs(fd, status);
    lock();
    if (code == 0 && disk.used && watched_of(fd)) {
        status->f_blocks = 1000;
        status->f_bfree = status->f_bavail = 1000 - 10 * disk.used;
    }
    unlock();
    return code;
}

EXPORT void *mmap(void *address, size_t len, int protection, int flags, int fd, off_t at)
{
    lock();
    bool is_too_big = disk.map_max && len > disk.map_max && watched_of(fd);
    unlock();
    if (is_too_big) {
        errno = ENOMEM;
        return MAP_FAILED;
    }
    return real.mmap(address, len, protection, flags, fd, at);
}
