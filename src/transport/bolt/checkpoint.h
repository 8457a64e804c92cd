// What sync=off may lose when the power fails: about a second, and never the file.
//
// Without syncs the disk takes what is written in any order, so that the newest heads may lead to pages that
// have not come. Therefore, about once a second, the writer syncs what has been stored, and keeps a copy of
// the head in the file beside the store, synced too: the checkpoint. A transaction that only reads pins it:
// none of its pages is used again before the next one. When the store is opened after another start of the
// machine, the checkpoint's head is put back. When only the process ended, the kernel still has everything,
// and everything is kept.
//
// There is a checkpoint only while there are transactions that were not synced. All on the writer.
#pragma once

#include "base/attr.h"

#include <lmdb.h>
#include <stdbool.h>

struct env;

#define CHECKPOINT_EVERY_MS 1000U

struct checkpoint {
    bool is_saved; // beside the store
    MDB_txn *pin;  // NULL: the next transaction needs a new one first
};

// Syncs, and makes the newest transaction the checkpoint. An error of the disk, as env_err.
MUST_CHECK int checkpoint_take(struct checkpoint *checkpoint, const struct env *env, int side_fd);
// Syncs, and ends the checkpoint if there is one: from here on everything is synced. Likewise.
MUST_CHECK int checkpoint_end(struct checkpoint *checkpoint, const struct env *env, int side_fd);
// Lets go of the pin, before the environment is closed.
void checkpoint_unpin(struct checkpoint *checkpoint);
// Before the store is opened: puts the head back if there is a checkpoint of another start of the machine,
// and ends it. A negative errno.
MUST_CHECK int checkpoint_recover(const char *path, int side_fd);
