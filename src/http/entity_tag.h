// Entity tags (RFC 9110 §8.8.3) and the question whether a client has the current one (§13.1.2).
#pragma once

#include "base/str.h"

#include <stdbool.h>

// Whether a value of If-None-Match names the tag, or any tag with "*". The comparison is the weak one. `tag`
// stands with its quotes. Members without quotes, which are none, are compared as they are.
bool entity_tag_is_named(struct str if_none_match, struct str tag);
