#include "hub/hub.h"

#include "base/err.h"
#include "conf/conf.h"
#include "hub/keyring.h"
#include "hub/sequencer.h"
#include "jwt/keyset.h"

#include <errno.h>
#include <stdlib.h>

// Topics and patterns are resolved against the hub's own URL. Where that is only known from each request, a
// host stands in that nobody has (RFC 6761). Its path is known all the same: relative topics mean what they
// will mean when the URL is configured.
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
    hub->serves_legacy = conf->legacy.version != 0;
    hub->shards = calloc(worker_count, sizeof(struct shard *));
    hub->shard_count = worker_count;
    int err = hub->shards ? keyring_new(&hub->keyring, hub) : -ENOMEM;
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
    keyring_free(hub->keyring);
    if (hub->keys)
        ref_put(&hub->keys->ref);
    url_done(&hub->url);
    free(hub->shards);
    free(hub);
}
