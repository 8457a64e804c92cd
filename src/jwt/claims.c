#include "jwt/claims.h"

#include "json/json.h"

#include <stdlib.h>
#include <string.h>

// No clock gets there, and every number below it is exact.
#define TIME_MAX_MS 9007199254740992.0

// A NumericDate (RFC 7519 §2) may have a fraction. What is later than a whole millisecond is later than a
// clock of whole milliseconds exactly when the time rounded up is.
static enum jwt_reason read_time(const struct json *value, enum jwt_reason reason, uint64_t *time_ms)
{
    double seconds;
    if (!value)
        return JWT_REASON_NONE;
    if (!json_to_double(value, &seconds))
        return reason;
    double ms = seconds * 1000;
    uint64_t whole = ms <= 0 ? 0 : ms >= TIME_MAX_MS ? (uint64_t)TIME_MAX_MS : (uint64_t)ms;
    *time_ms = (double)whole < ms && ms < TIME_MAX_MS ? whole + 1 : whole;
    return JWT_REASON_NONE;
}

// The number of audiences and their bytes.
static enum jwt_reason measure_audiences(const struct json *aud, size_t *ret_count, size_t *ret_size)
{
    *ret_size = json_str(aud).len;
    *ret_count = json_kind(aud) == JSON_KIND_STRING ? 1 : json_count(aud);
    if (json_kind(aud) == JSON_KIND_NONE || json_kind(aud) == JSON_KIND_STRING)
        return JWT_REASON_NONE;
    if (json_kind(aud) != JSON_KIND_ARRAY || *ret_count > JWT_AUDIENCES_MAX)
        return JWT_REASON_AUD_TYPE;
    for (size_t i = 0; i < *ret_count; i++) {
        struct str audience = json_str(json_at(aud, i));
        if (!audience.ptr)
            return JWT_REASON_AUD_TYPE;
        *ret_size += audience.len;
    }
    return JWT_REASON_NONE;
}

static struct str keep(char **to, struct str s)
{
    if (!s.ptr)
        return s;
    memcpy(*to, s.ptr, s.len);
    struct str kept = str_make(*to, s.len);
    *to += s.len;
    return kept;
}

static struct jwt_claims *build(struct str issuer, struct str key_id, const struct json *aud, size_t count,
                                size_t audience_size)
{
    struct jwt_claims *claims;
    size_t head = sizeof(*claims) + count * sizeof(struct str);
    claims = malloc(head + issuer.len + key_id.len + audience_size);
    if (!claims)
        return NULL;
    char *to = (char *)claims + head;
    *claims = (struct jwt_claims){.expires_ms = JWT_NEVER, .audience_count = count};
    claims->issuer = keep(&to, issuer);
    claims->key_id = keep(&to, key_id);
    for (size_t i = 0; i < count; i++)
        claims->audiences[i] =
            keep(&to, json_str(json_kind(aud) == JSON_KIND_STRING ? aud : json_at(aud, i)));
    return claims;
}

enum jwt_reason jwt_claims_read(struct jwt_claims **ret_claims, const struct json *payload, struct str key_id)
{
    const struct json *iss = json_get(payload, STR("iss"));
    if (iss && json_kind(iss) != JSON_KIND_STRING)
        return JWT_REASON_ISS_TYPE;
    const struct json *aud = json_get(payload, STR("aud"));
    size_t count;
    size_t size;
    enum jwt_reason reason = measure_audiences(aud, &count, &size);
    if (reason != JWT_REASON_NONE)
        return reason;
    struct jwt_claims *claims = build(json_str(iss), key_id, aud, count, size);
    if (!claims)
        return JWT_REASON_MEMORY;
    reason = read_time(json_get(payload, STR("exp")), JWT_REASON_EXP_TYPE, &claims->expires_ms);
    if (reason == JWT_REASON_NONE)
        reason = read_time(json_get(payload, STR("nbf")), JWT_REASON_NBF_TYPE, &claims->not_before_ms);
    if (reason != JWT_REASON_NONE) {
        jwt_claims_free(claims);
        return reason;
    }
    *ret_claims = claims;
    return JWT_REASON_NONE;
}

void jwt_claims_free(struct jwt_claims *claims)
{
    free(claims);
}

size_t jwt_claims_memory(const struct jwt_claims *claims)
{
    size_t size = sizeof(*claims) + claims->issuer.len + claims->key_id.len;
    for (size_t i = 0; i < claims->audience_count; i++)
        size += sizeof(struct str) + claims->audiences[i].len;
    return size;
}

static bool has_audience(const struct jwt_claims *claims, struct str audience)
{
    for (size_t i = 0; i < claims->audience_count; i++) {
        if (str_eq(claims->audiences[i], audience))
            return true;
    }
    return false;
}

enum jwt_reason jwt_claims_check(const struct jwt_claims *claims, uint64_t now_ms, struct str audience)
{
    if (claims->expires_ms == JWT_NEVER && !claims->legacy)
        return JWT_REASON_EXP_MISSING;
    if (claims->expires_ms <= now_ms)
        return JWT_REASON_EXPIRED;
    if (claims->not_before_ms > now_ms)
        return JWT_REASON_NOT_YET;
    if (claims->legacy)
        return JWT_REASON_NONE;
    if (claims->audience_count == 0)
        return JWT_REASON_AUD_MISSING;
    return has_audience(claims, audience) ? JWT_REASON_NONE : JWT_REASON_AUDIENCE;
}
