// The list of active subscriptions as the body of a response: piece by piece, out of documents that all lists
// share, as fast as its reader takes it, but not for longer than a stream may live. Worker.
#pragma once

#include "base/attr.h"
#include "base/str.h"
#include "mercure/record.h"

#include <stdbool.h>
#include <stdint.h>

struct exchange;
struct roll_view;
struct shard;

struct listing_config {
    struct shard *shard;
    struct roll_view *view; // a reference is taken; NULL: nobody is there
    enum generation generation;
    bool one_kind; // only of matchers of this kind
    uint8_t kind;
    struct str id;            // of the list
    struct str last_event_id; // 0.x has it in the list
};

// Answers with the list. HUB_E_FULL when too many are being sent; -ENOMEM: then nothing was answered.
MUST_CHECK int listing_send(struct exchange *exchange, const struct listing_config *config);
