// Web origins (RFC 6454), "https://example.com:8443", and the lists of them in the configuration: each entry
// is an origin, perhaps with one "*" in it that stands for anything, or "null", or "*" for every origin.
//
// Letter case does not count. A port that is the default one of http or https is as good as none. Pure.
#pragma once

#include "base/str.h"

#include <stdbool.h>

struct option_list;

// The origin at the start of a URL: everything before its path; without the default port. NULL ptr: there is
// none.
struct str origin_of_url(struct str url);
bool origin_equals(struct str a, struct str b);
// Whether an entry of the list allows the origin.
bool origin_is_allowed(const struct option_list *list, struct str origin);
// Whether the list allows every origin.
bool origin_is_any(const struct option_list *list);
