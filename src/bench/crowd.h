// One process full of subscribers: connects them, reads their streams, counts. Runs until it is told to stop,
// then writes the tallies and resets all connections.
#pragma once

#include <stddef.h>

struct bench_config;
struct shared;

struct crowd_task {
    const struct bench_config *config;
    struct shared *shared;
    size_t index; // of the crowd
    size_t first; // its subscribers, of all
    size_t count;
};

// The topic that subscriber `i` listens to: neighbours are spread over all topics.
unsigned crowd_topic(const struct bench_config *config, size_t i);
// The body of the process; returns its exit status.
int crowd_run(const struct crowd_task *task);
