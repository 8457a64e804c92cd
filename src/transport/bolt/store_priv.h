// Between the files of the store.
#pragma once

#include "transport/bolt/store.h"

// ---- store.c ----

// A request goes back to where its answer is wanted.
void store_answer(struct message *request, const struct store_reply *reply);

// ---- commit.c, on the writer ----

// The end of a turn of the writer: stores what has come.
bool commit_end_turn(void *store);
void commit_handle(struct message *message);
void commit_retry(struct timer *timer);
// It is time for a checkpoint.
void commit_checkpoint(struct timer *timer);
// A log goes: what was not synced is.
void commit_end_checkpoint(struct store *store);
// Looks how full the disk is, unless it has done so within a second.
void commit_check_disk(struct store *store);

// ---- opening.c, on the writer ----

// All that it takes to have the file open. Where there is none, the history of a Go hub is imported as
// ordered, if there is one. A code with a sentence in `reterr`.
MUST_CHECK int opening_run(struct store *store, const struct import_order *order, struct buf *reterr);
// Closes the environment and opens it again, after LMDB has given it up. Readers wait.
MUST_CHECK int opening_again(struct store *store);

// ---- read.c, on a reader ----

void read_handle(struct message *message);
void read_done(struct store_reader *reader);
