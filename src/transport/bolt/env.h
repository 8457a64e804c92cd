// The LMDB environment: one file with one table, and what opening it takes. One table rather than three, so
// that a transaction of one update writes as few pages as it can. Its keys, numbers in them big-endian:
//
//   ENV_META and "format", "epoch"                      →  the value
//   ENV_ID, hub (u32), the id as rows.c packs it, number (u64)  →  nothing
//   ENV_LOG, hub (u32), number (u64)                    →  the record
#pragma once

#include "base/attr.h"

#include <lmdb.h>
#include <stdint.h>

struct buf;

#define ENV_FORMAT 1U
enum env_kind {
    ENV_META,
    ENV_ID,
    ENV_LOG, // last, because nearly every update is put at the end
};

#define ENV_READERS 16U // slots for transactions that read; each of our threads uses one

struct env {
    MDB_env *mdb; // NULL when it is closed
    MDB_dbi rows;
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

// Puts what a new store begins with into it, in transactions of its own. A code with a sentence.
typedef int env_fill_fn(struct env *env, void *arg, struct buf *reterr);

// Creates a new store, filled unless `fill` is NULL, and synced. It appears under its name only when it is
// whole. A negative errno or HUB_E_*, with a sentence.
MUST_CHECK int env_create(const char *path, env_fill_fn *fill, void *arg, struct buf *reterr);
