// Decodes the chunked transfer coding (RFC 9112 §7.1), strictly: lines end with CRLF, sizes are hexadecimal
// digits alone. Extensions and trailers are bounded, checked for control characters, and dropped. Pure.
//
// llhttp is not used here: bodies of unknown framing are where servers have been fooled most often, and this
// is all there is to it.
#pragma once

#include "base/attr.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

// Zero it before each body.
struct http_chunked {
    uint64_t _left;  // bytes of data in this chunk that are still to come, or its size so far
    uint32_t _extra; // bytes of extensions or trailers so far
    uint8_t _state;
    uint8_t _digits;
};

// Takes bytes off the front of *bytes and gives the next piece of the body; an empty piece when all are used
// up or the body has ended. HUB_E_INVALID or HUB_E_TOO_BIG (extensions or trailers).
MUST_CHECK int http_chunked_next(struct http_chunked *chunked, struct str *bytes, struct str *ret_piece);
bool http_chunked_ended(const struct http_chunked *chunked);
