// What a type of keys provides. Only the files of this folder include this.
#pragma once

#include "jwt/key.h"

struct jwt_key_ops {
    // The algorithm is one of the key's. Results as of jwt_key_verify.
    int (*verify)(const struct jwt_key *key, enum jwt_algorithm algorithm, struct str input,
                  struct str signature);
    // Results as of jwt_key_sign.
    int (*sign)(const struct jwt_key *key, enum jwt_algorithm algorithm, struct str input,
                struct buf *signature);
    // Frees the type's struct, in which the key is embedded; not the id.
    void (*free)(struct jwt_key *key);
};

struct jwt_key {
    const struct jwt_key_ops *ops;
    unsigned algorithms; // never 0
    size_t short_of;
    char *id;
    size_t id_len;
};

// A raw secret, not empty, for the one algorithm. -ENOMEM, HUB_E_UNSUPPORTED when OpenSSL lacks the digest.
MUST_CHECK int hmac_key_new(struct jwt_key **ret_key, enum jwt_algorithm algorithm, struct str secret);
