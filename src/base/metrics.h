// Prometheus text exposition (version 0.0.4), written into a buffer, and the counters behind it. A counter
// belongs to one thread; any thread may read it.
#pragma once

#include "base/buf.h"

#include <stdatomic.h>
#include <stdint.h>

// Written by its owner alone, so an increment is a plain load and store.
struct counter {
    atomic_uint_fast64_t _value;
};

void counter_add(struct counter *counter, uint64_t n);
void counter_sub(struct counter *counter, uint64_t n);
// For a gauge.
void counter_set(struct counter *counter, uint64_t value);
uint64_t counter_read(const struct counter *counter);

// Bounds of a histogram in microseconds, the last one open.
#define HISTOGRAM_BUCKETS 12
extern const uint64_t histogram_bounds_us[HISTOGRAM_BUCKETS];

struct histogram {
    struct counter buckets[HISTOGRAM_BUCKETS + 1];
    struct counter sum_us;
};

void histogram_record(struct histogram *histogram, uint64_t us);

// HELP and TYPE lines; `type` is "counter", "gauge" or "histogram".
void metrics_head(struct buf *buf, const char *name, const char *type, const char *help);
// One sample; `labels` is "" or `key="value"` pairs, from closed sets of our own.
void metrics_sample(struct buf *buf, const char *name, const char *labels, uint64_t value);
// The samples of one histogram, in seconds, after its head; the sum of `count` histograms.
void metrics_histogram(struct buf *buf, const char *name, const struct histogram *const *histograms,
                       size_t count);
