// Keys in PEM form (RFC 7468, RFC 1421), as operators paste them.
#pragma once

#include "base/attr.h"
#include "base/str.h"

#include <openssl/types.h>
#include <stdbool.h>

#define PEM_TEXT_MAX ((size_t)64 << 10)

// Whether there is a PEM block in the text.
bool pem_is_in(struct str text);
// Reads the first key or certificate; the caller frees the key. Nothing is ever asked for: an encrypted key
// is an error. HUB_E_INVALID with a sentence about the key; -ENOMEM.
MUST_CHECK int pem_read(EVP_PKEY **ret_key, bool *ret_is_private, struct str text, const char **reterr_text);
