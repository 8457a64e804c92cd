// The LMDB environment: one file with three tables, and what opening it takes.
//
//   log   hub (u32) and number (u64), big-endian  →  record
//   ids   hub, and the id as rows.h packs it, and number  →  nothing
//   meta  "format", "epoch"
#pragma once

#include "base/attr.h"

#include <lmdb.h>
#include <stdint.h>

struct buf;

#define ENV_FORMAT 1U
#define ENV_READERS 16U // slots for transactions that read; each of our threads uses one

struct env {
    MDB_env *mdb; // NULL when it is closed
    MDB_dbi log;
    MDB_dbi ids;
    MDB_dbi meta;
    int fd; // of our own on the file: it is told of every failed write-back since
    uint64_t epoch;
    uint64_t transaction; // number of the newest when it was opened
};

// Opens the file that is there. `marked` is the newest transaction known to have been there, or 0.
// HUB_E_CORRUPT, HUB_E_UNSUPPORTED or a negative errno, with a sentence.
MUST_CHECK int env_open(struct env *env, const char *path, uint64_t marked, struct buf *reterr);
// No transaction may be under way. Accepts an env that is not open.
void env_close(struct env *env);
// Draws a new epoch and stores it. An error as of LMDB, without a sentence.
MUST_CHECK int env_renew_epoch(struct env *env);
// Stores what is there already, to see whether a transaction can be stored. Likewise.
MUST_CHECK int env_probe(struct env *env);
// Our code for one of LMDB.
int env_err(int lmdb_code);

// Creates a new store, empty and synced. It appears under its name only when it is whole. A negative errno or
// HUB_E_*, with a sentence.
MUST_CHECK int env_create(const char *path, struct buf *reterr);
