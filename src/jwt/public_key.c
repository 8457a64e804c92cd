// RS256 to PS512 (RFC 7518 §3.3, §3.5), ES256 to ES512 (§3.4) and EdDSA (RFC 8037).
//
// For each of its algorithms the key holds a context in which everything is looked up and set. Each use
// copies it, which threads may do at the same time since the copy only counts references up.
#include "base/buf.h"
#include "base/err.h"
#include "jwt/key_priv.h"

#include <errno.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

#define RSA_BITS_MIN 2048
#define RSA_BITS_MAX 8192
#define SIGNATURE_MAX 1024U // of RSA, in bytes
#define DER_MAX 160U        // of ECDSA: two integers of up to 67 bytes each, and their heads

struct traits {
    const char *digest; // NULL: the algorithm's own
    int padding;        // of RSA; else 0
    size_t half;        // of ECDSA: the bytes of r and of s; else 0
};

static struct traits traits_of(enum jwt_algorithm algorithm)
{
    static const struct traits all[JWT_ALGORITHM_COUNT] = {
        [JWT_ALGORITHM_RS256] = {"SHA256", RSA_PKCS1_PADDING, 0},
        [JWT_ALGORITHM_RS384] = {"SHA384", RSA_PKCS1_PADDING, 0},
        [JWT_ALGORITHM_RS512] = {"SHA512", RSA_PKCS1_PADDING, 0},
        [JWT_ALGORITHM_PS256] = {"SHA256", RSA_PKCS1_PSS_PADDING, 0},
        [JWT_ALGORITHM_PS384] = {"SHA384", RSA_PKCS1_PSS_PADDING, 0},
        [JWT_ALGORITHM_PS512] = {"SHA512", RSA_PKCS1_PSS_PADDING, 0},
        [JWT_ALGORITHM_ES256] = {"SHA256", 0, 32},
        [JWT_ALGORITHM_ES384] = {"SHA384", 0, 48},
        [JWT_ALGORITHM_ES512] = {"SHA512", 0, 66},
    };
    return all[algorithm];
}

struct public_key {
    struct jwt_key key;
    EVP_PKEY *pkey;
    bool is_private;
    EVP_MD_CTX *ready[JWT_ALGORITHM_COUNT]; // of its algorithms
};

static const struct public_key *public_key(const struct jwt_key *key)
{
    return (const struct public_key *)(const void *)key;
}

int public_key_failure(int err)
{
    for (unsigned long code; (code = ERR_get_error());) {
        if (ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE)
            err = -ENOMEM;
    }
    return err;
}

// ---- Signatures ----

// One INTEGER of DER from a number of `half` bytes.
static size_t put_integer(unsigned char *to, const char *number, size_t half)
{
    while (half > 1 && *number == 0) {
        number++;
        half--;
    }
    size_t pad = (unsigned char)*number >> 7;
    to[0] = 0x02;
    to[1] = (unsigned char)(half + pad);
    to[2] = 0;
    memcpy(to + 2 + pad, number, half);
    return 2 + pad + half;
}

// OpenSSL wants ECDSA's r and s as a SEQUENCE of DER; tokens have them one after the other, each as long as
// the curve's order (RFC 7518 §3.4).
static struct str to_der(struct str raw, size_t half, unsigned char der[DER_MAX])
{
    unsigned char body[DER_MAX];
    size_t len = put_integer(body, raw.ptr, half);
    len += put_integer(body + len, raw.ptr + half, half);
    size_t head = 0;
    der[head++] = 0x30;
    if (len > 127)
        der[head++] = 0x81;
    der[head++] = (unsigned char)len;
    memcpy(der + head, body, len);
    return str_make((const char *)der, head + len);
}

static int verify(const struct jwt_key *key, enum jwt_algorithm algorithm, struct str input,
                  struct str signature)
{
    size_t half = traits_of(algorithm).half;
    unsigned char der[DER_MAX];
    if (half && signature.len != 2 * half)
        return HUB_E_DENIED;
    if (half)
        signature = to_der(signature, half, der);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (!ctx || !EVP_MD_CTX_copy_ex(ctx, public_key(key)->ready[algorithm])) {
        EVP_MD_CTX_free(ctx);
        (void)public_key_failure(-ENOMEM);
        return -ENOMEM;
    }
    int good = EVP_DigestVerify(ctx, (const unsigned char *)signature.ptr, signature.len,
                                (const unsigned char *)input.ptr, input.len);
    EVP_MD_CTX_free(ctx);
    return good == 1 ? HUB_OK : public_key_failure(HUB_E_DENIED);
}

static int set_padding(EVP_PKEY_CTX *ctx, int padding)
{
    if (padding == 0)
        return 1;
    if (EVP_PKEY_CTX_set_rsa_padding(ctx, padding) <= 0)
        return 0;
    return padding != RSA_PKCS1_PSS_PADDING ||
           EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) > 0;
}

static int append_raw(struct buf *to, const unsigned char *der, size_t len, size_t half)
{
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &der, (long)len);
    unsigned char raw[DER_MAX];
    bool done = pair && BN_bn2binpad(ECDSA_SIG_get0_r(pair), raw, (int)half) > 0 &&
                BN_bn2binpad(ECDSA_SIG_get0_s(pair), raw + half, (int)half) > 0;
    ECDSA_SIG_free(pair);
    if (!done)
        return -ENOMEM;
    buf_append(to, raw, 2 * half);
    return to->err;
}

static int sign_with(EVP_MD_CTX *ctx, EVP_PKEY *pkey, struct traits traits, struct str input,
                     struct buf *signature)
{
    EVP_PKEY_CTX *pctx;
    unsigned char bytes[SIGNATURE_MAX];
    size_t len = sizeof(bytes);
    if (!EVP_DigestSignInit_ex(ctx, &pctx, traits.digest, NULL, NULL, pkey, NULL) ||
        !set_padding(pctx, traits.padding) ||
        !EVP_DigestSign(ctx, bytes, &len, (const unsigned char *)input.ptr, input.len))
        return HUB_E_UNSUPPORTED;
    if (traits.half)
        return append_raw(signature, bytes, len, traits.half);
    buf_append(signature, bytes, len);
    return signature->err;
}

static int sign(const struct jwt_key *key, enum jwt_algorithm algorithm, struct str input,
                struct buf *signature)
{
    if (!public_key(key)->is_private)
        return HUB_E_UNSUPPORTED;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    int err = -ENOMEM;
    if (ctx)
        err = sign_with(ctx, public_key(key)->pkey, traits_of(algorithm), input, signature);
    EVP_MD_CTX_free(ctx);
    return err == HUB_OK ? err : public_key_failure(err);
}

static void free_key(struct jwt_key *key)
{
    struct public_key *public = CONTAINER_OF(key, struct public_key, key);
    for (size_t i = 0; i < ARRAY_LEN(public->ready); i++)
        EVP_MD_CTX_free(public->ready[i]);
    EVP_PKEY_free(public->pkey);
    free(public);
}

static const struct jwt_key_ops public_ops = {.verify = verify, .sign = sign, .free = free_key};

// ---- Which key is for which algorithms ----

#define BIT(name) (1U << JWT_ALGORITHM_##name)
#define RSA_TEXT "RS256, RS384, RS512, PS256, PS384 or PS512"

// A type of keys: what it may be used for, and how its holder is told.
struct type {
    const char *name;  // OpenSSL's
    const char *group; // of EC, OpenSSL's name; else NULL
    unsigned algorithms;
    const char *text;
};

static const struct type types[] = {
    {"RSA", NULL, BIT(RS256) | BIT(RS384) | BIT(RS512) | BIT(PS256) | BIT(PS384) | BIT(PS512),
     "the algorithm does not fit the key, which is an RSA key, for " RSA_TEXT},
    {"RSA-PSS", NULL, BIT(PS256) | BIT(PS384) | BIT(PS512),
     "the algorithm does not fit the key, which is an RSA key for PS256, PS384 or PS512 only"},
    {"EC", "prime256v1", BIT(ES256),
     "the algorithm does not fit the key, which is an EC key on P-256, for ES256"},
    {"EC", "secp384r1", BIT(ES384),
     "the algorithm does not fit the key, which is an EC key on P-384, for ES384"},
    {"EC", "secp521r1", BIT(ES512),
     "the algorithm does not fit the key, which is an EC key on P-521, for ES512"},
    {"ED25519", NULL, BIT(EdDSA), "the algorithm does not fit the key, which is an Ed25519 key, for EdDSA"},
};

static const struct type *type_of(const EVP_PKEY *pkey)
{
    char group[64] = "";
    (void)EVP_PKEY_get_group_name(pkey, group, sizeof(group), NULL);
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (EVP_PKEY_is_a(pkey, types[i].name) && (!types[i].group || strcmp(types[i].group, group) == 0))
            return &types[i];
    }
    return NULL;
}

#define POINT_SIZE 32U // of Ed25519

// With a point whose order divides 8, whoever likes makes signatures that are good: no key pair has one.
// Those of order 8 are two, but for their sign; the others are 0, 1 and the three largest numbers that there
// are (p-1, and p and p+1 for 0 and 1).
static bool is_of_low_order(const EVP_PKEY *pkey)
{
    static const unsigned char order_8[][POINT_SIZE] = {
        {0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
         0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05},
        {0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f,
         0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a},
    };
    static const unsigned char zeros[POINT_SIZE - 2];
    unsigned char point[POINT_SIZE];
    size_t len = sizeof(point);
    if (!EVP_PKEY_get_raw_public_key(pkey, point, &len) || len != sizeof(point))
        return true;
    point[POINT_SIZE - 1] &= 0x7f; // the sign
    if (point[0] <= 1 && memcmp(point + 1, zeros, sizeof(zeros)) == 0 && point[POINT_SIZE - 1] == 0)
        return true;
    unsigned char largest[POINT_SIZE];
    memset(largest, 0xff, sizeof(largest));
    largest[POINT_SIZE - 1] = 0x7f;
    if (point[0] >= 0xec && point[0] <= 0xee && memcmp(point + 1, largest + 1, POINT_SIZE - 1) == 0)
        return true;
    return memcmp(point, order_8[0], POINT_SIZE) == 0 || memcmp(point, order_8[1], POINT_SIZE) == 0;
}

// The sentence that says what is wrong with a key of that type, or NULL.
static const char *fault(EVP_PKEY *pkey, const struct type *type)
{
    if (!type)
        return EVP_PKEY_is_a(pkey, "EC")
                   ? "the key is an EC key on a curve of no algorithm: P-256, P-384 and P-521 have one"
                   : "the key is neither an RSA, an EC nor an Ed25519 key";
    bool rsa = str_starts_with(str_from_c(type->name), STR("RSA"));
    if (rsa && EVP_PKEY_get_bits(pkey) < RSA_BITS_MIN)
        return "the key is an RSA key of less than 2048 bits, which no algorithm allows (RFC 7518 §3.3)";
    if (rsa && EVP_PKEY_get_bits(pkey) > RSA_BITS_MAX)
        return "the key is an RSA key of more than 8192 bits, which is too slow to verify";
    if (EVP_PKEY_is_a(pkey, "ED25519") && is_of_low_order(pkey))
        return "the key is an Ed25519 key of low order, for which anybody can make signatures";
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
    bool sound = ctx && EVP_PKEY_public_check(ctx) == 1;
    EVP_PKEY_CTX_free(ctx);
    return sound ? NULL : "the key is not sound: no key has such numbers";
}

static int prepare(struct public_key *public, enum jwt_algorithm algorithm)
{
    EVP_MD_CTX *ctx = public->ready[algorithm] = EVP_MD_CTX_new();
    struct traits traits = traits_of(algorithm);
    EVP_PKEY_CTX *pctx;
    if (!ctx)
        return -ENOMEM;
    bool done = EVP_DigestVerifyInit_ex(ctx, &pctx, traits.digest, NULL, NULL, public->pkey, NULL) &&
                set_padding(pctx, traits.padding);
    return done ? HUB_OK : public_key_failure(HUB_E_INVALID);
}

static int prepare_all(struct public_key *public)
{
    for (unsigned i = 0; i < JWT_ALGORITHM_COUNT; i++) {
        int err = public->key.algorithms & 1U << i ? prepare(public, (enum jwt_algorithm)i) : HUB_OK;
        if (err)
            return err;
    }
    return HUB_OK;
}

static int build(struct jwt_key **ret_key, EVP_PKEY *pkey, bool is_private, unsigned algorithms)
{
    struct public_key *public = calloc(1, sizeof(*public));
    if (!public)
        return -ENOMEM;
    jwt_key_init(&public->key, &public_ops, algorithms);
    public->is_private = is_private;
    public->pkey = pkey;
    (void)EVP_PKEY_up_ref(pkey);
    int err = prepare_all(public);
    if (err) {
        free_key(&public->key);
        return err;
    }
    *ret_key = &public->key;
    return HUB_OK;
}

int public_key_new(struct jwt_key **ret_key, EVP_PKEY *pkey, bool is_private, unsigned algorithms,
                   const char **reterr_text)
{
    const struct type *type = type_of(pkey);
    *reterr_text = fault(pkey, type);
    if (*reterr_text)
        return public_key_failure(HUB_E_INVALID);
    *reterr_text = type->text;
    algorithms &= type->algorithms;
    return algorithms ? build(ret_key, pkey, is_private, algorithms) : HUB_E_INVALID;
}
