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
// Logs which shared secrets are shorter than their algorithm asks for.
void keyset_warn_of_short_keys(const struct conf *conf);
