// The metrics page: every counter of the process under its name.
#pragma once

#include "base/str.h"

#include <stddef.h>

// The page's media type.
#define EXPOSITION_TYPE STR("text/plain; version=0.0.4; charset=utf-8")

struct buf;
struct hub;
struct worker;

// The sums over all workers and hubs. Any thread: counters are read as they are.
void exposition_append(struct buf *page, const struct worker *workers, size_t worker_count,
                       struct hub *const *hubs, size_t hub_count);
