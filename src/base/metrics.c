#include "base/metrics.h"

const uint64_t histogram_bounds_us[HISTOGRAM_BUCKETS] = {
    50, 100, 250, 500, 1000, 2500, 5000, 10000, 50000, 250000, 1000000, 5000000,
};

void counter_add(struct counter *counter, uint64_t n)
{
    uint64_t value = atomic_load_explicit(&counter->_value, memory_order_relaxed);
    atomic_store_explicit(&counter->_value, value + n, memory_order_relaxed);
}

void counter_sub(struct counter *counter, uint64_t n)
{
    uint64_t value = atomic_load_explicit(&counter->_value, memory_order_relaxed);
    atomic_store_explicit(&counter->_value, value - n, memory_order_relaxed);
}

void counter_set(struct counter *counter, uint64_t value)
{
    atomic_store_explicit(&counter->_value, value, memory_order_relaxed);
}

uint64_t counter_read(const struct counter *counter)
{
    return atomic_load_explicit(&counter->_value, memory_order_relaxed);
}

void histogram_record(struct histogram *histogram, uint64_t us)
{
    size_t i = 0;
    while (i < HISTOGRAM_BUCKETS && us > histogram_bounds_us[i])
        i++;
    counter_add(&histogram->buckets[i], 1);
    counter_add(&histogram->sum_us, us);
}

void metrics_head(struct buf *buf, const char *name, const char *type, const char *help)
{
    buf_printf(buf, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void metrics_sample(struct buf *buf, const char *name, const char *labels, uint64_t value)
{
    if (*labels)
        buf_printf(buf, "%s{%s} %llu\n", name, labels, (unsigned long long)value);
    else
        buf_printf(buf, "%s %llu\n", name, (unsigned long long)value);
}

static void append_seconds(struct buf *buf, uint64_t us)
{
    buf_printf(buf, "%llu.%06u", (unsigned long long)(us / 1000000), (unsigned)(us % 1000000));
}

void metrics_histogram(struct buf *buf, const char *name, const struct histogram *const *histograms,
                       size_t count)
{
    uint64_t total = 0;
    uint64_t sum_us = 0;
    for (size_t bucket = 0; bucket <= HISTOGRAM_BUCKETS; bucket++) {
        for (size_t i = 0; i < count; i++)
            total += counter_read(&histograms[i]->buckets[bucket]);
        buf_printf(buf, "%s_bucket{le=\"", name);
        if (bucket < HISTOGRAM_BUCKETS)
            append_seconds(buf, histogram_bounds_us[bucket]);
        else
            buf_append_str(buf, STR("+Inf"));
        buf_printf(buf, "\"} %llu\n", (unsigned long long)total);
    }
    for (size_t i = 0; i < count; i++)
        sum_us += counter_read(&histograms[i]->sum_us);
    buf_printf(buf, "%s_sum ", name);
    append_seconds(buf, sum_us);
    buf_printf(buf, "\n%s_count %llu\n", name, (unsigned long long)total);
}
