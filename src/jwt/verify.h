// Verifies compact signed tokens (RFC 7515, RFC 7519, RFC 9068) after RFC 8725: who may sign is chosen by the
// claimed issuer, with what is bound to the key, and nothing in the token can widen either.
//
// In this order: three parts; base64url; header and claims are JSON objects with members of the right types;
// `alg` is known and there is no `crit`; the issuer is known and has keys for the role; `alg` is one of
// theirs; the signature is that of one of them; `typ`. What depends on the time or on the request (`exp`,
// `nbf`, `aud`) is jwt_claims_check, at every use, so that the result of this may be cached.
//
// Pure and thread-safe.
#pragma once

#include "base/attr.h"
#include "base/str.h"
#include "jwt/claims.h"
#include "jwt/keyset.h"
#include "jwt/reason.h"

struct json;

#define JWT_SIZE_MAX ((size_t)16384)

// For the log: what the token says of itself, not verified, cut to the room. Empty when it was not read.
struct jwt_failure {
    enum jwt_reason reason;
    char issuer[128];
    char key_id[64];
};

// The caller frees both results: the claims, and the whole payload with json_free (for claims beyond these).
// HUB_E_DENIED, with the reason; -ENOMEM.
MUST_CHECK int jwt_verify(const struct jwt_keyset *set, enum jwt_role role, struct str token,
                          struct jwt_claims **ret_claims, struct json **ret_payload,
                          struct jwt_failure *reterr_failure);
