// Tokens for people and scripts: the claims of an access token (RFC 9068) with Mercure's grants, signed.
#pragma once

#include "base/attr.h"
#include "base/option.h"
#include "base/str.h"
#include "url/reserved.h" // HUB_PATH

#include <stdbool.h>
#include <stdint.h>

struct buf;

// What development uses everywhere: `cinnabar dev`, `token --dev`, and the defaults of the other commands.
#define DEV_KEY "!ChangeThisMercureHubJWTSecretKey!"
#define DEV_ISSUER "https://localhost"
#define DEV_ISSUERS \
    "[{issuer: '" DEV_ISSUER "', publisher: {jwt_key: '" DEV_KEY "'}, subscriber: {jwt_key: '" DEV_KEY "'}}" \
    "]"
#define DEV_ORIGIN "http://localhost:3000"
#define DEV_HUB DEV_ORIGIN HUB_PATH
#define DEV_EXPIRES_S UINT64_C(4102444800) // the end of this century's 100th year: a token to paste into docs

struct mint_grants {
    struct option_list publish;
    struct option_list publish_urlpattern;
    struct option_list subscribe;
    struct option_list subscribe_urlpattern;
};

struct mint_request {
    struct str issuer;
    struct str audience;
    bool audience_is_url; // as a client has it: a hub on this machine may know itself as localhost, so that
                          // the token is for that name too
    struct str subject;   // empty: a random one
    struct str client_id; // empty: the issuer
    struct str payload;   // JSON, for the subscribe grant; empty: none
    uint64_t issued_s;
    uint64_t expires_s;
    struct mint_grants grants;
};

// Appends the claims as a JSON object. HUB_E_INVALID when the payload is not JSON; -ENOMEM, HUB_E_TOO_BIG.
MUST_CHECK int mint_claims(const struct mint_request *request, struct buf *claims);
// Appends the token. `algorithm` may be empty, `key_id` too. What is wrong with key, algorithm or payload is
// appended to `reterr` as a sentence that begins with the flag.
MUST_CHECK int mint_token(const struct mint_request *request, struct str key, struct str algorithm,
                          struct str key_id, struct buf *token, struct buf *reterr);
// The request of a token that grants publishing and subscribing to everything for an hour from now.
struct mint_request mint_all(struct str issuer, struct str audience);
// Appends header and claims of a token as JSON, a line each. Not verified. HUB_E_INVALID, -ENOMEM.
MUST_CHECK int mint_explain(struct str token, struct buf *to);
