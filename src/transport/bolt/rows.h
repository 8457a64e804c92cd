// The rows of the store: what is read and written inside one transaction. Records of a hub are numbered from
// 1. The oldest go first, so that there are no holes but where a subscription event was that went by its age
// (event_rows.h).
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

// What of a log is kept: everything from `oldest` to `newest` but for subscription events that were too old.
// 1 and 0 when there has been nothing.
struct row_bounds {
    uint64_t oldest;
    uint64_t newest; // the highest number that was given
    uint64_t others; // numbers between the two that are of no update: subscription events and holes
};

static inline uint64_t row_bounds_updates(const struct row_bounds *bounds)
{
    return bounds->newest + 1 - bounds->oldest - bounds->others;
}

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
// Gives the record the next number.
MUST_CHECK int row_writer_append(struct row_writer *writer, uint32_t hub, struct row_bounds *bounds,
                                 const struct record *record);
// Deletes the oldest record that is there, which there must be.
MUST_CHECK int row_writer_drop(struct row_writer *writer, uint32_t hub, struct row_bounds *bounds);
// Deletes up to *max subscription events that were accepted before `before_ms`, the oldest first, and takes
// them off *max. *ret_left_ms is when the oldest that stays was accepted; 0: none does.
MUST_CHECK int row_writer_expire(struct row_writer *writer, uint32_t hub, uint64_t before_ms, uint64_t *max,
                                 uint64_t *ret_left_ms);

// The record of an update; its view is valid until the transaction ends.
MUST_CHECK int rows_get(MDB_txn *txn, const struct env *env, uint32_t hub, uint64_t number,
                        struct record *ret_record);
// The number of the first record that is there from `number` on, or 0.
MUST_CHECK int rows_next(MDB_txn *txn, const struct env *env, uint32_t hub, uint64_t number,
                         uint64_t *ret_number);
// The number of the newest record that is there, or 0.
MUST_CHECK int rows_newest(MDB_txn *txn, const struct env *env, uint32_t hub, uint64_t *ret_number);
// The earliest update with that id: *ret_number, or 0 when there is none.
MUST_CHECK int rows_find(MDB_txn *txn, const struct env *env, uint32_t hub, struct str id,
                         uint64_t *ret_number);
// Adds what follows number `after` until the slice is full. *ret_end: there is no more.
MUST_CHECK int rows_read(MDB_txn *txn, const struct env *env, uint32_t hub, uint64_t after,
                         struct slice_builder *builder, bool *ret_end);
// The same of subscription events alone.
MUST_CHECK int rows_read_events(MDB_txn *txn, const struct env *env, uint32_t hub, uint64_t after,
                                struct slice_builder *builder, bool *ret_end);
// The number after which the newest updates of together at most `max_bytes` of slices begin.
MUST_CHECK int rows_back(MDB_txn *txn, const struct env *env, uint32_t hub, size_t max_bytes,
                         uint64_t *ret_after);
