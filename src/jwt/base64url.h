// Base64url without padding (RFC 4648 §5), strictly: each text has one meaning only, so that two texts never
// decode to the same bytes.
#pragma once

#include "base/attr.h"
#include "base/str.h"

#include <stddef.h>

struct buf;

// The most bytes that a text of `len` characters decodes to.
size_t base64url_decoded_max(size_t len);
// Writes the bytes to `to`, which has room for base64url_decoded_max. HUB_E_INVALID for padding, white space
// and any other foreign character, for a length that no bytes have, and for set bits after the last byte.
MUST_CHECK int base64url_decode(struct str text, char *to, size_t *ret_len);
// Appends the text of the bytes.
void base64url_encode(struct buf *buf, struct str bytes);
