#include "hub/hub.h"

#include "base/err.h"
#include "base/log.h"
#include "conf/conf.h"
#include "hub/sequencer.h"
#include "jwt/key.h"
#include "jwt/keyset.h"

#include <errno.h>
#include <stdlib.h>

static int add_key(struct jwt_keyset *keys, struct str issuer, enum jwt_role role,
                   const struct conf_verifier *verifier)
{
    if (!verifier->jwt_key.ptr)
        return HUB_OK;
    struct jwt_key *key;
    const char *reason = "";
    int err = jwt_key_load(&key, verifier->jwt_key, verifier->jwt_algorithm, STR(""), &reason);
    if (err) {
        LOG(LOG_LEVEL_ERROR, "A key cannot be used", LOG_STR("issuer", issuer), LOG_C("reason", reason));
        return err;
    }
    if (jwt_key_short_of(key))
        LOG(LOG_LEVEL_WARN, "A key is shorter than its algorithm asks for: it can be guessed from its tokens",
            LOG_STR("issuer", issuer), LOG_C("role", role == JWT_ROLE_PUBLISHER ? "publisher" : "subscriber"),
            LOG_U64("bytes", verifier->jwt_key.len), LOG_U64("minimum", jwt_key_short_of(key)));
    return jwt_keyset_take_key(keys, issuer, role, key);
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
    return HUB_OK;
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
