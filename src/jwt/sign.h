// Mints tokens: what `cinnabar token` and the development page need.
#pragma once

#include "base/attr.h"
#include "base/str.h"

struct buf;
struct jwt_key;

// The `typ` of access tokens (RFC 9068), and what those of the 0.x protocol have.
#define JWT_TYPE_ACCESS STR("at+jwt")
#define JWT_TYPE_LEGACY STR("JWT")

// Appends a compact signed token of that type over these claims (the text of a JSON object, taken as it
// is), with the key's own algorithm, and its id as `kid` if it has one. HUB_E_UNSUPPORTED when the key cannot
// sign, HUB_E_TOO_BIG (of the buffer), -ENOMEM.
MUST_CHECK int jwt_sign(const struct jwt_key *key, struct str type, struct str claims, struct buf *token);
