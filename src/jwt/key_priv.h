// What a type of keys provides. Only the files of this folder include this.
#pragma once

#include "base/ref.h"
#include "jwt/key.h"

#include <openssl/types.h>

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
    struct ref ref;
    const struct jwt_key_ops *ops;
    unsigned algorithms; // never 0
    size_t short_of;
    bool any_id; // it answers to every `kid`
    char *id;    // NULL: it has none
    size_t id_len;
};

// For the types: one owner, no id.
void jwt_key_init(struct jwt_key *key, const struct jwt_key_ops *ops, unsigned algorithms);
// Gives it an id. -ENOMEM.
MUST_CHECK int jwt_key_set_id(struct jwt_key *key, struct str id);

// A raw secret, not empty, for the one algorithm. -ENOMEM, HUB_E_UNSUPPORTED when OpenSSL lacks the digest.
MUST_CHECK int hmac_key_new(struct jwt_key **ret_key, enum jwt_algorithm algorithm, struct str secret);
// A public key, or a private one, for those of the algorithms that its type has. Takes one more reference to
// it. HUB_E_INVALID with a sentence when it has none of them or is not sound, -ENOMEM.
MUST_CHECK int public_key_new(struct jwt_key **ret_key, EVP_PKEY *pkey, bool is_private, unsigned algorithms,
                              const char **reterr_text);
// What of OpenSSL's failure is left in this thread's queue, which is emptied: -ENOMEM, or `err`.
int public_key_failure(int err);
