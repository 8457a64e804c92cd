// The history file of a Go hub: opened for reading alone, and kept from a Go hub as long as it is open.
#pragma once

#include "base/attr.h"
#include "bbolt/file.h"

#include <stdbool.h>
#include <stdint.h>

struct buf;

struct go_file {
    int fd;
    uint64_t mtime_ms;          // of its last change
    struct bbolt_source source; // points to this struct
};

// HUB_E_NOT_FOUND when there is nothing at the path, or something else than a file of bbolt. HUB_E_BUSY while
// a Go hub has it open, or a negative errno, with a sentence.
MUST_CHECK int go_file_open(struct go_file *file, const char *path, struct buf *reterr);
void go_file_close(struct go_file *file);
// Whether go_file_open would find one; what cannot be read is none.
bool go_file_is_there(const char *path);
