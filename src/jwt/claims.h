// The claims of a token that every use of it is checked against. One allocation, without the JSON text: this
// is what is kept of a token while it is cached or its stream lives.
#pragma once

#include "base/attr.h"
#include "base/str.h"
#include "jwt/reason.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json;

#define JWT_AUDIENCES_MAX 100U
#define JWT_NEVER UINT64_MAX

struct jwt_claims {
    bool legacy;            // of the 0.x protocol: `exp` and `aud` are not required
    uint64_t expires_ms;    // since 1970; JWT_NEVER when there is no `exp`
    uint64_t not_before_ms; // 0 when there is no `nbf`
    struct str issuer;      // NULL ptr when there is no `iss`
    struct str key_id;      // of the header's `kid`; NULL ptr when there is none
    size_t audience_count;
    struct str audiences[];
};

// Reads a JSON object: only the types are checked. One of the reasons MEMORY and those that end in _TYPE, or
// NONE.
MUST_CHECK enum jwt_reason jwt_claims_read(struct jwt_claims **ret_claims, const struct json *payload,
                                           struct str key_id);
// Accepts NULL.
void jwt_claims_free(struct jwt_claims *claims);
// The memory that they take.
size_t jwt_claims_memory(const struct jwt_claims *claims);
// Whether they hold now and here: `exp` is there and later, `nbf` is not later, `aud` has the audience. To
// the millisecond, without leeway. Of the 0.x protocol, only `exp` and `nbf` are looked at, where they are
// there. NONE when they do.
MUST_CHECK enum jwt_reason jwt_claims_check(const struct jwt_claims *claims, uint64_t now_ms,
                                            struct str audience);
