// What pages of other origins may do with the hub: the CORS protocol (Fetch Standard, section 3.3), for the
// origins of `cors_origins`. Without any the hub does not speak it.
//
// It only tells browsers what they may show to a page: a request from another origin is served all the same.
#pragma once

#include "base/attr.h"

#include <stdbool.h>

struct conf;
struct exchange;

// To be called before a request is handled. True: it was a preflight and has been answered. Otherwise
// whatever answers the exchange will carry the header fields that its origin is due.
MUST_CHECK bool cors_handle(const struct conf *conf, struct exchange *exchange);
