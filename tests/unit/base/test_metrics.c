#include "base/metrics.h"

#include "base/attr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void a_counter_counts(void **state)
{
    (void)state;
    struct counter counter = {0};
    counter_add(&counter, 3);
    counter_add(&counter, 4);
    counter_sub(&counter, 2);
    assert_int_equal(counter_read(&counter), 5);
    counter_set(&counter, 100);
    assert_int_equal(counter_read(&counter), 100);
}

static void samples_may_have_labels(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 1024);
    metrics_head(&buf, "mercure_updates_total", "counter", "Updates.");
    metrics_sample(&buf, "mercure_updates_total", "", UINT64_MAX);
    metrics_sample(&buf, "mercure_rejected_total", "reason=\"auth\"", 0);
    assert_string_equal(buf_c(&buf), "# HELP mercure_updates_total Updates.\n"
                                     "# TYPE mercure_updates_total counter\n"
                                     "mercure_updates_total 18446744073709551615\n"
                                     "mercure_rejected_total{reason=\"auth\"} 0\n");
    buf_done(&buf);
}

static void a_value_on_a_bound_belongs_to_its_bucket(void **state)
{
    (void)state;
    struct histogram histogram = {0};
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        histogram_record(&histogram, histogram_bounds_us[i]);
        histogram_record(&histogram, histogram_bounds_us[i] + 1);
    }
    assert_int_equal(counter_read(&histogram.buckets[0]), 1);
    for (size_t i = 1; i < HISTOGRAM_BUCKETS; i++)
        assert_int_equal(counter_read(&histogram.buckets[i]), 2);
    assert_int_equal(counter_read(&histogram.buckets[HISTOGRAM_BUCKETS]), 1);
}

static void histograms_are_cumulative_and_summed_in_seconds(void **state)
{
    (void)state;
    struct histogram a = {0};
    struct histogram b = {0};
    histogram_record(&a, 0);
    histogram_record(&a, 70);
    histogram_record(&b, 1500000);
    histogram_record(&b, 90000000);
    const struct histogram *const both[] = {&a, &b};
    struct buf buf;
    buf_init(&buf, 4096);
    metrics_histogram(&buf, "m", both, ARRAY_LEN(both));
    const char *text = buf_c(&buf);
    assert_non_null(strstr(text, "m_bucket{le=\"0.000050\"} 1\n"));
    assert_non_null(strstr(text, "m_bucket{le=\"0.000100\"} 2\n"));
    assert_non_null(strstr(text, "m_bucket{le=\"1.000000\"} 2\n"));
    assert_non_null(strstr(text, "m_bucket{le=\"5.000000\"} 3\n"));
    assert_non_null(strstr(text, "m_bucket{le=\"+Inf\"} 4\nm_sum 91.500070\nm_count 4\n"));
    buf_done(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_counter_counts),
        cmocka_unit_test(samples_may_have_labels),
        cmocka_unit_test(a_value_on_a_bound_belongs_to_its_bucket),
        cmocka_unit_test(histograms_are_cumulative_and_summed_in_seconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
