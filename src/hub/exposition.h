// The metrics page: every counter of the process under its name.
#pragma once

#include <stddef.h>

struct buf;
struct hub;
struct worker;

// The sums over all workers and hubs. Any thread: counters are read as they are.
void exposition_append(struct buf *page, const struct worker *workers, size_t worker_count,
                       struct hub *const *hubs, size_t hub_count);
