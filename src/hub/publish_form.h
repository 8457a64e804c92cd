// The form that a publish comes as: what its fields say.
#pragma once

#include "base/attr.h"
#include "base/str.h"

#include <stddef.h>

struct arena;
struct publication;

// Reads the fields that we know, the first of each name, but for topics: of these the first `max_topics` are
// kept, and all are counted. What needs no decoding is a slice of `body`, the rest is in the arena. -ENOMEM.
MUST_CHECK int publish_form_read(struct publication *ret_publication, struct str body, size_t max_topics,
                                 struct arena *arena);
