// What a subscriber asks for: one topic or pattern of its request.
#pragma once

#include "base/str.h"

#include <stddef.h>
#include <stdint.h>

struct pattern;

struct matcher {
    struct str text;         // "*" of any kind: everything
    struct pattern *pattern; // one reference; NULL when it is compared byte for byte, and for "*"
    uint8_t kind;            // of enum subscription_kind: how it was written
    uint16_t place;          // in the request
};

// Drops those that are there twice, and puts them in the order of their kinds and of the request: the number
// that is left.
size_t matchers_sort(struct matcher *matchers, size_t count);
// Lets go of the patterns; the texts stay.
void matchers_done(struct matcher *matchers, size_t count);
