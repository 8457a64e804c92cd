// Code points of text that is known to be UTF-8 (str_is_utf8).
#pragma once

#include "base/str.h"

#include <stddef.h>
#include <stdint.h>

struct buf;

// The code point at *at, which is moved behind it. There must be one.
uint32_t utf8_next(struct str text, size_t *at);
// Appends a code point; the error is in the buffer.
void utf8_append(struct buf *to, uint32_t c);
