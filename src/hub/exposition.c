#include "hub/exposition.h"

#include "base/attr.h"
#include "base/metrics.h"
#include "http/server.h"
#include "hub/hub.h"
#include "hub/keyring.h"
#include "hub/sequencer.h"
#include "hub/shard.h"
#include "hub/worker.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct row {
    const char *name;
    const char *type;
    const char *help;
    size_t offset; // of the counter in its struct
};

static const struct row shard_rows[] = {
    {"mercure_subscribers_connected", "gauge", "The current number of running subscribers",
     offsetof(struct shard_metrics, subscribers)},
    {"mercure_subscribers_total", "counter", "Total number of handled subscribers",
     offsetof(struct shard_metrics, subscribers_total)},
    {"mercure_updates_total", "counter", "Total number of handled updates",
     offsetof(struct shard_metrics, published)},
    {"mercure_updates_failed_total", "counter", "Updates that were in order and could not be stored",
     offsetof(struct shard_metrics, publish_failed)},
    {"mercure_deliveries_total", "counter", "Updates sent to subscribers",
     offsetof(struct shard_metrics, deliveries)},
    {"mercure_replayed_total", "counter", "Updates sent to subscribers that were behind, history included",
     offsetof(struct shard_metrics, replayed)},
    {"mercure_fell_behind_total", "counter", "Times that a live subscriber fell behind",
     offsetof(struct shard_metrics, behind)},
    {"mercure_lost_history_total", "counter", "Streams ended because what they were to be sent is not kept",
     offsetof(struct shard_metrics, lost_history)},
    {"mercure_costly_patterns_total", "counter", "Times that matching a pattern would have taken too long",
     offsetof(struct shard_metrics, costly_patterns)},
    {"mercure_rejected_auth_total", "counter", "Requests refused for their token or its grants",
     offsetof(struct shard_metrics, rejected_auth)},
    {"mercure_unchecked_auth_total", "counter", "Requests turned away as their token could not be checked",
     offsetof(struct shard_metrics, unchecked_auth)},
    {"mercure_verified_signatures_total", "counter", "Signatures of public keys that were verified",
     offsetof(struct shard_metrics, verified)},
    {"mercure_rejected_requests_total", "counter", "Requests refused for what they asked",
     offsetof(struct shard_metrics, rejected_request)},
};

static const struct row http_rows[] = {
    {"mercure_http_connections_total", "counter", "Connections accepted",
     offsetof(struct http_metrics, accepted)},
    {"mercure_http_connections_closed_total", "counter", "Connections closed",
     offsetof(struct http_metrics, closed)},
    {"mercure_http_connections_refused_total", "counter", "Connections closed at once: a limit was reached",
     offsetof(struct http_metrics, refused_connections)},
    {"mercure_http_requests_total", "counter", "Requests whose head was in order",
     offsetof(struct http_metrics, requests)},
    {"mercure_http_sent_bytes_total", "counter", "Bytes given to the kernel",
     offsetof(struct http_metrics, sent_bytes)},
    {"mercure_http_sends_total", "counter", "System calls that sent", offsetof(struct http_metrics, sends)},
    {"mercure_http_stalled_total", "counter", "Streams cut by dispatch_timeout",
     offsetof(struct http_metrics, stalled)},
};

static const struct row sequencer_rows[] = {
    {"mercure_transport_groups_total", "counter", "Groups of updates given to the transport",
     offsetof(struct sequencer_metrics, groups)},
    {"mercure_transport_stored_total", "counter", "Updates stored",
     offsetof(struct sequencer_metrics, stored)},
    {"mercure_transport_refused_total", "counter", "Updates that the transport refused",
     offsetof(struct sequencer_metrics, refused)},
    {"mercure_transport_fed_total", "counter", "Updates that came by the feed",
     offsetof(struct sequencer_metrics, fed)},
    {"mercure_tail_updates", "gauge", "Updates in memory", offsetof(struct sequencer_metrics, tail_updates)},
    {"mercure_tail_bytes", "gauge", "Memory of the updates in memory and of their indices",
     offsetof(struct sequencer_metrics, tail_bytes)},
    {"mercure_held_total", "counter", "Times that publishing was held back for a slow worker",
     offsetof(struct sequencer_metrics, held)},
};

static uint64_t read_at(const void *metrics, size_t offset)
{
    return counter_read((const struct counter *)(const void *)((const char *)metrics + offset));
}

static void append(struct buf *page, const struct row *row, uint64_t value)
{
    metrics_head(page, row->name, row->type, row->help);
    metrics_sample(page, row->name, "", value);
}

static uint64_t sum_of_shards(const struct worker *workers, size_t count, size_t offset)
{
    uint64_t sum = 0;
    for (size_t worker = 0; worker < count; worker++) {
        for (size_t hub = 0; hub < workers[worker].hub_count; hub++)
            sum += read_at(&workers[worker].shards[hub].metrics, offset);
    }
    return sum;
}

static void append_shards(struct buf *page, const struct worker *workers, size_t count)
{
    for (size_t i = 0; i < ARRAY_LEN(shard_rows); i++)
        append(page, &shard_rows[i], sum_of_shards(workers, count, shard_rows[i].offset));
}

// One sample for each old form of a request.
static void append_legacy(struct buf *page, const struct worker *workers, size_t count)
{
    static const char name[] = "mercure_legacy_requests_total";
    metrics_head(page, name, "counter", "Requests of the 0.x protocol, by what is old about them");
    for (unsigned form = 0; form < LEGACY_FORM_COUNT; form++) {
        char label[64];
        size_t offset = offsetof(struct shard_metrics, legacy) + form * sizeof(struct counter);
        (void)snprintf(label, sizeof(label), "kind=\"%s\"", legacy_form_name((enum legacy_form)form));
        metrics_sample(page, name, label, sum_of_shards(workers, count, offset));
    }
}

static void append_http(struct buf *page, const struct worker *workers, size_t count)
{
    for (size_t i = 0; i < ARRAY_LEN(http_rows); i++) {
        uint64_t sum = 0;
        for (size_t worker = 0; worker < count; worker++)
            sum += read_at(http_server_metrics(workers[worker].http), http_rows[i].offset);
        append(page, &http_rows[i], sum);
    }
}

static void append_publish_times(struct buf *page, const struct worker *workers, size_t count,
                                 size_t hub_count)
{
    const struct histogram **histograms = calloc(count * hub_count, sizeof(*histograms));
    if (!histograms)
        return;
    for (size_t i = 0; i < count * hub_count; i++)
        histograms[i] = &workers[i / hub_count].shards[i % hub_count].metrics.publish_us;
    static const char name[] = "mercure_publish_duration_seconds";
    metrics_head(page, name, "histogram", "From a publish request to its settlement");
    metrics_histogram(page, name, histograms, count * hub_count);
    free(histograms);
}

static void append_sequencers(struct buf *page, struct hub *const *hubs, size_t count)
{
    for (size_t i = 0; i < ARRAY_LEN(sequencer_rows); i++) {
        uint64_t sum = 0;
        for (size_t hub = 0; hub < count; hub++)
            sum += read_at(sequencer_metrics(hubs[hub]->sequencer), sequencer_rows[i].offset);
        append(page, &sequencer_rows[i], sum);
    }
}

static const struct row keyring_rows[] = {
    {"mercure_key_fetches_total", "counter", "Sets of keys that were fetched or read, or should have been",
     offsetof(struct keyring_metrics, fetches)},
    {"mercure_key_fetches_failed_total", "counter", "Those that could not be had or used",
     offsetof(struct keyring_metrics, failures)},
    {"mercure_key_changes_total", "counter", "Times that other keys came into use",
     offsetof(struct keyring_metrics, changes)},
};

static void append_keyrings(struct buf *page, struct hub *const *hubs, size_t count)
{
    for (size_t i = 0; i < ARRAY_LEN(keyring_rows); i++) {
        uint64_t sum = 0;
        for (size_t hub = 0; hub < count; hub++)
            sum +=
                hubs[hub]->keyring ? read_at(keyring_metrics(hubs[hub]->keyring), keyring_rows[i].offset) : 0;
        append(page, &keyring_rows[i], sum);
    }
}

void exposition_append(struct buf *page, const struct worker *workers, size_t worker_count,
                       struct hub *const *hubs, size_t hub_count)
{
    append_shards(page, workers, worker_count);
    append_legacy(page, workers, worker_count);
    append_publish_times(page, workers, worker_count, hub_count);
    append_http(page, workers, worker_count);
    append_sequencers(page, hubs, hub_count);
    append_keyrings(page, hubs, hub_count);
}
