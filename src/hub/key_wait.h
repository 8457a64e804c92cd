// Requests whose token names a key that its issuer may have published since: they wait while the next set of
// keys is on its way, and only then. Made-up names hold up nobody else, and bring about no more fetches than
// one every few seconds: how many requests wait is bounded, for how long too, and while no fetch may be begun
// they are refused at once.
#pragma once

#include "base/attr.h"
#include "base/list.h"
#include "hub/messages.h"
#include "loop/loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct auth_request;
struct shard;

// A worker's, for each source of keys.
struct key_wait {
    struct key_question question;
    struct list waiting; // requests
    size_t count;
    struct timer patience;
    uint64_t closed_until_ms; // before that asking is of no use
    bool asked;
};

// One for each source of the hub's keys: shard->key_waits. -ENOMEM.
MUST_CHECK int key_waits_new(struct shard *shard, size_t count);
// Whether the request waits now; it begins again later. False: it is to be refused.
MUST_CHECK bool key_wait_begin(const struct auth_request *request, unsigned source);
