// The two halves of url_is_reserved, for its tests.
#pragma once

#include "base/str.h"

#include <stdbool.h>

struct url;

// The cheap half: false only when the topic is certainly not reserved.
bool reserved_is_possible(struct str topic, const struct url *base);
// The exact half, which parses the topic.
bool reserved_by_parsing(struct str topic, const struct url *base);
