// A hub is one tenant: its log, transport, keys, limits and subscribers. This is the part of it that all
// threads share: immutable, but for the counters of what is bounded for all of its workers together.
//
// The hub thread has a `struct sequencer` for each hub, each worker a `struct shard`.
#pragma once

#include "base/attr.h"
#include "base/str.h"
#include "url/reserved.h" // HUB_PATH
#include "url/url.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conf;
struct jwt_keyset;
struct keyring;
struct sequencer;
struct shard;

struct hub {
    uint32_t number; // unique in the process; the key of the hub in stores that hold many
    struct str name; // the host name that selects it, "" for the default hub
    const struct conf *conf;
    struct keyring *keyring;
    struct jwt_keyset *keys; // the newest; main's, once there are workers: each of them has its own reference
    struct url url;          // its own URL, against which topics are resolved
    bool serves_legacy;      // there may be subscribers of 0.x
    struct sequencer *sequencer;
    struct shard **shards; // one per worker, of the worker's own
    size_t shard_count;

    // Quotas (base/quota.h).
    atomic_size_t pending_publishes; // accepted and not yet settled, against max_pending_publishes
    atomic_size_t pending_bytes;     // their memory, against max_pending_bytes
    atomic_size_t subscribers;       // against max_subscribers
    atomic_size_t matcher_bytes;     // what subscribers' matchers take, against max_matcher_bytes
    atomic_size_t listings;          // of subscriptions, that are being sent
};

// With its keys and its URL; the sequencer and the shards are for the caller to set. What is wrong with a key
// is logged. A negative code on failure.
MUST_CHECK int hub_new(struct hub **ret_hub, uint32_t number, const struct conf *conf, size_t worker_count);
// With its sequencer, if there is one. NULL is accepted.
void hub_free(struct hub *hub);
