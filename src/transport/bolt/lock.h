// The file beside the store that keeps a second process away and remembers how far the store has come.
//
// PATH.lmdb-hub is locked (flock) as long as this process has the store open, and holds three lines of text:
// who has it, the epoch, and the number of the newest transaction. A store that opens with a lower number was
// put back to an older state.
#pragma once

#include "base/attr.h"

#include <stdint.h>

struct buf;

struct lock {
    int fd;               // -1 when it is not held
    uint64_t epoch;       // as found when it was taken; 0 when nothing could be read
    uint64_t transaction; // likewise
};

// Creates the file when it is not there. HUB_E_BUSY when another process has it, or a negative errno; both
// with a sentence.
MUST_CHECK int lock_take(struct lock *lock, const char *path, struct buf *reterr);
// Writes what stands in the file. It is not synced: what is lost at a power cut is only the notice that the
// store went back. An error is of no consequence.
void lock_mark(struct lock *lock, uint64_t epoch, uint64_t transaction);
void lock_release(struct lock *lock);
