#include "bench/target.h"

#include "base/err.h"
#include "base/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

// Reads a small file of /proc; the result is empty when it is not there (any more).
static struct str read_file(const char *path, char *to, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return str_make(to, 0);
    ssize_t len = read(fd, to, size);
    (void)close(fd);
    return str_make(to, len > 0 ? (size_t)len : 0);
}

// The decimal number at the start, after blanks.
static uint64_t leading_u64(struct str s)
{
    s = str_trim(s);
    size_t len = 0;
    while (len < s.len && s.ptr[len] >= '0' && s.ptr[len] <= '9')
        len++;
    uint64_t value;
    return str_to_u64(str_slice(s, 0, len), &value) == HUB_OK ? value : 0;
}

// The number behind the first `label`.
static uint64_t labelled_u64(struct str text, struct str label)
{
    const char *at = text.len ? memmem(text.ptr, text.len, label.ptr, label.len) : NULL;
    if (!at)
        return 0;
    size_t from = (size_t)(at - text.ptr) + label.len;
    return leading_u64(str_slice(text, from, text.len));
}

static pid_t parent_of(uint64_t pid)
{
    char path[64];
    char text[512];
    (void)snprintf(path, sizeof(path), "/proc/%llu/stat", (unsigned long long)pid);
    struct str stat = read_file(path, text, sizeof(text));
    // The name may hold anything; behind its last parenthesis come the state, one letter, and the parent.
    const char *end = stat.len ? memrchr(stat.ptr, ')', stat.len) : NULL;
    if (!end)
        return 0;
    size_t from = (size_t)(end - stat.ptr) + 4;
    return (pid_t)leading_u64(str_slice(stat, from, stat.len));
}

static bool contains(const struct target *target, pid_t pid)
{
    for (size_t i = 0; i < target->count; i++) {
        if (target->pids[i] == pid)
            return true;
    }
    return false;
}

// Adds the children of what is in the list; returns whether there were any.
static bool add_generation(struct target *target, DIR *proc)
{
    size_t before = target->count;
    rewinddir(proc);
    for (struct dirent *entry; (entry = readdir(proc)) && target->count < TARGET_PROCESSES_MAX;) {
        uint64_t pid;
        if (str_to_u64(str_from_c(entry->d_name), &pid) != HUB_OK || contains(target, (pid_t)pid))
            continue;
        if (contains(target, parent_of(pid)))
            target->pids[target->count++] = (pid_t)pid;
    }
    return target->count > before;
}

int target_find(struct target *ret_target, pid_t pid)
{
    if (parent_of((uint64_t)pid) == 0 && pid != 1)
        return -ESRCH;
    *ret_target = (struct target){.count = 1, .pids = {pid}};
    DIR *proc = opendir("/proc");
    if (!proc)
        return -errno;
    while (add_generation(ret_target, proc))
        continue;
    (void)closedir(proc);
    return HUB_OK;
}

static uint64_t cpu_of(pid_t pid)
{
    char path[300];
    char text[128];
    uint64_t sum = 0;
    (void)snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
    DIR *tasks = opendir(path);
    if (!tasks)
        return 0;
    for (struct dirent *entry; (entry = readdir(tasks));) {
        if (entry->d_name[0] == '.')
            continue;
        (void)snprintf(path, sizeof(path), "/proc/%d/task/%.16s/schedstat", (int)pid, entry->d_name);
        sum += leading_u64(read_file(path, text, sizeof(text)));
    }
    (void)closedir(tasks);
    return sum;
}

static uint64_t anon_of(pid_t pid)
{
    char path[64];
    char text[4096];
    (void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    return labelled_u64(read_file(path, text, sizeof(text)), STR("RssAnon:\t")) * 1024;
}

// Buffers of TCP, and all objects of the kernel's own: what a connection costs besides its buffers.
static uint64_t kernel_bytes(void)
{
    char text[4096];
    struct str sockets = read_file("/proc/net/sockstat", text, sizeof(text));
    const char *tcp = sockets.len ? memmem(sockets.ptr, sockets.len, "TCP:", 4) : NULL;
    uint64_t pages = 0;
    if (tcp)
        pages = labelled_u64(str_make(tcp, sockets.len - (size_t)(tcp - sockets.ptr)), STR(" mem "));
    uint64_t slab_kib = labelled_u64(read_file("/proc/meminfo", text, sizeof(text)), STR("\nSlab:"));
    return pages * (uint64_t)sysconf(_SC_PAGESIZE) + slab_kib * 1024;
}

void target_read(const struct target *target, struct target_usage *ret_usage)
{
    *ret_usage = (struct target_usage){.kernel_bytes = kernel_bytes()};
    for (size_t i = 0; i < target->count; i++) {
        ret_usage->cpu_ns += cpu_of(target->pids[i]);
        ret_usage->anon_bytes += anon_of(target->pids[i]);
    }
}
