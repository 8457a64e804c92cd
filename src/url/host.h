// The host parser and serializer of the URL Standard (section 3.5) in one: a host only ever exists in its
// serialized form.
#pragma once

#include "base/attr.h"
#include "base/str.h"

#include <stdbool.h>

struct buf;

// Appends the host: a domain in ASCII, an IPv4 address, an IPv6 address in brackets, or, when is_opaque (the
// scheme is not special), anything without characters that delimit. Opaque hosts may be empty, others not.
// HUB_E_INVALID, -ENOMEM, or the error that is in the buffer; what it holds after an error is not specified.
MUST_CHECK int host_parse(struct buf *to, struct str text, bool is_opaque);
