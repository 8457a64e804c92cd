// What a hub without the page for people shows to those who look at its host: a welcome, and nothing for
// robots.
#pragma once

#include "base/attr.h"

#include <stdbool.h>

struct exchange;

// False: the path is another.
MUST_CHECK bool welcome_handle(struct exchange *exchange);
