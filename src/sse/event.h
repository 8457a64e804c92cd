// One Server-Sent Event. The slices belong to whoever made it.
#pragma once

#include "base/str.h"

#include <stdint.h>

struct sse_event {
    struct str type; // empty: the default type, "message"
    struct str id;
    struct str data;
    uint64_t retry_ms; // 0: none
};
