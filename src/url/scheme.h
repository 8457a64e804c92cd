// The special schemes (URL Standard, section 4.2).
#pragma once

#include "base/str.h"

#include <stddef.h>

struct special_scheme {
    struct str name;
    int port; // the one that goes without saying; URL_NO_PORT: none
};

#define SPECIAL_SCHEMES 6

extern const struct special_scheme special_schemes[SPECIAL_SCHEMES];

// The special scheme of that name (lower case), or NULL.
const struct special_scheme *scheme_special(struct str name);
