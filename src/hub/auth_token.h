// Where the token of a request stands: the Authorization header field, else the cookie. With the 0.x protocol
// on, the parameter `authorization` of the query comes between the two, and the cookie of that protocol last.
#pragma once

#include "base/attr.h"
#include "base/str.h"

struct conf;
struct exchange;

// The cookie of the 0.x protocol.
#define AUTH_LEGACY_COOKIE "mercureAuthorization"

// The last two are for tokens of the 0.x protocol alone.
enum auth_place {
    AUTH_PLACE_HEADER,
    AUTH_PLACE_COOKIE,
    AUTH_PLACE_PARAMETER,
    AUTH_PLACE_LEGACY_COOKIE,
};

struct auth_token {
    struct str text; // part of the request, or of its arena; NULL ptr when there is none
    enum auth_place place;
};

// Returns NULL, or what is wrong with the request: a constant sentence. The token is filled in as far as one
// was found then, too.
MUST_CHECK const char *auth_token_find(const struct conf *conf, struct exchange *exchange,
                                       struct auth_token *ret_token);
