// What a power cut would leave of a folder, made from the journal of tests/support/disk.h.
//
// Up to the cut, this is on the disk for certain: what was written before a sync of its file that has come
// back, what went through a descriptor with O_DSYNC, and names before a sync of the folder. All the rest is
// there or not, as the mode says.
#pragma once

#include <stddef.h>
#include <stdint.h>

enum powercut_mode {
    POWERCUT_NOTHING, // of what was not synced is there
    POWERCUT_ALL,     // is there
    POWERCUT_WRITES,  // some whole writes
    POWERCUT_SECTORS, // some sectors of 512 bytes of each write: torn pages
};

struct powercut;

struct powercut *powercut_load(const char *journal);
void powercut_free(struct powercut *powercut);
// A cut may be before each record of the journal and behind the last: numbers 0 to the count, included.
size_t powercut_count(const struct powercut *powercut);
// The number that was marked last before the cut, or 0.
uint64_t powercut_marked(const struct powercut *powercut, size_t cut);
// The same before the last sync of that file that came back before the cut.
uint64_t powercut_marked_at_sync(const struct powercut *powercut, size_t cut, const char *name);
// Writes the files into an empty folder.
void powercut_make(const struct powercut *powercut, size_t cut, enum powercut_mode mode, unsigned seed,
                   const char *folder);
