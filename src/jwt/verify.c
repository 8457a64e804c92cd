#include "jwt/verify.h"

#include "base/err.h"
#include "jwt/base64url.h"
#include "json/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

// Each step is a function that returns NONE or why it refuses.
struct jwt_check {
    enum jwt_reason reason;
    struct jwt_keyset *set;              // one reference
    const struct jwt_verifier *verifier; // of the issuer in the role; NULL until it is found
    struct str input;                    // what is signed: the first two parts with the dot between
    struct str parts[3];                 // until they are decoded
    char *bytes;                         // all decoded parts, and the input
    struct str signature;
    struct json *header;
    struct json *payload;
    enum jwt_algorithm algorithm;
    struct str key_id; // NULL ptr when there is none
    struct jwt_claims *claims;
};

static enum jwt_reason split(struct jwt_check *check, struct str token)
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
    check->input = str_make(check->parts[0].ptr, check->parts[0].len + 1 + check->parts[1].len);
    return JWT_REASON_NONE;
}

static enum jwt_reason decode(struct jwt_check *check, struct str decoded[3])
{
    size_t size = 0;
    for (size_t i = 0; i < ARRAY_LEN(check->parts); i++)
        size += base64url_decoded_max(check->parts[i].len);
    char *to = check->bytes = malloc(size + check->input.len + 1);
    if (!to)
        return JWT_REASON_MEMORY;
    for (size_t i = 0; i < ARRAY_LEN(check->parts); i++) {
        if (base64url_decode(check->parts[i], to, &decoded[i].len) != HUB_OK)
            return JWT_REASON_BASE64URL;
        decoded[i].ptr = to;
        to += decoded[i].len;
    }
    memcpy(to, check->input.ptr, check->input.len); // the token is the caller's
    check->input.ptr = to;
    return JWT_REASON_NONE;
}

static enum jwt_reason parse_object(struct json **ret_object, struct str text, enum jwt_reason reason)
{
    int err = json_parse(ret_object, text, NULL);
    if (err)
        return err == -ENOMEM ? JWT_REASON_MEMORY : reason;
    return json_kind(*ret_object) == JSON_KIND_OBJECT ? JWT_REASON_NONE : reason;
}

static enum jwt_reason parse(struct jwt_check *check)
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
static enum jwt_reason read_header(struct jwt_check *check)
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

static bool fits(const struct jwt_check *check, const struct jwt_key *key)
{
    return (jwt_key_algorithms(key) & 1U << check->algorithm) && jwt_key_answers_to(key, check->key_id);
}

// Whether the header's `typ` is that of an access token (RFC 9068 §4).
static bool is_access_token(const struct json *header)
{
    const struct str prefix = STR("application/");
    struct str typ = json_str(json_get(header, STR("typ")));
    if (str_eq_nocase(str_slice(typ, 0, prefix.len), prefix))
        typ = str_slice(typ, prefix.len, typ.len);
    return str_eq_nocase(typ, STR("at+jwt"));
}

static enum jwt_reason find_issuer(struct jwt_check *check, enum jwt_role role)
{
    if (!check->claims->issuer.ptr)
        return JWT_REASON_ISS_MISSING;
    const struct jwt_issuer *issuer = jwt_keyset_find(check->set, check->claims->issuer);
    if (!issuer)
        return JWT_REASON_ISS_UNKNOWN;
    check->verifier = &issuer->roles[role];
    return check->verifier->algorithms ? JWT_REASON_NONE : JWT_REASON_ROLE;
}

// The form of the token alone decides which keys are asked: neither kind of token is ever tried with the
// other's.
static enum jwt_reason find_legacy(struct jwt_check *check, enum jwt_role role)
{
    check->verifier = &check->set->legacy[role];
    check->claims->legacy = true;
    return check->verifier->algorithms ? JWT_REASON_NONE : JWT_REASON_LEGACY_ROLE;
}

static enum jwt_reason find_verifier(struct jwt_check *check, enum jwt_role role)
{
    bool legacy = check->set->accepts_legacy && !is_access_token(check->header);
    enum jwt_reason reason = legacy ? find_legacy(check, role) : find_issuer(check, role);
    if (reason != JWT_REASON_NONE)
        return reason;
    if (!(check->verifier->algorithms & 1U << check->algorithm))
        return JWT_REASON_ALG_REFUSED;
    for (size_t i = 0; i < check->verifier->count; i++) {
        if (fits(check, check->verifier->keys[i]))
            return JWT_REASON_NONE;
    }
    return JWT_REASON_KEY;
}

static enum jwt_reason verify_signature(const struct jwt_check *check)
{
    for (size_t i = 0; i < check->verifier->count; i++) {
        if (!fits(check, check->verifier->keys[i]))
            continue;
        int err = jwt_key_verify(check->verifier->keys[i], check->algorithm, check->input, check->signature);
        if (err != HUB_E_DENIED)
            return err ? JWT_REASON_MEMORY : JWT_REASON_NONE;
    }
    return JWT_REASON_SIGNATURE;
}

static enum jwt_reason begin(struct jwt_check *check, enum jwt_role role, struct str token)
{
    enum jwt_reason reason = split(check, token);
    if (reason == JWT_REASON_NONE)
        reason = parse(check);
    if (reason == JWT_REASON_NONE)
        reason = read_header(check);
    if (reason == JWT_REASON_NONE)
        reason = jwt_claims_read(&check->claims, check->payload, check->key_id);
    if (reason == JWT_REASON_NONE)
        reason = find_verifier(check, role);
    return reason;
}

int jwt_check_new(struct jwt_check **ret_check, struct jwt_keyset *set, enum jwt_role role, struct str token)
{
    struct jwt_check *check = calloc(1, sizeof(*check));
    if (!check)
        return -ENOMEM;
    check->set = set;
    ref_get(&set->ref);
    check->reason = begin(check, role, token);
    *ret_check = check;
    return HUB_OK;
}

bool jwt_check_is_slow(const struct jwt_check *check)
{
    return check->reason == JWT_REASON_NONE && !jwt_algorithm_is_secret(check->algorithm);
}

void jwt_check_run(struct jwt_check *check)
{
    if (check->reason == JWT_REASON_NONE)
        check->reason = verify_signature(check);
    if (check->reason == JWT_REASON_NONE && !check->claims->legacy && !is_access_token(check->header))
        check->reason = JWT_REASON_TYP;
}

void jwt_check_free(struct jwt_check *check)
{
    if (!check)
        return;
    jwt_claims_free(check->claims);
    json_free(check->payload);
    json_free(check->header);
    free(check->bytes);
    ref_put(&check->set->ref);
    free(check);
}

// A token of the 0.x hub fails at what it has not; what it is helps more.
static enum jwt_reason explain(const struct jwt_check *check)
{
    enum jwt_reason reason = check->reason;
    bool form =
        reason == JWT_REASON_ISS_MISSING || reason == JWT_REASON_ISS_UNKNOWN || reason == JWT_REASON_TYP;
    bool legacy = form && !check->set->accepts_legacy && json_get(check->payload, STR("mercure"));
    return legacy ? JWT_REASON_LEGACY_OFF : reason;
}

static void note(char *to, size_t room, struct str text)
{
    size_t len = text.len < room ? text.len : room - 1;
    if (len)
        memcpy(to, text.ptr, len);
    to[len] = '\0';
}

// A token without `kid` was tried with all keys: the right one may be new.
static bool may_be_next(const struct jwt_check *check)
{
    return check->reason == JWT_REASON_KEY || (check->reason == JWT_REASON_SIGNATURE && !check->key_id.ptr);
}

static void note_failure(const struct jwt_check *check, struct jwt_failure *failure)
{
    failure->reason = explain(check);
    failure->source = may_be_next(check) ? check->verifier->source : 0;
    failure->keyless = failure->source && check->verifier->count == 0;
    note(failure->issuer, sizeof(failure->issuer), json_str(json_get(check->payload, STR("iss"))));
    note(failure->key_id, sizeof(failure->key_id), json_str(json_get(check->header, STR("kid"))));
}

int jwt_check_end(struct jwt_check *check, struct jwt_claims **ret_claims, struct json **ret_payload,
                  struct jwt_failure *reterr_failure)
{
    int err = HUB_OK;
    if (check->reason == JWT_REASON_NONE) {
        *ret_claims = check->claims;
        *ret_payload = check->payload;
        check->claims = NULL;
        check->payload = NULL;
    } else {
        note_failure(check, reterr_failure);
        err = check->reason == JWT_REASON_MEMORY ? -ENOMEM : HUB_E_DENIED;
    }
    jwt_check_free(check);
    return err;
}

int jwt_verify(struct jwt_keyset *set, enum jwt_role role, struct str token, struct jwt_claims **ret_claims,
               struct json **ret_payload, struct jwt_failure *reterr_failure)
{
    struct jwt_check *check;
    int err = jwt_check_new(&check, set, role, token);
    if (err) {
        *reterr_failure = (struct jwt_failure){.reason = JWT_REASON_MEMORY};
        return err;
    }
    jwt_check_run(check);
    return jwt_check_end(check, ret_claims, ret_payload, reterr_failure);
}

bool jwt_is_access_token(struct str token)
{
    struct str part = str_slice(token, 0, str_find(token, 0, '.'));
    struct json *header = NULL;
    size_t len;
    char *bytes = part.len <= JWT_SIZE_MAX ? malloc(base64url_decoded_max(part.len) + 1) : NULL;
    bool is_one = bytes && base64url_decode(part, bytes, &len) == HUB_OK &&
                  json_parse(&header, str_make(bytes, len), NULL) == HUB_OK && is_access_token(header);
    json_free(header);
    free(bytes);
    return is_one;
}
