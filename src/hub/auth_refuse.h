// Requests that are refused for their token: the challenge of the answer (RFC 6750, RFC 9728), and the line
// of the log that says which rule refused.
#pragma once

#include "base/str.h"

#include <stdbool.h>

struct exchange;
struct jwt_claims;
struct shard;

// What is wrong with a token. Texts whose ptr is NULL are left out of the log.
struct token_fault {
    const char *reason;  // a constant sentence, for the log
    bool told;           // to the client as well: the token's signature is good, so that it helps nobody else
    struct str issuer;   // that was tried: what the token says of itself, ...
    struct str key_id;   // ... likewise
    struct str keys;     // that the issuer has for the role
    struct str aud;      // the token's
    struct str expected; // that it should have had
};

// 400: the request does not carry its token as it should.
void auth_refuse_request(struct shard *shard, struct exchange *exchange, const char *reason);
// 401
void auth_refuse_token(struct shard *shard, struct exchange *exchange, const struct token_fault *fault);
// 401 for a request without a token where one is needed.
void auth_require(struct shard *shard, struct exchange *exchange);
// 403 for a good token that does not grant this, or 401 if it is one of the 0.x protocol; `reason`, a
// constant sentence, goes to the client and with the topic (NULL ptr: none) to the log.
void auth_forbid(struct shard *shard, struct exchange *exchange, const struct jwt_claims *claims,
                 const char *reason, struct str topic);
// 503: the token could not be checked.
void auth_give_up(struct shard *shard, struct exchange *exchange, const char *reason);
