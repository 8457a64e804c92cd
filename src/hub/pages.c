#include "hub/pages.h"

#include "base/buf.h"
#include "conf/conf.h"
#include "http/exchange.h"
#include "hub/answer.h"
#include "hub/hub.h"
#include "hub/metadata.h"
#include "hub/page_token.h"
#include "hub/page_topics.h"
#include "hub/playground.h"
#include "hub/worker.h"
#include "ui/ui.h"
#include "json/writer.h"

#define PAGES_PATH HUB_PATH "/debug/"
// Where 0.x had it.
#define LEGACY_PATH HUB_PATH "/ui/"
#define TEXT_MAX 16384

static void answer_config(const struct worker *worker, struct exchange *exchange)
{
    const struct conf *conf = worker->conf;
    struct buf resource;
    struct buf body;
    buf_init(&resource, TEXT_MAX);
    buf_init(&body, TEXT_MAX);
    metadata_append_resource(conf, exchange, &resource);
    struct json_writer json;
    json_writer_init(&json, &body, JSON_STYLE_COMPACT);
    json_begin_object(&json);
    json_write_key(&json, STR("playground"));
    json_write_bool(&json, conf->playground);
    json_write_key(&json, STR("anonymous"));
    json_write_bool(&json, conf->anonymous);
    json_write_key(&json, STR("subscriptions"));
    json_write_bool(&json, worker->conf->subscriptions);
    json_write_member(&json, STR("cookieName"), conf->cookie_name);
    json_write_member(&json, STR("version"), STR(CINNABAR_VERSION));
    json_write_member(&json, STR("hub"), buf_str(&resource));
    json_write_member_u64(&json, STR("compatibility"), conf->legacy.version);
    json_write_key(&json, STR("issuers"));
    json_begin_array(&json);
    for (size_t i = 0; i < conf->issuer_count; i++)
        json_write_str(&json, conf->issuers[i].issuer);
    json_end_array(&json);
    json_end_object(&json);
    buf_append_c(&body, '\n');
    answer_uncached(exchange, 200, STR("application/json"), buf_str(&body));
    buf_done(&resource);
    buf_done(&body);
}

// ---- Files ----

static void answer_file(struct exchange *exchange, const struct ui_file *file)
{
    exchange_add_header(exchange, STR("X-Content-Type-Options"), STR("nosniff"));
    exchange_add_header(exchange, STR("X-Frame-Options"), STR("DENY"));
    exchange_add_header(exchange, STR("Content-Security-Policy"), STR(UI_POLICY));
    exchange_add_header(exchange, STR("Referrer-Policy"), STR("no-referrer"));
    exchange_add_header(exchange, STR("Cache-Control"), STR("no-cache"));
    exchange_add_header(exchange, STR("ETag"), file->etag);
    if (str_eq(exchange_header(exchange, STR("If-None-Match")), file->etag))
        exchange_respond(exchange, 304, STR(""), STR(""));
    else
        exchange_respond(exchange, 200, file->type, file->bytes);
}

static void redirect(struct exchange *exchange, unsigned status, struct str location)
{
    if (!answer_if_allowed(exchange, ANSWER_READ))
        return;
    exchange_add_header(exchange, STR("Location"), location);
    answer_add_security_headers(exchange);
    exchange_respond(exchange, status, STR(""), STR(""));
}

static void answer_page(struct worker *worker, struct exchange *exchange, struct str name)
{
    const struct ui_file *file = ui_find(name);
    bool playground = worker->conf->playground;
    if (playground && str_eq(name, STR("session")))
        page_token_handle_session(worker->conf, exchange);
    else if (str_eq(name, STR("index.html")))
        redirect(exchange, 301, STR("./"));
    else if (!answer_if_allowed(exchange, ANSWER_READ))
        return;
    else if (str_eq(name, STR("config.json")))
        answer_config(worker, exchange);
    else if (str_eq(name, STR("playground-token")))
        page_token_handle(worker->conf, exchange);
    else if (playground && str_eq(name, STR("topics")))
        page_topics_handle(worker_shard(worker, exchange), exchange);
    else if (file)
        answer_file(exchange, file);
    else
        answer_not_found(exchange);
}

bool pages_handle(struct worker *worker, struct exchange *exchange)
{
    if (!worker->conf->debugger && !worker->conf->playground)
        return false;
    struct str path = exchange_path(exchange);
    if (str_eq(path, STR("/")))
        redirect(exchange, 302, STR(PAGES_PATH));
    else if (str_eq(path, STR(HUB_PATH "/debug")) || str_eq(path, STR(LEGACY_PATH)) ||
             str_eq(path, STR(HUB_PATH "/ui")))
        redirect(exchange, 301, STR(PAGES_PATH));
    else if (str_starts_with(path, STR(PAGES_PATH)))
        answer_page(worker, exchange, str_slice(path, sizeof(PAGES_PATH) - 1, path.len));
    else if (playground_has(worker->conf, path))
        playground_handle(worker->conf, exchange);
    else
        return false;
    return true;
}
