// Tokens and what they grant. The first byte chooses what the rest is: a token as it comes; a header, a zero
// byte and claims, which are signed as they should be so that everything behind the signature is reached too;
// authorization details; or the claims of the 0.x protocol.
#include "base/assert.h"
#include "base/buf.h"
#include "base/err.h"
#include "jwt/base64url.h"
#include "jwt/verify.h"
#include "mercure/authorization.h"
#include "support/patterns.h"
#include "json/json.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// The issuer's keys in this order: those of secrets, and one of each other kind.
static const struct {
    enum jwt_algorithm algorithm;
    const char *file; // NULL: a secret
} kinds[] = {
    {JWT_ALGORITHM_HS256, NULL},          {JWT_ALGORITHM_HS384, NULL},
    {JWT_ALGORITHM_HS512, NULL},          {JWT_ALGORITHM_RS256, "rsa.pem"},
    {JWT_ALGORITHM_PS256, "rsa.pem"},     {JWT_ALGORITHM_ES256, "p256.pem"},
    {JWT_ALGORITHM_ES384, "p384.pem"},    {JWT_ALGORITHM_ES512, "p521.pem"},
    {JWT_ALGORITHM_EdDSA, "ed25519.pem"},
};

static struct str read_key(const char *name, char room[4096])
{
    char path[512];
    (void)snprintf(path, sizeof(path), TESTDATA "/keys/%s", name);
    FILE *file = fopen(path, "r");
    HUB_ASSERT(file);
    size_t len = fread(room, 1, 4096, file);
    (void)fclose(file);
    return str_make(room, len);
}

static struct jwt_keyset *make_set(void)
{
    struct jwt_keyset *set = jwt_keyset_new();
    HUB_ASSERT(set);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        struct jwt_key *key;
        const char *error;
        char room[4096];
        struct str text = kinds[i].file ? read_key(kinds[i].file, room) : STR("secret");
        struct str name = str_from_c(jwt_algorithm_name(kinds[i].algorithm));
        HUB_ASSERT(jwt_key_load(&key, text, name, STR(""), &error) == HUB_OK);
        HUB_ASSERT(jwt_keyset_take_key(set, STR("i"), JWT_ROLE_PUBLISHER, key) == HUB_OK);
    }
    return set;
}

// The same set has the same hash, and each topic in it is granted.
static void check_authorization(const struct authorization *authorization)
{
    const struct topic_set *set = &authorization->subscribe;
    HUB_ASSERT(authorization_equal(authorization, authorization));
    for (size_t i = 0; i < set->exact_count; i++)
        HUB_ASSERT(authorization_grants_subscribe(authorization, set->exact[i]));
    for (size_t i = 1; i < set->exact_count; i++)
        HUB_ASSERT(str_cmp(set->exact[i - 1], set->exact[i]) < 0);
    for (size_t i = 0; i < authorization->detail_count; i++) {
        struct str payload = authorization->details[i].payload;
        struct json *json = NULL;
        HUB_ASSERT(!payload.ptr || json_parse(&json, payload, NULL) == HUB_OK);
        json_free(json);
    }
}

static void read_claims(const struct json *claims)
{
    struct authorization *authorization;
    enum authorization_reason reason;
    int err = authorization_parse_claims(&authorization, claims, test_patterns(), &reason);
    HUB_ASSERT(err == HUB_OK || (err == HUB_E_DENIED && reason != AUTHORIZATION_REASON_NONE));
    if (err)
        return;
    check_authorization(authorization);
    ref_put(&authorization->ref);
}

static void read_details(const struct json *details)
{
    struct authorization *authorization;
    enum authorization_reason reason;
    int err = authorization_parse(&authorization, details, test_patterns(), &reason);
    HUB_ASSERT(err == HUB_OK || (err == HUB_E_DENIED && reason != AUTHORIZATION_REASON_NONE));
    if (err)
        return;
    check_authorization(authorization);
    ref_put(&authorization->ref);
}

static void verify(struct jwt_keyset *set, struct str token)
{
    struct jwt_claims *claims;
    struct json *payload;
    struct jwt_failure failure;
    int err = jwt_verify(set, JWT_ROLE_PUBLISHER, token, &claims, &payload, &failure);
    HUB_ASSERT(err == HUB_OK || (err == HUB_E_DENIED && failure.reason != JWT_REASON_NONE));
    if (err)
        return;
    (void)(jwt_claims_check(claims, 1000, STR("here")) == JWT_REASON_NONE);
    read_details(json_get(payload, STR("authorization_details")));
    jwt_claims_free(claims);
    json_free(payload);
}

// The key comes with the input: the header's own algorithm may be anything.
static void verify_signed(struct jwt_keyset *set, struct str text, size_t kind)
{
    size_t header_len = str_find(text, 0, '\0');
    struct buf token;
    struct buf signature;
    buf_init(&token, 2 * JWT_SIZE_MAX);
    buf_init(&signature, 256);
    base64url_encode(&token, str_slice(text, 0, header_len));
    buf_append_c(&token, '.');
    base64url_encode(&token, str_slice(text, header_len + 1, text.len));
    const struct jwt_verifier *verifier = &jwt_keyset_find(set, STR("i"))->roles[JWT_ROLE_PUBLISHER];
    if (!token.err &&
        jwt_key_sign(verifier->keys[kind], kinds[kind].algorithm, buf_str(&token), &signature) == HUB_OK) {
        buf_append_c(&token, '.');
        base64url_encode(&token, buf_str(&signature));
        verify(set, buf_str(&token));
    }
    buf_done(&token);
    buf_done(&signature);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct jwt_keyset *set;
    if (!set)
        set = make_set();
    if (size == 0)
        return 0;
    struct str text = str_make((const char *)data + 1, size - 1);
    struct json *json;
    switch (data[0]) {
    case 't':
        verify(set, text);
        break;
    case 'd':
    case 'c':
        if (json_parse(&json, text, NULL) == HUB_OK) {
            data[0] == 'd' ? read_details(json) : read_claims(json);
            json_free(json);
        }
        break;
    default:
        verify_signed(set, text, data[0] % ARRAY_LEN(kinds));
        break;
    }
    return 0;
}
