#include "hub/keyset_build.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "conf/conf.h"
#include "jwt/jwks.h"
#include "jwt/key.h"
#include "jwt/keyset.h"

#include <errno.h>

#define REASON_MAX 1024U

// The issuer of tokens of the 0.x protocol, which name none (jwt/keyset.h).
static const struct str no_issuer = {NULL, 0};

struct draft {
    struct jwt_keyset *set;
    key_document_fn *document;
    const void *arg;
    struct buf *reterr;
};

// One verifier on its way.
struct binding {
    struct str issuer;
    enum jwt_role role;
    const struct conf_verifier *verifier;
};

// ---- Keys of the configuration ----

static int add_key(const struct draft *draft, const struct binding *binding, struct str algorithm)
{
    struct jwt_key *key;
    const char *reason = "";
    int err = jwt_key_load(&key, binding->verifier->jwt_key, algorithm, STR(""), &reason);
    if (!err)
        return jwt_keyset_take_key(draft->set, binding->issuer, binding->role, key);
    if (binding->issuer.ptr)
        buf_printf(draft->reterr, "a key of issuer %.*s cannot be used: %s", STR_ARG(binding->issuer),
                   reason);
    else
        buf_printf(draft->reterr, "a key for tokens of the 0.x protocol cannot be used: %s", reason);
    return err;
}

// Most 0.x hubs took every algorithm that the type of the key allows, whichever was configured, and there are
// clients that use another one.
static int add_family(const struct draft *draft, const struct binding *binding)
{
    static const char *const families[][7] = {
        {"HS256", "HS384", "HS512", NULL},
        {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", NULL},
    };
    struct str algorithm = binding->verifier->jwt_algorithm;
    const char *const *family = str_starts_with(algorithm, STR("HS")) ? families[0] : families[1];
    bool is_in_family = str_starts_with(algorithm, STR("HS")) || str_starts_with(algorithm, STR("RS")) ||
                        str_starts_with(algorithm, STR("PS"));
    int err = HUB_OK;
    for (; is_in_family && *family && !err; family++) {
        if (!str_eq(algorithm, str_from_c(*family)))
            err = add_key(draft, binding, str_from_c(*family));
    }
    return err;
}

static int add_configured_key(const struct draft *draft, const struct binding *binding)
{
    int err = add_key(draft, binding, binding->verifier->jwt_algorithm);
    return err || binding->issuer.ptr ? err : add_family(draft, binding);
}

// ---- Keys of documents ----

static unsigned algorithms_of(const struct conf_verifier *verifier)
{
    unsigned set = 0;
    for (size_t i = 0; i < verifier->jwt_algorithms.count; i++) {
        enum jwt_algorithm algorithm;
        if (jwt_algorithm_from_name(verifier->jwt_algorithms.items[i], &algorithm))
            set |= 1U << algorithm;
    }
    return set;
}

static void log_skips(const struct conf_verifier *verifier, const struct jwk_set *keys)
{
    size_t count = keys->skip_count < JWK_SKIPS_MAX ? keys->skip_count : JWK_SKIPS_MAX;
    for (size_t i = 0; i < count; i++) {
        const struct jwk_skip *skip = &keys->skips[i];
        LOG(LOG_LEVEL_WARN, "A key of a set is passed over", LOG_STR("url", verifier->jwks_uri),
            LOG_U64("index", skip->index), LOG_C("key_id", skip->id), LOG_C("reason", skip->reason));
    }
    if (keys->count == 0)
        LOG(LOG_LEVEL_WARN, "A set of keys has none that can be used", LOG_STR("url", verifier->jwks_uri));
}

static int add_keys(const struct draft *draft, const struct binding *binding, const struct jwk_set *keys)
{
    int err = HUB_OK;
    for (size_t i = 0; i < keys->count && !err; i++)
        err = jwt_keyset_take_key(draft->set, binding->issuer, binding->role, jwt_key_share(keys->keys[i]));
    return err;
}

static int parse(struct jwk_set *keys, struct str document, unsigned algorithms, struct buf *reterr)
{
    struct buf what;
    buf_init(&what, REASON_MAX);
    int err = jwk_set_parse(keys, document, algorithms, &what);
    if (what.len)
        buf_printf(reterr, "the set %.*s", STR_ARG(buf_str(&what)));
    buf_done(&what);
    return err;
}

static int add_document(const struct draft *draft, const struct binding *binding)
{
    const struct conf_verifier *verifier = binding->verifier;
    struct key_document document = draft->document(draft->arg, verifier->jwks_uri);
    unsigned algorithms = algorithms_of(verifier);
    int err = jwt_keyset_open(draft->set, binding->issuer, binding->role, algorithms, document.source);
    if (err || !document.text.ptr)
        return err;
    struct jwk_set keys;
    err = parse(&keys, document.text, algorithms, draft->reterr);
    if (err)
        return err;
    err = add_keys(draft, binding, &keys);
    if (!err && document.fresh)
        log_skips(verifier, &keys);
    jwk_set_done(&keys);
    return err;
}

// ---- The set ----

static int add_verifier(const struct draft *draft, struct str issuer, enum jwt_role role,
                        const struct conf_verifier *verifier)
{
    struct binding binding = {.issuer = issuer, .role = role, .verifier = verifier};
    if (verifier->jwt_key.ptr)
        return add_configured_key(draft, &binding);
    return verifier->jwks_uri.ptr ? add_document(draft, &binding) : HUB_OK;
}

static int add_both(const struct draft *draft, struct str issuer, const struct conf_verifier *publisher,
                    const struct conf_verifier *subscriber)
{
    int err = add_verifier(draft, issuer, JWT_ROLE_PUBLISHER, publisher);
    return err ? err : add_verifier(draft, issuer, JWT_ROLE_SUBSCRIBER, subscriber);
}

int keyset_build(struct jwt_keyset **ret_set, const struct conf *conf, key_document_fn *document,
                 const void *arg, struct buf *reterr)
{
    struct draft draft = {.set = jwt_keyset_new(), .document = document, .arg = arg, .reterr = reterr};
    if (!draft.set)
        return -ENOMEM;
    draft.set->accepts_legacy = conf->legacy.version != 0;
    int err = add_both(&draft, no_issuer, &conf->legacy.publisher, &conf->legacy.subscriber);
    for (size_t i = 0; i < conf->issuer_count && !err; i++) {
        const struct conf_issuer *issuer = &conf->issuers[i];
        err = add_both(&draft, issuer->issuer, &issuer->publisher, &issuer->subscriber);
    }
    if (err)
        ref_put(&draft.set->ref);
    else
        *ret_set = draft.set;
    return err;
}

// ---- Short keys ----

static void look_at(struct str issuer, const char *role, const struct conf_verifier *verifier,
                    short_key_fn *fn, void *arg)
{
    struct jwt_key *key;
    const char *reason;
    if (!verifier->jwt_key.ptr ||
        jwt_key_load(&key, verifier->jwt_key, verifier->jwt_algorithm, STR(""), &reason) != HUB_OK)
        return;
    struct short_key found = {
        .issuer = issuer, .role = role, .verifier = verifier, .minimum = jwt_key_short_of(key)};
    jwt_key_free(key);
    if (found.minimum)
        fn(arg, &found);
}

void keyset_list_short_keys(const struct conf *conf, short_key_fn *fn, void *arg)
{
    for (size_t i = 0; i < conf->issuer_count; i++) {
        look_at(conf->issuers[i].issuer, "publisher", &conf->issuers[i].publisher, fn, arg);
        look_at(conf->issuers[i].issuer, "subscriber", &conf->issuers[i].subscriber, fn, arg);
    }
    look_at(no_issuer, "publisher", &conf->legacy.publisher, fn, arg);
    look_at(no_issuer, "subscriber", &conf->legacy.subscriber, fn, arg);
}
