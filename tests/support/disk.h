// Stands between a program and its disk: a shared library that a test links, or that is preloaded under a
// program. It sees what is done to the files of one folder, lets it fail as a full or broken disk would, and
// can note all of it in a journal, from which tests/support/powercut.h makes what a power cut would leave.
//
// Preloaded, it takes its orders from the environment: DISK_FOLDER and DISK_JOURNAL.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define DISK_NAME_MAX 64
#define DISK_ROOM_ANY INT64_MAX

// Watches the files directly in the folder, from their open on.
void disk_watch(const char *folder);
// How many bytes files may still grow by: then writes are cut short, and the next ones fail with ENOSPC.
void disk_set_room(int64_t bytes);
// From now on these fail with the code, or work when it is 0. A failed sync still leaves the bytes in the
// file, as the kernel does.
void disk_fail_writes(int err);
void disk_fail_syncs(int err);          // fsync and fdatasync
void disk_fail_durable_writes(int err); // writes to what was opened with O_DSYNC or O_SYNC
// Files can be mapped up to this size; more is out of memory. 0: any.
void disk_set_map_max(uint64_t bytes);
// How many syncs and durable writes there have been.
uint64_t disk_syncs(void);
// What fstatvfs says, in per cent; 0: the truth.
void disk_set_used(unsigned percent);

// ---- The journal: records, each with `len` bytes behind it ----

enum disk_kind {
    DISK_CREATE,
    DISK_WRITE,
    DISK_SYNC,
    DISK_TRUNCATE, // to `offset`
    DISK_RENAME,   // to the name that follows
    DISK_UNLINK,
    DISK_SYNC_FOLDER,
    DISK_MARK, // `offset` is the number
};

struct disk_record {
    uint32_t kind;
    uint32_t is_durable; // a write that came back from a descriptor with O_DSYNC
    uint64_t offset;
    uint64_t len;
    char name[DISK_NAME_MAX]; // without the folder
};

// Starts a journal in this file; NULL ends it.
void disk_record_to(const char *journal);
// Notes a number: what has been promised by now.
void disk_mark(uint64_t number);
