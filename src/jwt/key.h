// Keys that tokens are signed with. A key is bound to its type and its algorithms when it is loaded, so that
// no token can choose how it is read (RFC 8725 §3.1). Immutable and shared by all threads; counted by nobody:
// a keyset owns its keys.
#pragma once

#include "base/attr.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct jwt_key;

#define JWT_ALGORITHMS(X) \
    X(HS256) \
    X(HS384) \
    X(HS512)

enum jwt_algorithm {
#define X(name) JWT_ALGORITHM_##name,
    JWT_ALGORITHMS(X)
#undef X
};

// False when the name (as in a token's `alg`, case matters) is none of the above; `none` never is one.
bool jwt_algorithm_from_name(struct str name, enum jwt_algorithm *ret_algorithm);
const char *jwt_algorithm_name(enum jwt_algorithm algorithm);

// A key as an operator writes it: a raw secret, whose algorithm is HS256 when none is named. A PEM text is
// never taken for a secret: whoever knows a public key could sign with it. `id` is the `kid` that it answers
// to; empty for a key that answers to any. HUB_E_INVALID, HUB_E_UNSUPPORTED, both with a sentence; -ENOMEM.
MUST_CHECK int jwt_key_load(struct jwt_key **ret_key, struct str text, struct str algorithm, struct str id,
                            const char **reterr_text);
// Accepts NULL.
void jwt_key_free(struct jwt_key *key);
struct str jwt_key_id(const struct jwt_key *key);
// A set of 1 << enum jwt_algorithm.
unsigned jwt_key_algorithms(const struct jwt_key *key);
// The bytes that its algorithm asks for (RFC 7518 §3.2) if it has fewer, else 0: worth a warning, since a key
// can be guessed offline from any of its tokens.
size_t jwt_key_short_of(const struct jwt_key *key);

// Whether the signature of `input` is this key's. HUB_E_DENIED when it is not or when the algorithm is not
// the key's; -ENOMEM.
MUST_CHECK int jwt_key_verify(const struct jwt_key *key, enum jwt_algorithm algorithm, struct str input,
                              struct str signature);
// Appends the signature's bytes; `input` may not be in the buffer. HUB_E_DENIED when the algorithm is not the
// key's, HUB_E_UNSUPPORTED when it cannot sign, -ENOMEM, HUB_E_TOO_BIG.
MUST_CHECK int jwt_key_sign(const struct jwt_key *key, enum jwt_algorithm algorithm, struct str input,
                            struct buf *signature);
