#include "hub/routes.h"

#include "base/buf.h"
#include "base/log.h"
#include "conf/conf.h"
#include "http/exchange.h"
#include "hub/answer.h"
#include "hub/hub.h"
#include "hub/metrics_page.h"
#include "hub/pages.h"
#include "hub/publish.h"
#include "hub/subscribe.h"
#include "hub/worker.h"

#define ORIGIN_MAX 512
#define HUB_METHODS STR("GET, HEAD, POST, QUERY, OPTIONS")
#define HEALTHZ_METHODS STR("GET, HEAD, OPTIONS")

// public_urls: an entry stands for its origin, whatever its path.
static bool is_listed(const struct conf *conf, struct str origin)
{
    for (size_t i = 0; i < conf->public_urls.count; i++) {
        struct str listed = conf->public_urls.items[i];
        bool ends_there =
            listed.len == origin.len || (listed.len > origin.len && listed.ptr[origin.len] == '/');
        if (ends_there && str_eq_nocase(str_slice(listed, 0, origin.len), origin))
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

static void answer_options(struct exchange *exchange, struct str allow)
{
    exchange_add_header(exchange, STR("Allow"), allow);
    answer_add_security_headers(exchange);
    exchange_respond(exchange, 204, STR(""), STR(""));
}

static void handle_hub(struct worker *worker, struct exchange *exchange)
{
    struct shard *shard = worker_shard(worker, exchange);
    switch (exchange_method(exchange)) {
    case HTTP_METHOD_GET:
    case HTTP_METHOD_HEAD:
    case HTTP_METHOD_QUERY:
        subscribe_handle(worker, shard, exchange);
        return;
    case HTTP_METHOD_POST:
        publish_handle(worker, shard, exchange);
        return;
    case HTTP_METHOD_OPTIONS:
        answer_options(exchange, HUB_METHODS);
        return;
    case HTTP_METHOD_PUT:
    case HTTP_METHOD_DELETE:
    case HTTP_METHOD_PATCH:
        break;
    }
    answer_not_allowed(exchange, HUB_METHODS);
}

// For old probes; the operations listener knows more.
static void handle_healthz(struct exchange *exchange)
{
    enum http_method method = exchange_method(exchange);
    if (method == HTTP_METHOD_OPTIONS)
        answer_options(exchange, HEALTHZ_METHODS);
    else if (method != HTTP_METHOD_GET && method != HTTP_METHOD_HEAD)
        answer_not_allowed(exchange, HEALTHZ_METHODS);
    else
        answer_text(exchange, 200, STR("ok"));
}

void routes_handle(struct exchange *exchange, void *arg)
{
    struct worker *worker = arg;
    struct str path = exchange_path(exchange);
    if (!is_addressed_to_us(worker->conf, exchange))
        refuse_misdirected(exchange);
    else if (str_eq(path, STR(HUB_PATH)))
        handle_hub(worker, exchange);
    else if (str_eq(path, STR("/healthz")))
        handle_healthz(exchange);
    else if (worker->conf->metrics && str_eq(path, STR("/metrics")))
        metrics_page_handle(worker, exchange);
    else if (str_eq(path, STR("*")))
        answer_options(exchange, HUB_METHODS);
    else if (!pages_handle(worker, exchange))
        answer_not_found(exchange);
}
