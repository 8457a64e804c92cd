// What a hub would say of a token, rule by rule. Pure, but for the keys' own arithmetic.
#pragma once

#include "base/attr.h"
#include "base/buf.h"
#include "base/str.h"
#include "jwt/keyset.h"

#include <stdbool.h>
#include <stdint.h>

struct json;
struct jwt_claims;

// In the order in which they are applied; the first one that fails ends it.
#define TOKEN_RULES(X) \
    X(PARTS, "parts", "three parts of base64url without padding, at most 16 KiB") \
    X(JSON, "json", "header and claims are JSON objects, no member twice") \
    X(HEADER, "header", "alg is one that the hub knows, kid is a string, there is no crit") \
    X(TYPES, "types", "iss, aud, exp and nbf are of their types") \
    X(ISSUER, "issuer", "the issuer is configured") \
    X(ROLE, "role", "there are keys for this role") \
    X(ALGORITHM, "algorithm", "alg is one of the keys'") \
    X(KEY, "key", "there is a key for this kid and alg") \
    X(SIGNATURE, "signature", "it is that of a key") \
    X(TYP, "typ", "typ is at+jwt") \
    X(EXP, "exp", "it has not expired") \
    X(NBF, "nbf", "it is valid already") \
    X(AUD, "aud", "it is meant for this hub") \
    X(DETAILS, "grants", "the grants are well-formed")

enum token_rule {
#define X(name, word, text) TOKEN_RULE_##name,
    TOKEN_RULES(X)
#undef X
};
#define TOKEN_RULE_COUNT (TOKEN_RULE_DETAILS + 1U)

const char *token_rule_word(enum token_rule rule);
const char *token_rule_text(enum token_rule rule);

struct token_question {
    struct jwt_keyset *keys;
    enum jwt_role role;
    struct str token;
    struct str audience; // of the hub; empty: it is derived from each request, and not checked
    uint64_t now_ms;
};

struct token_answer {
    bool good;
    bool legacy;               // it is of the 0.x protocol, of which fewer rules are asked
    bool any_audience;         // the hub was not named
    enum token_rule failed;    // unless it is good
    const char *reason;        // likewise; constant
    struct buf detail;         // likewise: what there is instead; may be empty
    const struct jwt_key *key; // that has signed it, or NULL; the set's
    struct jwt_claims *claims; // NULL unless the signature is good
    struct json *payload;      // likewise
};

// Why a rule is not applied to this token, or NULL when it is.
const char *token_rule_exemption(const struct token_answer *answer, enum token_rule rule);

// -ENOMEM.
MUST_CHECK int token_explain(const struct token_question *question, struct token_answer *ret_answer);
void token_answer_done(struct token_answer *answer);
// The header (0) or the claims (1), not verified, or NULL when they cannot be read; for json_free.
struct json *token_read_part(struct str token, size_t index);
