// A set of keys, built whole from the configuration and the documents that it names.
#pragma once

#include "base/attr.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct conf;
struct conf_verifier;
struct jwt_keyset;

// A document that verifiers name by URL.
struct key_document {
    struct str text; // NULL ptr: there is none yet
    unsigned source; // the number of where it comes from (jwt_verifier)
    bool fresh;      // what is odd about it has not been told yet
};

typedef struct key_document key_document_fn(const void *arg, struct str url);

// HUB_E_INVALID and HUB_E_UNSUPPORTED append to `reterr` what is wrong; HUB_E_FULL; -ENOMEM. Keys of a fresh
// document that are passed over are logged.
MUST_CHECK int keyset_build(struct jwt_keyset **ret_set, const struct conf *conf, key_document_fn *document,
                            const void *arg, struct buf *reterr);

// A shared secret that is shorter than its algorithm asks for: it can be guessed from its tokens.
struct short_key {
    struct str issuer; // NULL ptr for a key of the 0.x protocol
    const char *role;
    const struct conf_verifier *verifier;
    size_t minimum; // bytes
};

typedef void short_key_fn(void *arg, const struct short_key *key);
// Calls `fn` for each of a configuration that is good.
void keyset_list_short_keys(const struct conf *conf, short_key_fn *fn, void *arg);
