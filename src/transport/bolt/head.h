// The head of LMDB's file: which transaction is the newest, and where its tables begin. LMDB trusts its
// pages, so what it will trust first is looked at before it opens the file. No scan: the time does not grow
// with the history.
#pragma once

#include "base/attr.h"

#include <stdbool.h>
#include <stdint.h>

struct buf;

#define HEAD_SIZE 152U

struct head {
    uint64_t transaction; // the newest
    uint64_t root;        // of the table of rows
    uint64_t size;        // of the file
    uint64_t full_size;   // with every page that the store counts; pages at the end that are free may never
                          // have been written
};

// Looks at both meta pages, and the way down from the roots of the newer one. `marked` is the newest
// transaction of which is known that it was there. HUB_E_CORRUPT, HUB_E_UNSUPPORTED or a negative errno, with
// a sentence.
MUST_CHECK int head_verify(const char *path, int fd, uint64_t marked, struct head *ret_head,
                           struct buf *reterr);

// ---- Heads that are put back ----

struct head_copy {
    char bytes[HEAD_SIZE];
    uint32_t roots; // hash of the pages that it leads to: by them its file is known again
};

// Copies the head of the newest transaction out of the file. HUB_E_CORRUPT or a negative errno.
MUST_CHECK int head_save(int fd, struct head_copy *ret_copy);
// Makes that transaction the newest again, if the copy is of this file and what it leads to stands where it
// did; *ret_is_ours otherwise says no. Syncs nothing. -ENOMEM or another negative errno.
MUST_CHECK int head_restore(int fd, const struct head_copy *copy, bool *ret_is_ours);
