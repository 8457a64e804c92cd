// HS256, HS384, HS512 (RFC 7518 §3.2).
//
// The key holds a context into which the secret has been worked once. Each use copies it, which threads may
// do at the same time since the copy only reads.
#include "base/buf.h"
#include "base/err.h"
#include "jwt/key_priv.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdlib.h>

#define DIGEST_MAX 64U

struct hmac_key {
    struct jwt_key key;
    EVP_MAC_CTX *ready;
};

struct digest {
    char name[8]; // not const: OpenSSL's parameters point to it without
    size_t size;
};

static struct digest digest_of(enum jwt_algorithm algorithm)
{
    if (algorithm == JWT_ALGORITHM_HS384)
        return (struct digest){"SHA384", 48};
    if (algorithm == JWT_ALGORITHM_HS512)
        return (struct digest){"SHA512", 64};
    return (struct digest){"SHA256", 32};
}

static const struct hmac_key *hmac_key(const struct jwt_key *key)
{
    return (const struct hmac_key *)(const void *)key;
}

static int compute(const struct jwt_key *key, struct str input, unsigned char to[DIGEST_MAX], size_t *ret_len)
{
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_dup(hmac_key(key)->ready);
    bool done = ctx && EVP_MAC_update(ctx, (const unsigned char *)input.ptr, input.len) &&
                EVP_MAC_final(ctx, to, ret_len, DIGEST_MAX);
    EVP_MAC_CTX_free(ctx);
    return done ? HUB_OK : -ENOMEM;
}

static int verify(const struct jwt_key *key, enum jwt_algorithm algorithm, struct str input,
                  struct str signature)
{
    (void)algorithm;
    unsigned char digest[DIGEST_MAX];
    size_t len;
    int err = compute(key, input, digest, &len);
    if (err)
        return err;
    return signature.len == len && CRYPTO_memcmp(digest, signature.ptr, len) == 0 ? HUB_OK : HUB_E_DENIED;
}

static int sign(const struct jwt_key *key, enum jwt_algorithm algorithm, struct str input,
                struct buf *signature)
{
    (void)algorithm;
    unsigned char digest[DIGEST_MAX];
    size_t len;
    int err = compute(key, input, digest, &len);
    if (err)
        return err;
    buf_append(signature, digest, len);
    return signature->err;
}

static void free_key(struct jwt_key *key)
{
    struct hmac_key *hmac = CONTAINER_OF(key, struct hmac_key, key);
    EVP_MAC_CTX_free(hmac->ready);
    free(hmac);
}

static const struct jwt_key_ops hmac_ops = {.verify = verify, .sign = sign, .free = free_key};

static int prepare(struct hmac_key *hmac, struct digest digest, struct str secret)
{
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    hmac->ready = mac ? EVP_MAC_CTX_new(mac) : NULL;
    EVP_MAC_free(mac);
    if (!hmac->ready)
        return mac ? -ENOMEM : HUB_E_UNSUPPORTED;
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.name, 0),
        OSSL_PARAM_construct_end(),
    };
    const unsigned char *bytes = (const unsigned char *)secret.ptr;
    return EVP_MAC_init(hmac->ready, bytes, secret.len, params) ? HUB_OK : HUB_E_UNSUPPORTED;
}

int hmac_key_new(struct jwt_key **ret_key, enum jwt_algorithm algorithm, struct str secret)
{
    struct hmac_key *hmac = calloc(1, sizeof(*hmac));
    if (!hmac)
        return -ENOMEM;
    struct digest digest = digest_of(algorithm);
    jwt_key_init(&hmac->key, &hmac_ops, 1U << algorithm);
    hmac->key.short_of = secret.len < digest.size ? digest.size : 0;
    int err = prepare(hmac, digest, secret);
    if (err) {
        free_key(&hmac->key);
        return err;
    }
    *ret_key = &hmac->key;
    return HUB_OK;
}
