// Only public members are read: a private key in a set verifies, and its `d` stays where it is.
#include "jwt/jwk.h"

#include "base/err.h"
#include "jwt/base64url.h"
#include "jwt/key_priv.h"
#include "json/json.h"

#include <errno.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <string.h>

#define ID_MAX 1024U
#define MODULUS_MAX 1025U // 8192 bits, and a zero in front that some write
#define EXPONENT_MAX 9U
#define SECRET_MAX 4096U
#define COORDINATE_MAX 66U

// The bytes of a member in base64url, at most `room`.
static int read_bytes(const struct json *jwk, struct str member, size_t room, unsigned char *to,
                      size_t *ret_len)
{
    struct str text = json_str(json_get(jwk, member));
    if (!text.ptr || text.len == 0 || base64url_decoded_max(text.len) > room)
        return HUB_E_INVALID;
    return base64url_decode(text, (char *)to, ret_len);
}

// ---- The numbers of a public key ----

static int make_key(EVP_PKEY **ret_key, const char *type, OSSL_PARAM_BLD *builder)
{
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY *key = NULL;
    int err = params && ctx ? HUB_OK : -ENOMEM;
    if (!err &&
        (EVP_PKEY_fromdata_init(ctx) <= 0 || EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) <= 0))
        err = public_key_failure(HUB_E_INVALID);
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    *ret_key = key;
    return err;
}

static int make_rsa(EVP_PKEY **ret_key, const BIGNUM *n, const BIGNUM *e)
{
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    int err = -ENOMEM;
    if (builder && n && e && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e))
        err = make_key(ret_key, "RSA", builder);
    OSSL_PARAM_BLD_free(builder);
    return err;
}

static int read_rsa(EVP_PKEY **ret_key, const struct json *jwk, const char **reterr_text)
{
    unsigned char modulus[MODULUS_MAX];
    unsigned char exponent[EXPONENT_MAX];
    size_t modulus_len;
    size_t exponent_len;
    *reterr_text = "its n or e is missing, is not base64url without padding, or is too large";
    if (read_bytes(jwk, STR("n"), sizeof(modulus), modulus, &modulus_len) != HUB_OK ||
        read_bytes(jwk, STR("e"), sizeof(exponent), exponent, &exponent_len) != HUB_OK)
        return HUB_E_INVALID;
    *reterr_text = "its n and e are not those of an RSA key";
    BIGNUM *n = BN_bin2bn(modulus, (int)modulus_len, NULL);
    BIGNUM *e = BN_bin2bn(exponent, (int)exponent_len, NULL);
    int err = make_rsa(ret_key, n, e);
    BN_free(n);
    BN_free(e);
    return err;
}

struct curve {
    struct str name;
    const char *group; // OpenSSL's name
    size_t size;       // of a coordinate
};

static const struct curve *curve_of(struct str name)
{
    static const struct curve curves[] = {
        {{"P-256", 5}, "prime256v1", 32},
        {{"P-384", 5}, "secp384r1", 48},
        {{"P-521", 5}, "secp521r1", 66},
    };
    for (size_t i = 0; i < ARRAY_LEN(curves); i++) {
        if (str_eq(curves[i].name, name))
            return &curves[i];
    }
    return NULL;
}

// A coordinate as long as its curve asks for. RFC 7518 §6.2.1.2 wants it so; writers that leave zeros in
// front away are common enough.
static int read_coordinate(const struct json *jwk, struct str member, size_t size, unsigned char *to)
{
    unsigned char bytes[COORDINATE_MAX];
    size_t len;
    int err = read_bytes(jwk, member, size, bytes, &len);
    if (err)
        return err;
    memset(to, 0, size - len);
    memcpy(to + size - len, bytes, len);
    return HUB_OK;
}

static int make_point(EVP_PKEY **ret_key, const char *type, const char *group, const unsigned char *bytes,
                      size_t len)
{
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    int err = -ENOMEM;
    if (builder &&
        (!group || OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, group, 0)) &&
        OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, bytes, len))
        err = make_key(ret_key, type, builder);
    OSSL_PARAM_BLD_free(builder);
    return err;
}

static int read_ec(EVP_PKEY **ret_key, const struct json *jwk, const char **reterr_text)
{
    const struct curve *curve = curve_of(json_str(json_get(jwk, STR("crv"))));
    unsigned char point[1 + 2 * COORDINATE_MAX] = {0x04};
    *reterr_text = "its crv is none of P-256, P-384 and P-521";
    if (!curve)
        return HUB_E_INVALID;
    *reterr_text =
        "its x or y is missing, is not base64url without padding, or is longer than its curve allows";
    if (read_coordinate(jwk, STR("x"), curve->size, point + 1) != HUB_OK ||
        read_coordinate(jwk, STR("y"), curve->size, point + 1 + curve->size) != HUB_OK)
        return HUB_E_INVALID;
    *reterr_text = "its x and y are no point of its curve";
    return make_point(ret_key, "EC", curve->group, point, 1 + 2 * curve->size);
}

static int read_okp(EVP_PKEY **ret_key, const struct json *jwk, const char **reterr_text)
{
    unsigned char bytes[32];
    size_t len;
    *reterr_text = "its crv is not Ed25519";
    if (!str_eq(json_str(json_get(jwk, STR("crv"))), STR("Ed25519")))
        return HUB_E_INVALID;
    *reterr_text = "its x is not 32 bytes in base64url without padding";
    if (read_bytes(jwk, STR("x"), sizeof(bytes), bytes, &len) != HUB_OK || len != sizeof(bytes))
        return HUB_E_INVALID;
    return make_point(ret_key, "ED25519", NULL, bytes, len);
}

// ---- The key ----

static int read_public(struct jwt_key **ret_key, const struct json *jwk, unsigned algorithms,
                       int (*read)(EVP_PKEY **, const struct json *, const char **), const char **reterr_text)
{
    EVP_PKEY *pkey;
    int err = read(&pkey, jwk, reterr_text);
    if (err)
        return err;
    err = public_key_new(ret_key, pkey, false, algorithms, reterr_text);
    EVP_PKEY_free(pkey);
    return err;
}

static int read_secret(struct jwt_key **ret_key, const struct json *jwk, unsigned algorithms,
                       const char **reterr_text)
{
    unsigned char secret[SECRET_MAX];
    size_t len;
    algorithms &= JWT_ALGORITHMS_SECRET;
    *reterr_text = "it is a shared secret, which needs an alg that jwt_algorithms names";
    if (algorithms == 0 || !json_get(jwk, STR("alg")))
        return HUB_E_INVALID;
    *reterr_text = "its k is missing, is not base64url without padding, or is too large";
    if (read_bytes(jwk, STR("k"), sizeof(secret), secret, &len) != HUB_OK)
        return HUB_E_INVALID;
    return hmac_key_new(ret_key, (enum jwt_algorithm)__builtin_ctz(algorithms),
                        str_make((char *)secret, len));
}

static int read_by_type(struct jwt_key **ret_key, const struct json *jwk, unsigned algorithms,
                        const char **reterr_text)
{
    struct str type = json_str(json_get(jwk, STR("kty")));
    if (str_eq(type, STR("RSA")))
        return read_public(ret_key, jwk, algorithms, read_rsa, reterr_text);
    if (str_eq(type, STR("EC")))
        return read_public(ret_key, jwk, algorithms, read_ec, reterr_text);
    if (str_eq(type, STR("OKP")))
        return read_public(ret_key, jwk, algorithms, read_okp, reterr_text);
    if (str_eq(type, STR("oct")))
        return read_secret(ret_key, jwk, algorithms, reterr_text);
    *reterr_text = "its kty is none of RSA, EC and OKP";
    return HUB_E_INVALID;
}

// Narrows the algorithms to the one of `alg`, if there is one. The sentence that says what is wrong, or NULL.
static const char *narrow(const struct json *jwk, unsigned *algorithms)
{
    const struct json *alg = json_get(jwk, STR("alg"));
    enum jwt_algorithm algorithm;
    if (!alg)
        return NULL;
    if (!jwt_algorithm_from_name(json_str(alg), &algorithm))
        return "its alg is not a signing algorithm that the hub knows";
    *algorithms &= 1U << algorithm;
    return *algorithms ? NULL : "its alg is not one that the issuer may use for this role";
}

static bool lists(const struct json *array, struct str text)
{
    for (size_t i = 0; i < json_count(array); i++) {
        if (str_eq(json_str(json_at(array, i)), text))
            return true;
    }
    return false;
}

// The sentence that says why the key is not for this, or NULL.
static const char *fault_of_use(const struct json *jwk)
{
    const struct json *use = json_get(jwk, STR("use"));
    const struct json *operations = json_get(jwk, STR("key_ops"));
    const struct json *id = json_get(jwk, STR("kid"));
    if (json_kind(jwk) != JSON_KIND_OBJECT)
        return "it is not a JSON object";
    if (use && !str_eq(json_str(use), STR("sig")))
        return "its use is not sig";
    if (operations && (json_kind(operations) != JSON_KIND_ARRAY || !lists(operations, STR("verify"))))
        return "its key_ops do not list verify";
    if (id && (json_kind(id) != JSON_KIND_STRING || json_str(id).len > ID_MAX))
        return "its kid is not a string of at most 1024 bytes";
    return NULL;
}

int jwk_read(struct jwt_key **ret_key, const struct json *jwk, unsigned algorithms, const char **reterr_text)
{
    *reterr_text = fault_of_use(jwk);
    if (!*reterr_text)
        *reterr_text = narrow(jwk, &algorithms);
    if (*reterr_text)
        return HUB_E_INVALID;
    struct jwt_key *key;
    int err = read_by_type(&key, jwk, algorithms, reterr_text);
    if (err)
        return err;
    const struct json *id = json_get(jwk, STR("kid"));
    err = id ? jwt_key_set_id(key, json_str(id)) : HUB_OK;
    if (err) {
        jwt_key_free(key);
        return err;
    }
    *ret_key = key;
    return HUB_OK;
}
