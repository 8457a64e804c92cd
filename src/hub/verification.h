// Signatures of public keys, checked on the threads of the pool (loop/work.h): each token once, however many
// requests bring it at the same time. How many tokens are under way is bounded for each worker.
#pragma once

#include "base/attr.h"
#include "base/table.h"

#include <stdbool.h>
#include <stddef.h>

struct auth_request;
struct jwt_cache_key;
struct jwt_check;

// A worker's.
struct verifications {
    struct table table; // that requests can join, by the token's key in the cache
    size_t count;       // under way
    size_t bytes;       // of their tokens
};

// The request waits for the verification of the same token, if one is under way. False: none is.
MUST_CHECK bool verification_join(const struct auth_request *request, const struct jwt_cache_key *key);
// Has the signature checked, and concludes the request afterwards; or gives the request up. Takes over the
// check.
void verification_begin(const struct auth_request *request, const struct jwt_cache_key *key,
                        struct jwt_check *check);
