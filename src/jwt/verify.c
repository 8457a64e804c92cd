#include "jwt/verify.h"

#include "base/err.h"
#include "jwt/base64url.h"
#include "json/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

// A token on its way through the steps. Each step is a function that returns NONE or why it refuses.
struct check {
    struct str input; // what is signed: the first two parts with the dot between
    struct str parts[3];
    char *bytes; // room for all decoded parts
    struct str signature;
    struct json *header;
    struct json *payload;
    enum jwt_algorithm algorithm;
    struct str key_id; // NULL ptr when there is none
    struct jwt_claims *claims;
};

static enum jwt_reason split(struct check *check, struct str token)
{
    if (token.len > JWT_SIZE_MAX)
        return JWT_REASON_SIZE;
    struct str rest = str_make(token.ptr ? token.ptr : "", token.len);
    for (size_t i = 0; i < ARRAY_LEN(check->parts); i++) {
        if (!str_split(&rest, '.', &check->parts[i]))
            return JWT_REASON_PARTS;
    }
    if (rest.ptr)
        return JWT_REASON_PARTS;
    check->input = str_make(token.ptr, check->parts[0].len + 1 + check->parts[1].len);
    return JWT_REASON_NONE;
}

static enum jwt_reason decode(struct check *check, struct str decoded[3])
{
    size_t size = 0;
    for (size_t i = 0; i < ARRAY_LEN(check->parts); i++)
        size += base64url_decoded_max(check->parts[i].len);
    char *to = check->bytes = malloc(size + 1);
    if (!to)
        return JWT_REASON_MEMORY;
    for (size_t i = 0; i < ARRAY_LEN(check->parts); i++) {
        if (base64url_decode(check->parts[i], to, &decoded[i].len) != HUB_OK)
            return JWT_REASON_BASE64URL;
        decoded[i].ptr = to;
        to += decoded[i].len;
    }
    return JWT_REASON_NONE;
}

static enum jwt_reason parse_object(struct json **ret_object, struct str text, enum jwt_reason reason)
{
    int err = json_parse(ret_object, text, NULL);
    if (err)
        return err == -ENOMEM ? JWT_REASON_MEMORY : reason;
    return json_kind(*ret_object) == JSON_KIND_OBJECT ? JWT_REASON_NONE : reason;
}

static enum jwt_reason parse(struct check *check)
{
    struct str decoded[3];
    enum jwt_reason reason = decode(check, decoded);
    if (reason == JWT_REASON_NONE)
        reason = parse_object(&check->header, decoded[0], JWT_REASON_HEADER);
    if (reason == JWT_REASON_NONE)
        reason = parse_object(&check->payload, decoded[1], JWT_REASON_CLAIMS);
    check->signature = decoded[2];
    return reason;
}

// `jwk`, `jku` and the x5 family bring keys along: they are not even looked at.
static enum jwt_reason read_header(struct check *check)
{
    struct str alg = json_str(json_get(check->header, STR("alg")));
    const struct json *kid = json_get(check->header, STR("kid"));
    if (kid && json_kind(kid) != JSON_KIND_STRING)
        return JWT_REASON_KID;
    check->key_id = json_str(kid);
    if (!alg.ptr)
        return JWT_REASON_ALG;
    if (!jwt_algorithm_from_name(alg, &check->algorithm))
        return JWT_REASON_ALG_UNKNOWN;
    return json_get(check->header, STR("crit")) ? JWT_REASON_CRIT : JWT_REASON_NONE;
}

static bool fits(const struct check *check, const struct jwt_key *key)
{
    struct str id = jwt_key_id(key);
    return (jwt_key_algorithms(key) & 1U << check->algorithm) &&
           (!check->key_id.ptr || id.len == 0 || str_eq(id, check->key_id));
}

static enum jwt_reason verify_signature(const struct check *check, const struct jwt_verifier *verifier)
{
    enum jwt_reason reason = JWT_REASON_KEY;
    for (size_t i = 0; i < verifier->count; i++) {
        if (!fits(check, verifier->keys[i]))
            continue;
        int err = jwt_key_verify(verifier->keys[i], check->algorithm, check->input, check->signature);
        if (err != HUB_E_DENIED)
            return err ? JWT_REASON_MEMORY : JWT_REASON_NONE;
        reason = JWT_REASON_SIGNATURE;
    }
    return reason;
}

static enum jwt_reason verify_issuer(const struct check *check, const struct jwt_keyset *set,
                                     enum jwt_role role)
{
    if (!check->claims->issuer.ptr)
        return JWT_REASON_ISS_MISSING;
    const struct jwt_issuer *issuer = jwt_keyset_find(set, check->claims->issuer);
    if (!issuer)
        return JWT_REASON_ISS_UNKNOWN;
    const struct jwt_verifier *verifier = &issuer->roles[role];
    if (verifier->count == 0)
        return JWT_REASON_ROLE;
    if (!(verifier->algorithms & 1U << check->algorithm))
        return JWT_REASON_ALG_REFUSED;
    return verify_signature(check, verifier);
}

static enum jwt_reason check_typ(const struct check *check)
{
    const struct str prefix = STR("application/");
    struct str typ = json_str(json_get(check->header, STR("typ")));
    if (str_eq_nocase(str_slice(typ, 0, prefix.len), prefix))
        typ = str_slice(typ, prefix.len, typ.len);
    return str_eq_nocase(typ, STR("at+jwt")) ? JWT_REASON_NONE : JWT_REASON_TYP;
}

static enum jwt_reason run(struct check *check, const struct jwt_keyset *set, enum jwt_role role,
                           struct str token)
{
    enum jwt_reason reason = split(check, token);
    if (reason == JWT_REASON_NONE)
        reason = parse(check);
    if (reason == JWT_REASON_NONE)
        reason = read_header(check);
    if (reason == JWT_REASON_NONE)
        reason = jwt_claims_read(&check->claims, check->payload, check->key_id);
    if (reason == JWT_REASON_NONE)
        reason = verify_issuer(check, set, role);
    if (reason == JWT_REASON_NONE)
        reason = check_typ(check);
    return reason;
}

// A token of the 0.x hub fails at what it has not; what it is helps more.
static enum jwt_reason explain(const struct check *check, enum jwt_reason reason)
{
    bool form =
        reason == JWT_REASON_ISS_MISSING || reason == JWT_REASON_ISS_UNKNOWN || reason == JWT_REASON_TYP;
    return form && json_get(check->payload, STR("mercure")) ? JWT_REASON_OLD : reason;
}

static void note(char *to, size_t room, struct str text)
{
    size_t len = text.len < room ? text.len : room - 1;
    if (len)
        memcpy(to, text.ptr, len);
    to[len] = '\0';
}

int jwt_verify(const struct jwt_keyset *set, enum jwt_role role, struct str token,
               struct jwt_claims **ret_claims, struct json **ret_payload, struct jwt_failure *reterr_failure)
{
    struct check check = {0};
    enum jwt_reason reason = explain(&check, run(&check, set, role, token));
    if (reason == JWT_REASON_NONE) {
        *ret_claims = check.claims;
        *ret_payload = check.payload;
        check.claims = NULL;
        check.payload = NULL;
    } else {
        reterr_failure->reason = reason;
        note(reterr_failure->issuer, sizeof(reterr_failure->issuer),
             json_str(json_get(check.payload, STR("iss"))));
        note(reterr_failure->key_id, sizeof(reterr_failure->key_id),
             json_str(json_get(check.header, STR("kid"))));
    }
    jwt_claims_free(check.claims);
    json_free(check.payload);
    json_free(check.header);
    free(check.bytes);
    if (reason == JWT_REASON_NONE)
        return HUB_OK;
    return reason == JWT_REASON_MEMORY ? -ENOMEM : HUB_E_DENIED;
}
