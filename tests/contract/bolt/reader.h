// Opens a store and reads it whole, without a single assertion: for stores that may be damaged, and for child
// processes, whose exit code is their answer.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct found {
    int err;          // of the open
    char reason[512]; // its sentence
    bool is_whole; // every update could be read, each as probe_update_numbered makes it, none missing between
    size_t first;  // the number of the first
    size_t count;
    uint64_t epoch;
};

// `path` is that of the URL, without ".lmdb".
void reader_read(struct found *found, const char *path);
// Makes the store's checkpoint, if there is one, that of another start of the machine, as after a power cut.
void reader_forget_boot(const char *path);
// Opens it, as soon as nobody else has it, and stays in it until the process is killed.
_Noreturn void reader_hold(const char *path);
