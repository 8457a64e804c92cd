// What only a log with subscription events needs beside its rows: an index of the events, because they go by
// their age wherever they stand, and what the numbers of the log no longer tell once it has holes.
//
//   ENV_META, "event", hub (u32), number (u64)  →  time of acceptance (u64)
//   ENV_META, "bounds", hub (u32)               →  oldest, newest, others (u64 each)
//
// Numbers are big-endian. All functions: HUB_OK or a code of env_err.
#pragma once

#include "base/attr.h"
#include "transport/bolt/rows.h"

#include <lmdb.h>
#include <stdint.h>

struct env;

MUST_CHECK int event_rows_add(const struct row_writer *writer, uint32_t hub, uint64_t number,
                              uint64_t time_ms);
MUST_CHECK int event_rows_delete(const struct row_writer *writer, uint32_t hub, uint64_t number);
// The first event behind number `after`: *ret_number, or 0 when there is none.
MUST_CHECK int event_rows_next(MDB_txn *txn, const struct env *env, uint32_t hub, uint64_t after,
                               uint64_t *ret_number, uint64_t *ret_time_ms);

// Leaves *bounds alone when nothing was stored.
MUST_CHECK int event_rows_load_bounds(MDB_txn *txn, const struct env *env, uint32_t hub,
                                      struct row_bounds *bounds);
MUST_CHECK int event_rows_store_bounds(const struct row_writer *writer, uint32_t hub,
                                       const struct row_bounds *bounds);
