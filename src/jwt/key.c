#include "jwt/key.h"

#include "base/err.h"
#include "jwt/key_priv.h"

#include <errno.h>
#include <stdlib.h>

static const char *const names[] = {
#define X(name) #name,
    JWT_ALGORITHMS(X)
#undef X
};

bool jwt_algorithm_from_name(struct str name, enum jwt_algorithm *ret_algorithm)
{
    for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
        if (str_eq(name, str_from_c(names[i]))) {
            *ret_algorithm = (enum jwt_algorithm)i;
            return true;
        }
    }
    return false;
}

const char *jwt_algorithm_name(enum jwt_algorithm algorithm)
{
    return names[algorithm];
}

static bool is_pem(struct str text)
{
    while (text.len && (text.ptr[0] == ' ' || (text.ptr[0] >= '\t' && text.ptr[0] <= '\r')))
        text = str_slice(text, 1, text.len);
    return str_starts_with(text, STR("-----BEGIN"));
}

// The sentence that says what is wrong with the key, or NULL.
static const char *fault(struct str text, struct str algorithm)
{
    if (text.len == 0)
        return "the key is empty";
    if (!is_pem(text))
        return NULL;
    if (algorithm.len == 0)
        return "a key in PEM form needs its algorithm named";
    if (str_starts_with(algorithm, STR("HS")))
        return "a key in PEM form is not a secret: HS256, HS384 and HS512 cannot use it";
    return NULL;
}

int jwt_key_load(struct jwt_key **ret_key, struct str text, struct str algorithm, struct str id,
                 const char **reterr_text)
{
    *reterr_text = fault(text, algorithm);
    if (*reterr_text)
        return HUB_E_INVALID;
    enum jwt_algorithm value = JWT_ALGORITHM_HS256;
    if (algorithm.len && !jwt_algorithm_from_name(algorithm, &value)) {
        *reterr_text = "the algorithm is not one of HS256, HS384 and HS512";
        return HUB_E_UNSUPPORTED;
    }
    struct jwt_key *key;
    int err = hmac_key_new(&key, value, text);
    if (err) {
        *reterr_text = err_text(err);
        return err;
    }
    key->id = str_dup_c(id);
    key->id_len = id.len;
    if (!key->id) {
        jwt_key_free(key);
        *reterr_text = err_text(-ENOMEM);
        return -ENOMEM;
    }
    *ret_key = key;
    return HUB_OK;
}

void jwt_key_free(struct jwt_key *key)
{
    if (!key)
        return;
    free(key->id);
    key->ops->free(key);
}

struct str jwt_key_id(const struct jwt_key *key)
{
    return str_make(key->id, key->id_len);
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
