// Who a request comes from: its token, checked against the keys that this worker has (RFC 6750, RFC 9068).
//
// A token that is remembered, or signed with a shared secret, is checked at once. A signature of a public key
// is checked on another thread, once for all requests that bring the token meanwhile; the request waits, and
// nothing else does.
#pragma once

#include "base/ref.h"
#include "hub/auth_refuse.h"
#include "jwt/keyset.h"
#include "jwt/verify.h"
#include "mercure/authorization.h"

struct exchange;
struct shard;

// What is kept of a token, good or bad, shared by the requests that present it. Counted.
struct credentials {
    struct ref ref;
    struct jwt_claims *claims;           // NULL for a bad one
    struct authorization *authorization; // likewise
    struct jwt_failure failure;          // why it is bad: the token itself ...
    enum authorization_reason details;   // ... or its authorization_details
};

// The request is in order so far. `credentials` has one reference for the callee, and is NULL when there is
// no token.
typedef void auth_done_fn(struct shard *shard, struct exchange *exchange, struct credentials *credentials);

// Finds and checks the token of the request. `done` is called once, perhaps from inside this call, so that
// nothing may come after it; or never, if the request is refused (it has been answered then) or its client
// goes. Until then the exchange's data and its gone function are not the caller's.
void auth_check(struct shard *shard, struct exchange *exchange, enum jwt_role role, auth_done_fn *done);
