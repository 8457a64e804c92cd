// Why a token was refused: one code and one sentence each, for the log. The client never learns it.
#pragma once

#define JWT_REASONS(X) \
    X(NONE, "the token is good") \
    X(MEMORY, "there is no memory to check the token") \
    X(SIZE, "the token is larger than 16 KiB") \
    X(PARTS, "the token does not have exactly three parts") \
    X(BASE64URL, "a part of the token is not base64url without padding") \
    X(HEADER, "the header is not a JSON object, has a member twice, or is nested too deeply") \
    X(ALG, "the header's alg is missing or not a string") \
    X(ALG_UNKNOWN, "the header's alg is not an algorithm that the hub knows") \
    X(CRIT, "the header has crit: the hub understands no extension") \
    X(KID, "the header's kid is not a string") \
    X(CLAIMS, "the claims are not a JSON object, have a member twice, or are nested too deeply") \
    X(ISS_TYPE, "iss is not a string") \
    X(AUD_TYPE, "aud is neither a string nor a list of at most 100 strings") \
    X(EXP_TYPE, "exp is not a number") \
    X(NBF_TYPE, "nbf is not a number") \
    X(LEGACY_OFF, \
      "the token is one of the 0.x protocol (it has the claim mercure), which is not on: set jwt_key or " \
      "protocol_version_compatibility") \
    X(LEGACY_ROLE, \
      "the token is one of the 0.x protocol (its typ is not at+jwt), which has no key for this " \
      "role: set jwt_key") \
    X(ISS_MISSING, "iss is missing") \
    X(ISS_UNKNOWN, "no issuer of that name is configured") \
    X(ROLE, "the issuer has no key for this role") \
    X(ALG_REFUSED, "the header's alg is not one that the issuer may use for this role") \
    X(KEY, "the issuer has no key with that kid and alg for this role") \
    X(SIGNATURE, "the signature is wrong") \
    X(TYP, "the header's typ is not at+jwt") \
    X(EXP_MISSING, "exp is missing") \
    X(EXPIRED, "the token has expired") \
    X(NOT_YET, "the token is not valid yet") \
    X(AUD_MISSING, "aud is missing or empty") \
    X(AUDIENCE, "the token is meant for another audience")

enum jwt_reason {
#define X(name, text) JWT_REASON_##name,
    JWT_REASONS(X)
#undef X
};

const char *jwt_reason_text(enum jwt_reason reason);
