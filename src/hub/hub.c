#include "hub/hub.h"

#include "base/err.h"
#include "base/log.h"
#include "conf/conf.h"
#include "hub/sequencer.h"
#include "jwt/key.h"
#include "jwt/keyset.h"

#include <errno.h>
#include <stdlib.h>

// What is wrong with it is logged; `owner` is an issuer, or says what else it is for.
static int load_key(const struct conf_verifier *verifier, struct str owner, enum jwt_role role,
                    struct jwt_key **ret_key)
{
    const char *reason = "";
    int err = jwt_key_load(ret_key, verifier->jwt_key, verifier->jwt_algorithm, STR(""), &reason);
    if (err) {
        LOG(LOG_LEVEL_ERROR, "A key cannot be used", LOG_STR("issuer", owner), LOG_C("reason", reason));
        return err;
    }
    if (jwt_key_short_of(*ret_key))
        LOG(LOG_LEVEL_WARN, "A key is shorter than its algorithm asks for: it can be guessed from its tokens",
            LOG_STR("issuer", owner), LOG_C("role", role == JWT_ROLE_PUBLISHER ? "publisher" : "subscriber"),
            LOG_U64("bytes", verifier->jwt_key.len), LOG_U64("minimum", jwt_key_short_of(*ret_key)));
    return HUB_OK;
}

static int add_key(struct jwt_keyset *keys, struct str issuer, enum jwt_role role,
                   const struct conf_verifier *verifier)
{
    struct jwt_key *key;
    if (!verifier->jwt_key.ptr)
        return HUB_OK;
    int err = load_key(verifier, issuer, role, &key);
    return err ? err : jwt_keyset_take_key(keys, issuer, role, key);
}

// Most 0.x hubs took every HMAC algorithm of the same secret, whichever was configured, and there are
// clients that use another one.
static int add_other_lengths(struct jwt_keyset *keys, enum jwt_role role,
                             const struct conf_verifier *verifier)
{
    static const char *const algorithms[] = {"HS256", "HS384", "HS512"};
    int err = HUB_OK;
    for (size_t i = 0; i < ARRAY_LEN(algorithms) && !err; i++) {
        struct str algorithm = str_from_c(algorithms[i]);
        struct jwt_key *key;
        const char *reason;
        if (str_eq(verifier->jwt_algorithm, algorithm))
            continue;
        err = jwt_key_load(&key, verifier->jwt_key, algorithm, STR(""), &reason);
        if (!err)
            err = jwt_keyset_take_legacy_key(keys, role, key);
    }
    return err;
}

static int add_legacy_key(struct jwt_keyset *keys, enum jwt_role role, const struct conf_verifier *verifier)
{
    struct jwt_key *key;
    if (!verifier->jwt_key.ptr)
        return HUB_OK;
    int err = load_key(verifier, STR("(0.x)"), role, &key);
    if (!err)
        err = jwt_keyset_take_legacy_key(keys, role, key);
    if (!err && str_starts_with(verifier->jwt_algorithm, STR("HS")))
        err = add_other_lengths(keys, role, verifier);
    return err;
}

static int load_legacy_keys(struct hub *hub)
{
    const struct conf_legacy *legacy = &hub->conf->legacy;
    hub->keys->accepts_legacy = legacy->version != 0;
    int err = add_legacy_key(hub->keys, JWT_ROLE_PUBLISHER, &legacy->publisher);
    return err ? err : add_legacy_key(hub->keys, JWT_ROLE_SUBSCRIBER, &legacy->subscriber);
}

static int load_keys(struct hub *hub)
{
    hub->keys = jwt_keyset_new();
    if (!hub->keys)
        return -ENOMEM;
    for (size_t i = 0; i < hub->conf->issuer_count; i++) {
        const struct conf_issuer *issuer = &hub->conf->issuers[i];
        int err = add_key(hub->keys, issuer->issuer, JWT_ROLE_PUBLISHER, &issuer->publisher);
        if (!err)
            err = add_key(hub->keys, issuer->issuer, JWT_ROLE_SUBSCRIBER, &issuer->subscriber);
        if (err)
            return err;
    }
    return load_legacy_keys(hub);
}

// Topics are resolved against the hub's own URL. Where it is only known from each request, a host stands in
// that nobody has (RFC 6761).
static int set_url(struct hub *hub)
{
    struct str url = hub->conf->resource_identifier;
    return url_parse(&hub->url, url.len ? url : STR("https://mercure.invalid" HUB_PATH), NULL);
}

int hub_new(struct hub **ret_hub, uint32_t number, const struct conf *conf, size_t worker_count)
{
    struct hub *hub = calloc(1, sizeof(*hub));
    if (!hub)
        return -ENOMEM;
    hub->number = number;
    hub->conf = conf;
    hub->shards = calloc(worker_count, sizeof(struct shard *));
    int err = hub->shards ? load_keys(hub) : -ENOMEM;
    if (!err)
        err = set_url(hub);
    if (err) {
        hub_free(hub);
        return err;
    }
    *ret_hub = hub;
    return HUB_OK;
}

void hub_free(struct hub *hub)
{
    if (!hub)
        return;
    sequencer_free(hub->sequencer);
    if (hub->keys)
        ref_put(&hub->keys->ref);
    url_done(&hub->url);
    free(hub->shards);
    free(hub);
}
