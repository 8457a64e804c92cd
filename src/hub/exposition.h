// The metrics page: every counter of the process under its name.
#pragma once

#include <stddef.h>

struct buf;
struct sequencer_metrics;
struct worker;

// Any thread: counters are read as they are.
void exposition_append(struct buf *page, const struct worker *workers, size_t worker_count,
                       const struct sequencer_metrics *sequencer);
