// Internationalised domain names (UTS 46, as the URL Standard's section 3.3 uses it).
#pragma once

#include "base/attr.h"
#include "base/str.h"

struct buf;

// Longer domains are refused, for the work grows with the square of a label's length. In bytes.
#define IDNA_DOMAIN_MAX 1024

// Appends the ASCII form of a domain that holds other characters. HUB_E_INVALID when it has none, is not
// UTF-8 or is too long; -ENOMEM; or the error that is in the buffer.
MUST_CHECK int idna_to_ascii(struct buf *to, struct str domain);
