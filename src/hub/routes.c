#include "hub/routes.h"

#include "base/buf.h"
#include "base/log.h"
#include "conf/conf.h"
#include "http/exchange.h"
#include "hub/answer.h"
#include "hub/cors.h"
#include "hub/hub.h"
#include "hub/metadata.h"
#include "hub/metrics_page.h"
#include "hub/origin.h"
#include "hub/pages.h"
#include "hub/publish.h"
#include "hub/subscribe.h"
#include "hub/subscriptions.h"
#include "hub/welcome.h"
#include "hub/worker.h"
#include "mercure/subscription.h"

#define ORIGIN_MAX 512
#define HUB_METHODS (ANSWER_READ | ANSWER_METHOD(POST) | ANSWER_METHOD(QUERY))

// public_urls: an entry stands for its origin, whatever its path.
static bool is_listed(const struct conf *conf, struct str origin)
{
    for (size_t i = 0; i < conf->public_urls.count; i++) {
        if (origin_equals(origin_of_url(conf->public_urls.items[i]), origin))
            return true;
    }
    return false;
}

static bool is_addressed_to_us(const struct conf *conf, const struct exchange *exchange)
{
    if (conf->public_urls.count == 0)
        return true;
    struct buf origin;
    buf_init(&origin, ORIGIN_MAX);
    exchange_append_origin(exchange, &origin);
    bool listed = !origin.err && is_listed(conf, buf_str(&origin));
    buf_done(&origin);
    return listed;
}

static void refuse_misdirected(struct exchange *exchange)
{
    LOG(LOG_LEVEL_INFO, "Request refused", LOG_STR("request_id", exchange_request_id(exchange)),
        LOG_STR("peer", exchange_peer(exchange)), LOG_C("reason", "its origin is not one of public_urls"),
        LOG_STR("authority", exchange_authority(exchange)));
    exchange_add_header(exchange, STR("X-Content-Type-Options"), STR("nosniff"));
    exchange_respond(exchange, 421, TEXT_PLAIN, STR("Misdirected Request\n"));
}

static void handle_hub(struct worker *worker, struct exchange *exchange)
{
    if (!answer_if_allowed(exchange, HUB_METHODS))
        return;
    struct shard *shard = worker_shard(worker, exchange);
    if (exchange_method(exchange) == HTTP_METHOD_POST)
        publish_handle(shard, exchange);
    else
        subscribe_handle(shard, exchange);
}

// For old probes; the operations listener knows more.
static void handle_healthz(struct exchange *exchange)
{
    if (answer_if_allowed(exchange, ANSWER_READ))
        answer_text(exchange, 200, STR("ok"));
}

// A path that is almost the hub's is a mistake of a client's that somebody will look for in the log; scanners
// ask for all the others.
static void refuse_path(const struct conf *conf, struct exchange *exchange)
{
    struct str path = exchange_path(exchange);
    bool is_off = !conf->subscriptions && str_starts_with(path, STR(SUBSCRIPTIONS_PATH));
    enum log_level level = str_starts_with(path, STR("/.well-known/")) ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG;
    LOG(level, "Request refused", LOG_STR("request_id", exchange_request_id(exchange)),
        LOG_STR("peer", exchange_peer(exchange)), LOG_U64("status", 404),
        LOG_C("reason",
              is_off ? "who is subscribed is not told: set subscriptions" : "there is nothing at the path"),
        LOG_STR("path", path));
    answer_not_found(exchange);
}

void routes_handle(struct exchange *exchange, void *arg)
{
    struct worker *worker = arg;
    struct str path = exchange_path(exchange);
    if (!is_addressed_to_us(worker->conf, exchange)) {
        refuse_misdirected(exchange);
        return;
    }
    if (cors_handle(worker->conf, exchange))
        return;
    // "*" comes with OPTIONS alone, and asks what all of the server can do.
    if (str_eq(path, STR(HUB_PATH)) || str_eq(path, STR("*")))
        handle_hub(worker, exchange);
    else if (str_eq(path, STR("/healthz")))
        handle_healthz(exchange);
    else if (worker->conf->metrics && str_eq(path, STR("/metrics")))
        metrics_page_handle(worker, exchange);
    else if (str_eq(path, STR(METADATA_PATH)))
        metadata_handle(worker->conf, exchange);
    else if (!subscriptions_handle(worker, exchange) && !pages_handle(worker, exchange) &&
             !welcome_handle(exchange))
        refuse_path(worker->conf, exchange);
}
