// Publishes in a given pace: as fast as answers come, as fast as subscribers receive, or by the clock. Keeps
// what each topic's subscribers must have received by now.
#pragma once

#include "base/attr.h"
#include "bench/histogram.h"
#include "bench/publisher.h"
#include "bench/shape.h"
#include "bench/shared.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bench_config;

struct load_topic {
    uint32_t subscribers;  // that are to receive its updates
    struct tally expected; // `order` is not used
};

struct load {
    const struct bench_config *config;
    struct shared *shared;
    const atomic_bool *interrupted;
    int epoll;
    struct publish_shape shape;
    size_t count;
    struct publisher *publishers;
    size_t idle_count;
    uint32_t *idle; // those that are not busy
    struct load_topic *topics;
    uint32_t next_number;
    uint64_t random;
    uint64_t expected; // deliveries of all updates sent so far
    uint64_t published;
    uint64_t refused;
    uint64_t first_due_ns;
    uint64_t last_answer_ns;
    struct histogram latency; // from due to answered
    char failure[160];
};

struct load_phase {
    const char *name;     // for whoever watches
    uint64_t count;       // 0: no limit
    uint64_t duration_ns; // 0: no limit
    double rate;
    unsigned in_flight;
    unsigned group;
    bool round_robin; // over the topics; else at random
    bool keep_ids;
};

// Opens the publishers. On failure load->failure says why.
MUST_CHECK int load_open(struct load *load, const struct bench_config *config, struct shared *shared,
                         const atomic_bool *interrupted);
// Accepts a zeroed struct.
void load_close(struct load *load);
// Publishes a phase and waits for all answers. -ETIMEDOUT when nothing has moved for config->timeout_ms,
// -EPIPE when publishing failed; load->failure says why. -EINTR: interrupted.
MUST_CHECK int load_run(struct load *load, const struct load_phase *phase);
// Waits until everything expected has been delivered. -ETIMEDOUT when nothing has moved for
// config->timeout_ms, or -EINTR.
MUST_CHECK int load_settle(struct load *load);
// Forgets counts and latencies; what subscribers must have received stays.
void load_reset(struct load *load);
