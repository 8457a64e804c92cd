#include "hub/metadata.h"

#include "base/buf.h"
#include "conf/conf.h"
#include "http/exchange.h"
#include "hub/answer.h"
#include "mercure/authorization.h"
#include "json/writer.h"

#define URL_MAX 4096
#define DOCUMENT_MAX 65536

void metadata_append_resource(const struct conf *conf, const struct exchange *exchange, struct buf *buf)
{
    if (conf->resource_identifier.len) {
        buf_append_str(buf, conf->resource_identifier);
        return;
    }
    exchange_append_origin(exchange, buf);
    buf_append_str(buf, STR(HUB_PATH));
}

// Whether an issuer before this one, or an entry before this one, names the server as well.
static bool is_repeated(const struct conf *conf, size_t issuer, size_t entry)
{
    struct str server = conf->issuers[issuer].authorization_servers.items[entry];
    for (size_t i = 0; i <= issuer; i++) {
        const struct option_list *servers = &conf->issuers[i].authorization_servers;
        size_t end = i == issuer ? entry : servers->count;
        for (size_t j = 0; j < end; j++) {
            if (str_eq(servers->items[j], server))
                return true;
        }
    }
    return false;
}

static void write_issuers_servers(struct json_writer *json, const struct conf *conf, size_t issuer)
{
    const struct option_list *servers = &conf->issuers[issuer].authorization_servers;
    for (size_t i = 0; i < servers->count; i++) {
        if (!is_repeated(conf, issuer, i))
            json_write_str(json, servers->items[i]);
    }
}

static void write_authorization_servers(struct json_writer *json, const struct conf *conf)
{
    size_t count = 0;
    for (size_t i = 0; i < conf->issuer_count; i++)
        count += conf->issuers[i].authorization_servers.count;
    if (count == 0)
        return;
    json_write_key(json, STR("authorization_servers"));
    json_begin_array(json);
    for (size_t i = 0; i < conf->issuer_count; i++)
        write_issuers_servers(json, conf, i);
    json_end_array(json);
}

static void write_list_of_one(struct json_writer *json, struct str key, struct str value)
{
    json_write_key(json, key);
    json_begin_array(json);
    json_write_str(json, value);
    json_end_array(json);
}

static void append_document(struct buf *body, const struct conf *conf, struct str resource)
{
    struct json_writer json;
    json_writer_init(&json, body, JSON_STYLE_COMPACT);
    json_begin_object(&json);
    json_write_member(&json, STR("resource"), resource);
    write_list_of_one(&json, STR("bearer_methods_supported"), STR("header"));
    write_authorization_servers(&json, conf);
    write_list_of_one(&json, STR("authorization_details_types_supported"), STR(AUTHORIZATION_TYPE));
    json_write_member(&json, STR("mercure_cookie"), conf->cookie_name);
    if (conf->subscriptions) {
        json_write_key(&json, STR("mercure_subscriptions"));
        json_write_bool(&json, true);
    }
    json_end_object(&json);
    buf_append_c(body, '\n');
}

void metadata_handle(const struct conf *conf, struct exchange *exchange)
{
    if (!answer_if_allowed(exchange, ANSWER_READ))
        return;
    struct buf resource;
    struct buf body;
    buf_init(&resource, URL_MAX);
    buf_init(&body, DOCUMENT_MAX);
    metadata_append_resource(conf, exchange, &resource);
    append_document(&body, conf, buf_str(&resource));
    if (resource.err || body.err) {
        answer_unavailable(exchange, STR("Service Unavailable"));
    } else {
        exchange_add_header(exchange, STR("Cache-Control"), STR("public, max-age=3600"));
        answer_add_security_headers(exchange);
        exchange_respond(exchange, 200, STR("application/json"), buf_str(&body));
    }
    buf_done(&resource);
    buf_done(&body);
}
