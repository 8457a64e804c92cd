#include "jwt/key.h"

#include "base/err.h"
#include "jwt/key_priv.h"
#include "jwt/pem.h"
#include "json/json.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>

// ---- For the types ----

static void free_key(struct ref *ref)
{
    struct jwt_key *key = CONTAINER_OF(ref, struct jwt_key, ref);
    free(key->id);
    key->ops->free(key);
}

void jwt_key_init(struct jwt_key *key, const struct jwt_key_ops *ops, unsigned algorithms)
{
    *key = (struct jwt_key){.ops = ops, .algorithms = algorithms};
    ref_init(&key->ref, free_key);
}

int jwt_key_set_id(struct jwt_key *key, struct str id)
{
    key->id = str_dup_c(id);
    key->id_len = id.len;
    return key->id ? HUB_OK : -ENOMEM;
}

// ---- Loading ----

static int check_jwk(struct str text, bool *ret_is_jwk)
{
    struct json *root = NULL;
    int err = json_parse(&root, text, NULL);
    *ret_is_jwk = !err && (json_get(root, STR("kty")) || json_get(root, STR("keys")));
    json_free(root);
    return err == -ENOMEM ? err : HUB_OK;
}

static int load_secret(struct jwt_key **ret_key, struct str text, enum jwt_algorithm algorithm,
                       const char **reterr_text)
{
    bool is_jwk;
    *reterr_text = "the key is empty";
    if (text.len == 0)
        return HUB_E_INVALID;
    *reterr_text =
        "the algorithm needs a public key or a certificate in PEM form, but the key is a shared secret";
    if (!jwt_algorithm_is_secret(algorithm))
        return HUB_E_INVALID;
    int err = check_jwk(text, &is_jwk);
    *reterr_text = "the key is a JWK, not a secret: put a set with it in a file and name that by jwks_uri";
    if (!err && is_jwk)
        err = HUB_E_INVALID;
    return err ? err : hmac_key_new(ret_key, algorithm, text);
}

static int load_pem(struct jwt_key **ret_key, struct str text, enum jwt_algorithm algorithm,
                    const char **reterr_text)
{
    *reterr_text = "the algorithm is for a shared secret, but the key is in PEM form";
    if (jwt_algorithm_is_secret(algorithm))
        return HUB_E_INVALID;
    EVP_PKEY *pkey;
    bool is_private;
    int err = pem_read(&pkey, &is_private, text, reterr_text);
    if (err)
        return err;
    err = public_key_new(ret_key, pkey, is_private, 1U << algorithm, reterr_text);
    EVP_PKEY_free(pkey);
    return err;
}

static int load(struct jwt_key **ret_key, struct str text, struct str name, const char **reterr_text)
{
    bool pem = pem_is_in(text);
    enum jwt_algorithm algorithm = JWT_ALGORITHM_HS256;
    if (name.len && !jwt_algorithm_from_name(name, &algorithm)) {
        *reterr_text = "the algorithm must be " JWT_ALGORITHMS_SECRET_TEXT
                       ", or with a public key one of " JWT_ALGORITHMS_PUBLIC_TEXT;
        return HUB_E_UNSUPPORTED;
    }
    if (pem && name.len == 0) {
        *reterr_text = "the algorithm is required with a key in PEM form";
        return HUB_E_INVALID;
    }
    return pem ? load_pem(ret_key, text, algorithm, reterr_text)
               : load_secret(ret_key, text, algorithm, reterr_text);
}

int jwt_key_load(struct jwt_key **ret_key, struct str text, struct str algorithm, struct str id,
                 const char **reterr_text)
{
    struct jwt_key *key;
    int err = load(&key, text, algorithm, reterr_text);
    if (!err) {
        key->any_id = id.len == 0;
        err = id.len ? jwt_key_set_id(key, id) : HUB_OK;
        if (err)
            jwt_key_free(key);
    }
    if (err) {
        if (err != HUB_E_INVALID && err != HUB_E_UNSUPPORTED)
            *reterr_text = err_text(err);
        return err;
    }
    *reterr_text = NULL;
    *ret_key = key;
    return HUB_OK;
}

// ---- Using ----

struct jwt_key *jwt_key_share(struct jwt_key *key)
{
    ref_get(&key->ref);
    return key;
}

void jwt_key_free(struct jwt_key *key)
{
    if (key)
        ref_put(&key->ref);
}

struct str jwt_key_id(const struct jwt_key *key)
{
    return str_make(key->id, key->id_len);
}

bool jwt_key_answers_to(const struct jwt_key *key, struct str id)
{
    return !id.ptr || key->any_id || (key->id && str_eq(id, jwt_key_id(key)));
}

unsigned jwt_key_algorithms(const struct jwt_key *key)
{
    return key->algorithms;
}

size_t jwt_key_short_of(const struct jwt_key *key)
{
    return key->short_of;
}

static bool may_use(const struct jwt_key *key, enum jwt_algorithm algorithm)
{
    return key->algorithms & 1U << algorithm;
}

int jwt_key_verify(const struct jwt_key *key, enum jwt_algorithm algorithm, struct str input,
                   struct str signature)
{
    return may_use(key, algorithm) ? key->ops->verify(key, algorithm, input, signature) : HUB_E_DENIED;
}

int jwt_key_sign(const struct jwt_key *key, enum jwt_algorithm algorithm, struct str input,
                 struct buf *signature)
{
    return may_use(key, algorithm) ? key->ops->sign(key, algorithm, input, signature) : HUB_E_DENIED;
}
