#include "jwt/keyset.h"

#include "base/err.h"
#include "base/random.h"

#include <errno.h>
#include <stdlib.h>

static void free_verifier(struct jwt_verifier *verifier)
{
    for (size_t i = 0; i < verifier->count; i++)
        jwt_key_free(verifier->keys[i]);
    free(verifier->keys);
}

static void free_keyset(struct ref *ref)
{
    struct jwt_keyset *set = CONTAINER_OF(ref, struct jwt_keyset, ref);
    for (size_t i = 0; i < set->issuer_count; i++) {
        free(set->issuers[i]._name);
        for (size_t role = 0; role < JWT_ROLE_COUNT; role++)
            free_verifier(&set->issuers[i].roles[role]);
    }
    for (size_t role = 0; role < JWT_ROLE_COUNT; role++)
        free_verifier(&set->legacy[role]);
    free(set->issuers);
    free(set);
}

struct jwt_keyset *jwt_keyset_new(void)
{
    struct jwt_keyset *set = calloc(1, sizeof(*set));
    if (!set)
        return NULL;
    ref_init(&set->ref, free_keyset);
    random_bytes(&set->generation, sizeof(set->generation));
    return set;
}

static struct jwt_issuer *find(const struct jwt_keyset *set, struct str issuer)
{
    for (size_t i = 0; i < set->issuer_count; i++) {
        if (str_eq(set->issuers[i].name, issuer))
            return &set->issuers[i];
    }
    return NULL;
}

const struct jwt_issuer *jwt_keyset_find(const struct jwt_keyset *set, struct str issuer)
{
    return find(set, issuer);
}

static struct jwt_issuer *add_issuer(struct jwt_keyset *set, struct str name)
{
    struct jwt_issuer *issuers = realloc(set->issuers, (set->issuer_count + 1) * sizeof(*issuers));
    if (!issuers)
        return NULL;
    set->issuers = issuers;
    struct jwt_issuer *issuer = &issuers[set->issuer_count];
    *issuer = (struct jwt_issuer){._name = str_dup_c(name)};
    if (!issuer->_name)
        return NULL;
    issuer->name = str_make(issuer->_name, name.len);
    set->issuer_count++;
    return issuer;
}

static int add_key(struct jwt_verifier *verifier, struct jwt_key *key)
{
    if (verifier->count == JWT_KEYS_MAX)
        return HUB_E_FULL;
    struct jwt_key **keys = realloc(verifier->keys, (verifier->count + 1) * sizeof(struct jwt_key *));
    if (!keys)
        return -ENOMEM;
    verifier->keys = keys;
    keys[verifier->count++] = key;
    verifier->algorithms |= jwt_key_algorithms(key);
    return HUB_OK;
}

static struct jwt_verifier *verifier_of(struct jwt_keyset *set, struct str issuer, enum jwt_role role)
{
    if (!issuer.ptr)
        return &set->legacy[role];
    struct jwt_issuer *binding = find(set, issuer);
    if (!binding)
        binding = add_issuer(set, issuer);
    return binding ? &binding->roles[role] : NULL;
}

int jwt_keyset_open(struct jwt_keyset *set, struct str issuer, enum jwt_role role, unsigned algorithms,
                    unsigned source)
{
    struct jwt_verifier *verifier = verifier_of(set, issuer, role);
    if (!verifier)
        return -ENOMEM;
    verifier->algorithms = algorithms;
    verifier->source = source;
    return HUB_OK;
}

int jwt_keyset_take_key(struct jwt_keyset *set, struct str issuer, enum jwt_role role, struct jwt_key *key)
{
    struct jwt_verifier *verifier = verifier_of(set, issuer, role);
    int err = verifier ? add_key(verifier, key) : -ENOMEM;
    if (err)
        jwt_key_free(key);
    return err;
}
