// Who may sign for what: for each issuer and role, the keys. Keys of two issuers or roles are never pooled
// (RFC 8725 §3.8). Built by one thread, then immutable, counted and shared by all.
#pragma once

#include "base/attr.h"
#include "base/ref.h"
#include "base/str.h"
#include "jwt/key.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JWT_KEYS_MAX 64U // of one issuer in one role: a token without `kid` is tried with all of them

enum jwt_role {
    JWT_ROLE_PUBLISHER,
    JWT_ROLE_SUBSCRIBER,
};
#define JWT_ROLE_COUNT 2U

// The keys of one issuer in one role, and the algorithms of all of them, or those that are allowed.
struct jwt_verifier {
    unsigned algorithms; // a set of 1 << enum jwt_algorithm; 0 when there is no key
    size_t count;
    struct jwt_key **keys;
    unsigned source; // the owner's number of where they come from; 0: they never change
};

struct jwt_issuer {
    struct str name;
    char *_name;
    struct jwt_verifier roles[JWT_ROLE_COUNT];
};

struct jwt_keyset {
    struct ref ref;
    uint64_t generation; // drawn at random: no other set has it, so that what one verified is not another's
    size_t issuer_count;
    struct jwt_issuer *issuers;
    // Tokens of the 0.x protocol, which name no issuer, are verified with these and no other keys, and these
    // verify nothing else.
    bool accepts_legacy;
    struct jwt_verifier legacy[JWT_ROLE_COUNT];
};

// An empty set with one owner, or NULL when memory is out.
struct jwt_keyset *jwt_keyset_new(void);
// Gives the issuer one more key in that role; an issuer whose ptr is NULL stands for tokens of the 0.x
// protocol, here and in jwt_keyset_open. The key is the set's, and freed if this fails: HUB_E_FULL (over
// JWT_KEYS_MAX), -ENOMEM.
MUST_CHECK int jwt_keyset_take_key(struct jwt_keyset *set, struct str issuer, enum jwt_role role,
                                   struct jwt_key *key);
// The keys of the issuer in that role come from a source that may give others later: these algorithms are
// allowed whether it has keys for them or not. Before the first key. -ENOMEM.
MUST_CHECK int jwt_keyset_open(struct jwt_keyset *set, struct str issuer, enum jwt_role role,
                               unsigned algorithms, unsigned source);
// The issuer of exactly that name, or NULL.
const struct jwt_issuer *jwt_keyset_find(const struct jwt_keyset *set, struct str issuer);
