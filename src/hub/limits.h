// What the system lets this process have.
#pragma once

#include <stddef.h>

struct conf;

struct limits {
    size_t max_connections; // of the process; above it they are closed at once
    size_t crowded_at;      // above it no more subscribers
};

// Raises the limit of open files as far as it goes, and derives the rest from it. Warns in the log when the
// configuration asks for more.
void limits_set(struct limits *limits, const struct conf *conf);
// How many workers there are to be: as configured, or one for each core that the process may run on.
size_t limits_workers(const struct conf *conf);
