// The API of active subscriptions, with `subscriptions`: GET /.well-known/mercure/subscriptions,
// .../{match_type}/{match} and .../{match_type}/{match}/{subscriber}; of 0.x .../{topic} and
// .../{topic}/{subscriber}.
//
// It needs a token that grants subscribing to the path itself, as it stands in the request. What is told is
// how the hub was at the update that the answer names, in ETag and Link: whoever follows the events from
// there on misses nothing and sees nothing twice.
#pragma once

#include "base/attr.h"

#include <stdbool.h>

struct exchange;
struct worker;

// False: the path is not one of the API's.
MUST_CHECK bool subscriptions_handle(struct worker *worker, struct exchange *exchange);
