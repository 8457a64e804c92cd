#include "base/buf.h"
#include "bench/bench.h"
#include "json/writer.h"

#define NS_PER_S 1e9

static double per_second(uint64_t count, uint64_t elapsed_ns)
{
    return elapsed_ns ? (double)count * NS_PER_S / (double)elapsed_ns : 0;
}

static double share(uint64_t amount, uint64_t count)
{
    return count ? (double)amount / (double)count : 0;
}

// What one unit of the scenario's work is: a delivery, a publish, a subscription.
static uint64_t work_of(const struct bench_config *config, const struct bench_result *result)
{
    switch (config->scenario) {
    case BENCH_BROADCAST:
    case BENCH_BURST:
    case BENCH_REPLAY:
        return result->delivered;
    case BENCH_UNICAST:
    case BENCH_PRIVATE:
    case BENCH_MATCH:
    case BENCH_PUBLISH:
        return result->published;
    case BENCH_STORM:
        return result->connected;
    case BENCH_IDLE:
        break;
    }
    return 0;
}

static double memory_per_subscriber(uint64_t before, uint64_t after, const struct bench_result *result)
{
    return after > before ? share(after - before, result->connected) : 0;
}

// ---- Text ----

static void append_latency(struct buf *to, const char *label, const struct histogram *histogram)
{
    if (histogram->count == 0)
        return;
    buf_printf(to, "%-12s p50 %.3f ms   p99 %.3f ms   p99.9 %.3f ms   max %.3f ms\n", label,
               (double)histogram_quantile(histogram, 0.5) / 1e6,
               (double)histogram_quantile(histogram, 0.99) / 1e6,
               (double)histogram_quantile(histogram, 0.999) / 1e6, (double)histogram->max / 1e6);
}

static void append_rate(struct buf *to, const char *label, uint64_t count, uint64_t elapsed_ns)
{
    if (count)
        buf_printf(to, "%-12s %llu, %.0f per second\n", label, (unsigned long long)count,
                   per_second(count, elapsed_ns));
}

static void append_head(const struct bench_config *config, const struct bench_result *result, struct buf *to)
{
    buf_printf(to, "%s (%s): %u subscriber%s, %u topic%s, %zu bytes, %.3f s%s\n",
               bench_scenario_names[config->scenario], bench_protocol_names[config->protocol],
               config->subscribers, config->subscribers == 1 ? "" : "s", config->topics,
               config->topics == 1 ? "" : "s", config->size, (double)result->elapsed_ns / NS_PER_S,
               result->interrupted ? ", interrupted" : "");
}

static void append_server(const struct bench_config *config, const struct bench_result *result,
                          struct buf *to)
{
    if (!result->has_server)
        return;
    uint64_t work = work_of(config, result);
    if (work)
        buf_printf(to, "%-12s %.2f µs of processor time each\n", "server", share(result->cpu_ns, work) / 1e3);
    else
        buf_printf(to, "%-12s %.3f %% of a core\n", "server",
                   share(result->cpu_ns, result->elapsed_ns) * 100);
    if (result->connected) {
        buf_printf(to,
                   "%-12s %.0f bytes a subscriber, the kernel's sockets (both ends) %.0f; %.1f MiB in all\n",
                   "memory", memory_per_subscriber(result->memory_before, result->memory_connected, result),
                   memory_per_subscriber(result->kernel_before, result->kernel_connected, result),
                   (double)result->memory_after / (1024.0 * 1024));
    }
}

static void append_text(const struct bench_config *config, const struct bench_result *result, struct buf *to)
{
    append_head(config, result, to);
    if (config->scenario == BENCH_STORM)
        append_rate(to, "subscribed", result->connected, result->elapsed_ns);
    append_rate(to, "published", result->published, result->elapsed_ns);
    append_rate(to, "delivered", result->delivered, result->elapsed_ns);
    append_latency(to, "publish", &result->publish);
    append_latency(to, "delivery", &result->delivery);
    append_latency(to, "subscribe", &result->connect);
    append_server(config, result, to);
    if (result->refused || result->unserved)
        buf_printf(to, "%-12s %llu publishes, %llu subscriptions\n", "refused",
                   (unsigned long long)result->refused, (unsigned long long)result->unserved);
    if (config->subscribers && !result->interrupted)
        buf_printf(to, "%-12s %llu lost, %llu repeated, %llu subscribers with another order\n", "updates",
                   (unsigned long long)result->lost, (unsigned long long)result->repeated,
                   (unsigned long long)result->disordered);
    if (result->failure[0])
        buf_printf(to, "%-12s %s\n", "failure", result->failure);
}

// ---- JSON ----

static void write_number(struct json_writer *writer, const char *key, uint64_t number)
{
    json_write_member_u64(writer, str_from_c(key), number);
}

static void write_double(struct json_writer *writer, const char *key, double number)
{
    json_write_key(writer, str_from_c(key));
    json_write_double(writer, number);
}

static void write_latency(struct json_writer *writer, const char *key, const struct histogram *histogram)
{
    if (histogram->count == 0)
        return;
    json_write_key(writer, str_from_c(key));
    json_begin_object(writer);
    write_number(writer, "count", histogram->count);
    write_number(writer, "p50_ns", histogram_quantile(histogram, 0.5));
    write_number(writer, "p99_ns", histogram_quantile(histogram, 0.99));
    write_number(writer, "p999_ns", histogram_quantile(histogram, 0.999));
    write_number(writer, "max_ns", histogram->max);
    json_end_object(writer);
}

static void write_server(const struct bench_config *config, const struct bench_result *result,
                         struct json_writer *writer)
{
    if (!result->has_server)
        return;
    uint64_t work = work_of(config, result);
    write_number(writer, "cpu_ns", result->cpu_ns);
    if (work)
        write_double(writer, "cpu_ns_each", share(result->cpu_ns, work));
    write_number(writer, "memory_before", result->memory_before);
    write_number(writer, "memory_connected", result->memory_connected);
    write_number(writer, "memory_after", result->memory_after);
    write_double(writer, "memory_per_subscriber",
                 memory_per_subscriber(result->memory_before, result->memory_connected, result));
    write_double(writer, "kernel_per_subscriber",
                 memory_per_subscriber(result->kernel_before, result->kernel_connected, result));
}

static void append_json(const struct bench_config *config, const struct bench_result *result, struct buf *to)
{
    struct json_writer writer;
    json_writer_init(&writer, to, JSON_STYLE_COMPACT);
    json_begin_object(&writer);
    json_write_member(&writer, STR("scenario"), str_from_c(bench_scenario_names[config->scenario]));
    json_write_member(&writer, STR("protocol"), str_from_c(bench_protocol_names[config->protocol]));
    write_number(&writer, "subscribers", config->subscribers);
    write_number(&writer, "topics", config->topics);
    write_number(&writer, "size", config->size);
    json_write_key(&writer, STR("interrupted"));
    json_write_bool(&writer, result->interrupted);
    json_write_member(&writer, STR("failure"), str_from_c(result->failure));
    write_number(&writer, "elapsed_ns", result->elapsed_ns);
    write_number(&writer, "published", result->published);
    write_number(&writer, "delivered", result->delivered);
    write_number(&writer, "connected", result->connected);
    write_double(&writer, "publishes_per_s", per_second(result->published, result->elapsed_ns));
    write_double(&writer, "deliveries_per_s", per_second(result->delivered, result->elapsed_ns));
    write_double(&writer, "subscriptions_per_s", per_second(result->connected, result->elapsed_ns));
    write_number(&writer, "refused", result->refused);
    write_number(&writer, "unserved", result->unserved);
    write_number(&writer, "lost", result->lost);
    write_number(&writer, "repeated", result->repeated);
    write_number(&writer, "disordered", result->disordered);
    write_latency(&writer, "publish", &result->publish);
    write_latency(&writer, "delivery", &result->delivery);
    write_latency(&writer, "subscribe", &result->connect);
    write_server(config, result, &writer);
    json_end_object(&writer);
    buf_append_c(to, '\n');
}

void bench_report(const struct bench_config *config, const struct bench_result *result, bool json,
                  struct buf *to)
{
    if (json)
        append_json(config, result, to);
    else
        append_text(config, result, to);
}
