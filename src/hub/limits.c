#include "hub/limits.h"

#include "base/log.h"
#include "conf/conf.h"

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

// Descriptors that are never for connections: loops, the store, listeners, spare ones.
#define FILES_KEPT 64U
// Fewer than this are worth a word.
#define FILES_FEW 1024U
// What is kept of the rest for publishers and operations.
#define SHARE_MIN 256U

static size_t raise_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 1024;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    (void)getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur > 1U << 30 ? 1U << 30 : (size_t)limit.rlim_cur;
}

void limits_set(struct limits *limits, const struct conf *conf)
{
    size_t files = raise_file_limit();
    size_t share = files / 20 > SHARE_MIN ? files / 20 : SHARE_MIN;
    size_t usable = files > FILES_KEPT ? files - FILES_KEPT : 1;
    size_t crowded_at = files > share + FILES_KEPT ? files - share : usable / 2;
    if (conf->max_connections && conf->max_connections <= crowded_at)
        crowded_at = conf->max_connections;
    else if (conf->max_connections || files < FILES_FEW)
        LOG(LOG_LEVEL_WARN, "The limit of open files is low: raise it to serve more connections",
            LOG_U64("open_files", files), LOG_U64("max_connections", crowded_at));
    limits->crowded_at = crowded_at;
    // Beyond crowded_at only publishers are let in, as many as there is a share for.
    limits->max_connections = crowded_at + share < usable ? crowded_at + share : usable;
    LOG(LOG_LEVEL_DEBUG, "Limits", LOG_U64("open_files", files), LOG_U64("max_connections", crowded_at));
}

// A container often has fewer than the machine.
static size_t usable_cores(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof(set), &set) == 0)
        return (size_t)CPU_COUNT(&set);
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    return cores > 0 ? (size_t)cores : 1;
}

size_t limits_workers(const struct conf *conf)
{
    size_t workers = conf->workers ? conf->workers : usable_cores();
    return workers < CONF_WORKERS_MAX ? workers : CONF_WORKERS_MAX;
}
