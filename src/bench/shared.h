// The memory that the processes of a run share. The run writes what it wants, the crowds (each a process with
// its subscribers) what they have seen.
#pragma once

#include "bench/histogram.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define BENCH_ID_MAX 64U

// What one subscriber received. `sum` does not depend on the order, `order` does.
struct tally {
    uint64_t count;
    uint64_t sum;
    uint64_t order;
};

// Of one process; it is the only writer.
struct crowd_result {
    struct histogram delivery;
    struct histogram connect;
};

struct shared {
    atomic_bool stop;
    _Atomic uint64_t measure_from_ns; // updates due earlier are counted but not timed
    _Atomic uint64_t delivered;
    // When `delivered` reaches it, wake_fd becomes readable. The run sets it and looks at `delivered` once
    // more; both are sequentially consistent, so that one of the two sides sees the other's write.
    _Atomic uint64_t wake_at;
    int wake_fd;
    _Atomic uint64_t connected;
    _Atomic uint64_t unserved;
    _Atomic uint64_t first_connect_ns; // when the first subscriber began to connect; 0: none yet
    _Atomic uint64_t last_connect_ns;
    _Atomic uint64_t last_delivery_ns;
    _Atomic uint64_t finished; // processes whose tallies are written
    atomic_bool has_failure;
    char failure[128]; // of the first that failed; written once before has_failure is set
    atomic_flag failing;
    size_t crowd_count;
    struct crowd_result *crowds;
    struct tally *tallies;     // of each subscriber
    char (*ids)[BENCH_ID_MAX]; // of the history's updates by number, zero-terminated; NULL: not kept
};

// Adds an update to a tally.
static inline void tally_add(struct tally *tally, uint32_t number)
{
    uint64_t mixed = (number + UINT64_C(0x9E3779B97F4A7C15)) * UINT64_C(0xD6E8FEB86659FD93);
    mixed ^= mixed >> 32;
    tally->count++;
    tally->sum += mixed;
    tally->order = tally->order * UINT64_C(0x5851F42D4C957F2D) + mixed;
}
