// The rows of the store: what is read and written inside one transaction. Updates of a hub are numbered from
// 1 without holes.
//
// All functions: HUB_OK, HUB_E_CORRUPT for what cannot be, or another code of env_err.
#pragma once

#include "base/attr.h"
#include "base/str.h"

#include <lmdb.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct env;
struct record;
struct slice_builder;

// The numbers of the oldest and newest update that is kept; 1 and 0 when there is none.
struct row_bounds {
    uint64_t oldest;
    uint64_t newest;
};

MUST_CHECK int rows_bounds(MDB_txn *txn, const struct env *env, uint32_t hub, struct row_bounds *ret_bounds);

// Writes one transaction's rows.
struct row_writer {
    const struct env *env;
    MDB_txn *txn;
    MDB_cursor *cursor;
};

MUST_CHECK int row_writer_begin(struct row_writer *writer, const struct env *env);
// After an error, or instead of row_writer_commit.
void row_writer_abort(struct row_writer *writer);
// *ret_transaction is its number.
MUST_CHECK int row_writer_commit(struct row_writer *writer, uint64_t *ret_transaction);
MUST_CHECK int row_writer_append(struct row_writer *writer, uint32_t hub, uint64_t number,
                                 const struct record *record);
// Deletes the update, which must be the oldest.
MUST_CHECK int row_writer_drop(struct row_writer *writer, uint32_t hub, uint64_t number);

// The record of an update; its view is valid until the transaction ends.
MUST_CHECK int rows_get(MDB_txn *txn, const struct env *env, uint32_t hub, uint64_t number,
                        struct record *ret_record);
// The earliest update with that id: *ret_number, or 0 when there is none.
MUST_CHECK int rows_find(MDB_txn *txn, const struct env *env, uint32_t hub, struct str id,
                         uint64_t *ret_number);
// Adds what follows number `after` until the slice is full. *ret_end: there is no more.
MUST_CHECK int rows_read(MDB_txn *txn, const struct env *env, uint32_t hub, uint64_t after,
                         struct slice_builder *builder, bool *ret_end);
// The number after which the newest updates of together at most `max_bytes` of slices begin.
MUST_CHECK int rows_back(MDB_txn *txn, const struct env *env, uint32_t hub, size_t max_bytes,
                         uint64_t *ret_after);
