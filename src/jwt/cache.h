// Verified tokens, remembered by one worker so that a client's next request costs a hash instead of a
// signature and a JSON text. Refused tokens are remembered apart, fewer and briefly: a flood of bad tokens
// pushes no good one out. Of each part the least recently used go when it is over its bound. Not thread-safe.
//
// A token is found again only for the hub, the role and the set of keys that it was verified for. What is
// remembered is the caller's: a counted object of which the cache is one more owner. It may hold only what
// does not depend on the time or the request.
#pragma once

#include "base/attr.h"
#include "base/str.h"
#include "jwt/keyset.h"

#include <stddef.h>
#include <stdint.h>

struct jwt_cache;
struct ref;

struct jwt_cache_limits {
    size_t entries;
    size_t bytes; // of the tokens' objects and the cache's own entries
    size_t failure_entries;
    size_t failure_bytes;
    uint64_t failure_life_ms;
};

struct jwt_cache_scope {
    uint64_t hub;
    uint64_t generation; // of the keyset
    enum jwt_role role;
};

struct jwt_cache_key {
    unsigned char digest[32];
};

// -ENOMEM, HUB_E_UNSUPPORTED when OpenSSL has no SHA-256.
MUST_CHECK int jwt_cache_new(struct jwt_cache **ret_cache, const struct jwt_cache_limits *limits);
// Accepts NULL.
void jwt_cache_free(struct jwt_cache *cache);
// Makes the key of a token: SHA-256 of the scope and the token. -ENOMEM.
MUST_CHECK int jwt_cache_key(struct jwt_cache *cache, struct str token, const struct jwt_cache_scope *scope,
                             struct jwt_cache_key *ret_key);
// The object, borrowed until the next change of the cache, or NULL.
struct ref *jwt_cache_find(struct jwt_cache *cache, const struct jwt_cache_key *key, uint64_t now_ms);
// Remembers an object of `size` bytes, in place of what was there. Without memory, or when it is larger than
// the bound, nothing is remembered.
void jwt_cache_add(struct jwt_cache *cache, const struct jwt_cache_key *key, struct ref *object, size_t size);
// The same for a token that was refused: for failure_life_ms.
void jwt_cache_add_failure(struct jwt_cache *cache, const struct jwt_cache_key *key, struct ref *object,
                           size_t size, uint64_t now_ms);
