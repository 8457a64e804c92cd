// Who a request comes from: the token of a request, where it may stand, and what happens without a good one
// (RFC 6750, RFC 9728).
#pragma once

#include "base/attr.h"
#include "base/ref.h"
#include "base/str.h"
#include "jwt/keyset.h"
#include "jwt/verify.h"
#include "mercure/authorization.h"

#include <stdbool.h>

struct exchange;
struct shard;
struct worker;

// What is kept of a token, good or bad, shared by the requests that present it. Counted.
struct credentials {
    struct ref ref;
    struct jwt_claims *claims;           // NULL for a bad one
    struct authorization *authorization; // likewise
    struct jwt_failure failure;          // why it is bad: the token itself ...
    enum authorization_reason details;   // ... or its authorization_details
};

// Finds and checks the token of the request. True: *ret_credentials has one reference for the caller, or is
// NULL when the request has no token. False: the request was refused and has been answered.
MUST_CHECK bool auth_check(struct worker *worker, struct shard *shard, struct exchange *exchange,
                           enum jwt_role role, struct credentials **ret_credentials);
// 401 for a request without a token where one is needed.
void auth_require(struct shard *shard, struct exchange *exchange);
// 403 for a good token that does not grant this; `reason` goes to the log with the topic (NULL ptr: none).
void auth_forbid(struct shard *shard, struct exchange *exchange, const char *reason, struct str topic);
