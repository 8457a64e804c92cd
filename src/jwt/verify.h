// Verifies compact signed tokens (RFC 7515, RFC 7519, RFC 9068) after RFC 8725: who may sign is chosen by the
// claimed issuer, with what is bound to the key, and nothing in the token can widen either.
//
// In this order: three parts; base64url; header and claims are JSON objects with members of the right types;
// `alg` is known and there is no `crit`; the issuer is known and has keys for the role; `alg` is one of
// theirs; the signature is that of one of them; `typ`. Where the set accepts the 0.x protocol, a token whose
// `typ` is not at+jwt has the keys of that protocol instead of an issuer's. What depends on the time or on
// the request (`exp`, `nbf`, `aud`) is jwt_claims_check, at every use, so that the result of this may be
// cached.
//
// Pure and thread-safe.
#pragma once

#include "base/attr.h"
#include "base/str.h"
#include "jwt/claims.h"
#include "jwt/keyset.h"
#include "jwt/reason.h"

#include <stdbool.h>

struct json;

#define JWT_SIZE_MAX ((size_t)16384)

// For the log: what the token says of itself, not verified, cut to the room. Empty when it was not read.
struct jwt_failure {
    enum jwt_reason reason;
    unsigned source; // of keys, whose next set may have the one that is missing; 0: none
    bool keyless;    // it has not given any yet
    char issuer[128];
    char key_id[64];
};

// The caller frees both results: the claims, and the whole payload with json_free (for claims beyond these).
// HUB_E_DENIED, with the reason; -ENOMEM.
MUST_CHECK int jwt_verify(struct jwt_keyset *set, enum jwt_role role, struct str token,
                          struct jwt_claims **ret_claims, struct json **ret_payload,
                          struct jwt_failure *reterr_failure);

// Whether a token says of itself that it is an access token (RFC 9068), verified or not: what tells it from
// one of the 0.x protocol.
bool jwt_is_access_token(struct str token);

// ---- The same in steps, since a signature of a public key takes its time ----

struct jwt_check;

// Does all that comes before the signature; holds the set. -ENOMEM.
MUST_CHECK int jwt_check_new(struct jwt_check **ret_check, struct jwt_keyset *set, enum jwt_role role,
                             struct str token);
// Whether the next step takes more than a few microseconds (RS, PS, ES, EdDSA): not on a thread that others
// wait for.
bool jwt_check_is_slow(const struct jwt_check *check);
// The signature and what comes after it. Once, on any thread.
void jwt_check_run(struct jwt_check *check);
// Frees it; results as of jwt_verify.
MUST_CHECK int jwt_check_end(struct jwt_check *check, struct jwt_claims **ret_claims,
                             struct json **ret_payload, struct jwt_failure *reterr_failure);
// Instead of jwt_check_end, at any step. Accepts NULL.
void jwt_check_free(struct jwt_check *check);
