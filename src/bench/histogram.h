// Counts of values in buckets that are at most 1/128 of their value wide, so that quantiles of millions of
// latencies cost no memory and no sorting. Plain data: it may stand in shared memory, with one writer.
#pragma once

#include <stdint.h>

#define HISTOGRAM_BUCKETS \
    4608U // up to 2^42: more than an hour in nanoseconds; larger values count in the last

struct histogram {
    uint64_t count;
    uint64_t max;
    uint64_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *histogram, uint64_t value);
void histogram_merge(struct histogram *to, const struct histogram *from);
// The smallest bucket's upper end that `share` (0 to 1) of the values do not exceed, never over the largest
// value; 0 when there is no value.
uint64_t histogram_quantile(const struct histogram *histogram, double share);
