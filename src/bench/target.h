// What the measured server uses: processor time and memory of its processes, as the kernel counts them.
#pragma once

#include "base/attr.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define TARGET_PROCESSES_MAX 64U

struct target {
    size_t count;
    pid_t pids[TARGET_PROCESSES_MAX];
};

struct target_usage {
    uint64_t cpu_ns;       // of all threads that are alive
    uint64_t anon_bytes;   // RssAnon: without mapped files
    uint64_t kernel_bytes; // TCP's buffers and the kernel's objects, of the whole machine
};

// Finds the process and its descendants. -ESRCH when there is none.
MUST_CHECK int target_find(struct target *ret_target, pid_t pid);
void target_read(const struct target *target, struct target_usage *ret_usage);
