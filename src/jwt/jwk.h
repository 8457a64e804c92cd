// One JWK (RFC 7517 §4).
#pragma once

#include "base/attr.h"

struct json;
struct jwt_key;

// Reads a key for those of the algorithms that its type and its `alg` allow, with its `kid`. HUB_E_INVALID
// with a sentence, -ENOMEM.
MUST_CHECK int jwk_read(struct jwt_key **ret_key, const struct json *jwk, unsigned algorithms,
                        const char **reterr_text);
