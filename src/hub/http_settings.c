#include "hub/http_settings.h"

#include "base/log.h"
#include "conf/conf.h"

static void log_refused(void *arg, unsigned status, const char *reason, struct str peer,
                        struct str request_id)
{
    (void)arg;
    LOG(LOG_LEVEL_INFO, "Request refused", LOG_STR("request_id", request_id), LOG_STR("peer", peer),
        LOG_U64("status", status), LOG_C("reason", reason));
}

static void log_turned_away(void *arg, const char *reason)
{
    (void)arg;
    static struct log_limit limit;
    LOG_LIMITED(&limit, LOG_LEVEL_WARN, "Connections are turned away", LOG_C("reason", reason));
}

struct http_server_config http_settings(const struct conf *conf)
{
    return (struct http_server_config){
        .read_header_timeout_ms = conf->read_header_timeout_ms,
        .read_timeout_ms = conf->read_timeout_ms,
        .dispatch_timeout_ms = conf->dispatch_timeout_ms,
        .max_header_size = conf->max_header_size,
        .max_pipelined = (unsigned)conf->max_pipelined,
        .max_unsent_bytes = conf->max_unsent_bytes,
        .max_body_bytes = conf->max_pending_bytes,
        .socket_unsent_max = (unsigned)conf->socket_unsent_max,
        .trust = {.anybody = conf->use_forwarded_headers && conf->trusted_networks.count == 0,
                  .proxies = conf->trusted_networks},
        .peer_timeout_ms = (unsigned)conf->peer_timeout_ms,
        .refused = log_refused,
        .turned_away = log_turned_away,
    };
}
