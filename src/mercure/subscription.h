// An active subscription as clients see it: its id, which is the topic of its events too, and its document.
// Both look different in the two generations of the protocol.
//
// The id is /.well-known/mercure/subscriptions/ and, each percent-encoded once, the matcher's type, the
// matcher and the subscriber. In 0.x there is no type, and a space becomes "+". Documents are JSON with an
// indentation of two spaces.
#pragma once

#include "base/str.h"
#include "mercure/record.h"
#include "url/reserved.h" // HUB_PATH

#include <stdbool.h>

struct buf;

#define SUBSCRIPTIONS_PATH HUB_PATH "/subscriptions"

// How the matcher was written; kept in records.
enum subscription_kind {
    SUBSCRIPTION_EXACT,
    SUBSCRIPTION_URLPATTERN,
    SUBSCRIPTION_SELECTOR, // a topic of 0.x: text or URI Template
};

// The word for it in ids and documents; a NULL ptr for a selector, which has none.
struct str subscription_type_name(uint8_t kind);
// The kind with that name; false when there is none.
bool subscription_type_find(struct str name, uint8_t *ret_kind);

void subscription_append_id(struct buf *buf, const struct record_subscription *subscription,
                            enum generation generation);

struct subscription_view {
    enum generation generation;
    bool active;
    unsigned depth;           // how deep it stands in another document
    bool context;             // 0.x: with @context, as where it stands alone
    struct str last_event_id; // 0.x: of a single document; NULL ptr for none
};
// Without a newline at its end. The first line is indented as the others are.
void subscription_append_document(struct buf *buf, const struct record_subscription *subscription,
                                  const struct subscription_view *view);
