// Subscription events as updates: private, of a generated id, with a topic and a frame for each generation
// that the hub serves.
#pragma once

#include "base/attr.h"
#include "mercure/record.h"

#include <stdbool.h>
#include <stdint.h>

struct update;

// The begin or end of a subscription. `serves_legacy`: there may be subscribers of 0.x. The caller has the
// one reference. -ENOMEM, HUB_E_TOO_BIG.
MUST_CHECK int subscription_event_new(struct update **ret_update,
                                      const struct record_subscription *subscription, bool active,
                                      bool serves_legacy, uint64_t now_ms);
// The id of the subscription that an event is about, by which its begin and its end belong together: the
// event's topic of the modern protocol. A slice of the record.
struct str subscription_event_id(const struct record *event);
// The end of the subscription that `begin` has announced.
MUST_CHECK int subscription_event_end(struct update **ret_update, const struct record *begin,
                                      bool serves_legacy, uint64_t now_ms);
