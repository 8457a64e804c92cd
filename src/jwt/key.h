// Keys that tokens are signed with. A key is bound to its type and its algorithms when it is loaded, so that
// no token can choose how it is read (RFC 8725 §3.1). Immutable, counted and shared by all threads.
#pragma once

#include "base/attr.h"
#include "base/str.h"
#include "jwt/algorithm.h"

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct jwt_key;

// A key as an operator writes it: a raw secret, whose algorithm is HS256 when none is named, or PEM, whose
// algorithm must be named: a public key (PKIX, or PKCS #1 for RSA), a certificate (its validity does not
// matter), or a private key (PKCS #8, PKCS #1, SEC 1), which can sign too. A PEM text or a JWK is never taken
// for a secret: whoever knows a public key could sign with it. Line ends may be spaces or "\n" written out,
// as they come out of environments and folded YAML. `id` is the `kid` that it answers to; empty for a key
// that answers to any. HUB_E_INVALID, HUB_E_UNSUPPORTED, both with a sentence about "the key" or "the
// algorithm"; -ENOMEM.
MUST_CHECK int jwt_key_load(struct jwt_key **ret_key, struct str text, struct str algorithm, struct str id,
                            const char **reterr_text);
// One owner more. Returns the key.
struct jwt_key *jwt_key_share(struct jwt_key *key);
// One owner less; the last one frees it. Accepts NULL.
void jwt_key_free(struct jwt_key *key);
// Empty when it has none.
struct str jwt_key_id(const struct jwt_key *key);
// Whether a token with this `kid` (NULL ptr: none) may be signed with it.
bool jwt_key_answers_to(const struct jwt_key *key, struct str id);
// A set of 1 << enum jwt_algorithm.
unsigned jwt_key_algorithms(const struct jwt_key *key);
// The bytes that its algorithm asks for (RFC 7518 §3.2) if it has fewer, else 0: worth a warning, since a key
// can be guessed offline from any of its tokens. Only of secrets: an RSA key of less than 2048 bits is
// refused.
size_t jwt_key_short_of(const struct jwt_key *key);

// Whether the signature of `input` is this key's. HUB_E_DENIED when it is not or when the algorithm is not
// the key's; -ENOMEM.
MUST_CHECK int jwt_key_verify(const struct jwt_key *key, enum jwt_algorithm algorithm, struct str input,
                              struct str signature);
// Appends the signature's bytes; `input` may not be in the buffer. HUB_E_DENIED when the algorithm is not the
// key's, HUB_E_UNSUPPORTED when it cannot sign, -ENOMEM, HUB_E_TOO_BIG.
MUST_CHECK int jwt_key_sign(const struct jwt_key *key, enum jwt_algorithm algorithm, struct str input,
                            struct buf *signature);
