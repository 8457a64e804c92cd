// The characters that a protocol identifier (topic, matcher, id, type) may hold.
#pragma once

#include "base/str.h"

#include <stdbool.h>

// Whether the text is valid UTF-8 without control characters (C0, DEL, C1) and without format characters
// (general category Cf), which are invisible. The empty text is.
bool chars_valid(struct str text);
