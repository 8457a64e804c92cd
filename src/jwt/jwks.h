// Sets of public keys as issuers publish them: JWK Set (RFC 7517), with keys of RSA and EC (RFC 7518 §6),
// Ed25519 (RFC 8037) and, where they are asked for, secrets. Pure; parsing takes some milliseconds for a long
// set of RSA keys: not on a thread that others wait for.
#pragma once

#include "base/attr.h"
#include "base/str.h"
#include "jwt/key.h"
#include "jwt/keyset.h"

#include <stddef.h>

#define JWK_SET_TEXT_MAX ((size_t)256 << 10)
#define JWK_SKIPS_MAX 8U

// A key of the document that is not in the set, for the log.
struct jwk_skip {
    size_t index; // in the document, from 0
    char id[64];  // its kid, cut to the room; empty when it has none
    const char *reason;
};

struct jwk_set {
    size_t count;
    struct jwt_key *keys[JWT_KEYS_MAX]; // in the document's order; one reference each
    size_t skip_count;                  // all of them; the first ones are kept
    struct jwk_skip skips[JWK_SKIPS_MAX];
};

// Reads a document. Each key gets those of `algorithms` (a set of 1 << enum jwt_algorithm; without a better
// wish JWT_ALGORITHMS_PUBLIC) that its type and its `alg` allow; a secret (`kty` oct) needs an `alg` that
// `algorithms` has. A key that is none of a signer's (`use`, `key_ops`), of an unknown type, too short, not
// sound, or beyond JWT_KEYS_MAX is skipped, and the others are good; a set may end up empty. A token with
// `kid` is for the keys of that `kid`, never for one without.
//
// HUB_E_INVALID (no JSON, a member twice, no `keys`), HUB_E_TOO_BIG, both with a sentence in the buffer that
// follows "the set ..."; -ENOMEM.
MUST_CHECK int jwk_set_parse(struct jwk_set *ret_set, struct str text, unsigned algorithms,
                             struct buf *reterr);
// Drops the references to the keys. For a keyset take each with jwt_key_share.
void jwk_set_done(struct jwk_set *set);
