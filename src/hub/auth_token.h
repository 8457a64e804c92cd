// Where the token of a request stands: the Authorization header field, else the cookie.
#pragma once

#include "base/attr.h"
#include "base/str.h"

struct conf;
struct exchange;

// The token, part of the request; a NULL ptr when there is none. Returns NULL, or what is wrong with the
// request: a constant sentence.
MUST_CHECK const char *auth_token_find(const struct conf *conf, const struct exchange *exchange,
                                       struct str *ret_token);
