// The path of every hub, and the namespace of topics that is its own: that path and what is below it.
#pragma once

#include "base/str.h"

#include <stdbool.h>

struct url;

// As the protocol has it (RFC 8615 for the prefix).
#define HUB_PATH "/.well-known/mercure"

// Whether a topic, resolved against the hub's URL, has a path in the namespace, whatever its scheme and host,
// or begins with the namespace as it is written. Both are compared after one round of decoding %XX of
// unreserved characters. A topic that is no URL is
// not reserved. When the answer cannot be had (no memory, or a topic that the URL parser finds too long) it
// is yes.
bool url_is_reserved(struct str topic, const struct url *base);
