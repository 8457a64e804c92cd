// The algorithms that sign tokens (RFC 7518 §3.1, RFC 8037 §3.1); `none` never is one. EdDSA means Ed25519.
#pragma once

#include "base/str.h"

#include <stdbool.h>

#define JWT_ALGORITHMS(X) \
    X(HS256) \
    X(HS384) \
    X(HS512) \
    X(RS256) \
    X(RS384) \
    X(RS512) \
    X(PS256) \
    X(PS384) \
    X(PS512) \
    X(ES256) \
    X(ES384) \
    X(ES512) \
    X(EdDSA)

enum jwt_algorithm {
#define X(name) JWT_ALGORITHM_##name,
    JWT_ALGORITHMS(X)
#undef X
};
#define JWT_ALGORITHM_COUNT (JWT_ALGORITHM_EdDSA + 1U)

// Sets of 1 << enum jwt_algorithm: those of shared secrets, and those of public keys, which are what a set of
// keys may use unless told otherwise.
#define JWT_ALGORITHMS_SECRET 0x7U
#define JWT_ALGORITHMS_PUBLIC (((1U << JWT_ALGORITHM_COUNT) - 1) & ~JWT_ALGORITHMS_SECRET)

// For sentences.
#define JWT_ALGORITHMS_SECRET_TEXT "HS256, HS384 or HS512"
#define JWT_ALGORITHMS_PUBLIC_TEXT "RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512 and EdDSA"

// False when the name (as in a token's `alg`, case matters) is none of the above.
bool jwt_algorithm_from_name(struct str name, enum jwt_algorithm *ret_algorithm);
const char *jwt_algorithm_name(enum jwt_algorithm algorithm);
bool jwt_algorithm_is_secret(enum jwt_algorithm algorithm);
