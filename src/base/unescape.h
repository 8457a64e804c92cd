// Percent-encoding (RFC 3986 §2.1), undone. Pure.
#pragma once

#include "base/attr.h"
#include "base/str.h"

#include <stdbool.h>

struct arena;

// The text with a byte for each %XX and, with `plus`, a space for each '+'. It is the arena's, and a zero
// byte follows. HUB_E_INVALID for a '%' without two hexadecimal digits; -ENOMEM.
MUST_CHECK int unescape(struct str text, bool plus, struct arena *arena, struct str *ret_text);
