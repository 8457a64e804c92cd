#include "base/err.h"
#include "conf/loader.h"
#include "conf/syntax.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#define TRANSPORT_REASONS_MAX 8192U

// The option of that key, or NULL when a value of it has been refused, so that there is nothing to check.
static const struct option *checkable(const struct loader *loader, const char *key)
{
    const struct option *option = option_find(conf_options, str_from_c(key));
    return loader->failed[loader_index(option)] ? NULL : option;
}

static void refuse_text(struct loader *loader, const struct option *option, struct str text,
                        const char *wrong)
{
    loader_error(loader, loader_origin(loader, option), "%s: \"%.*s\" %s", option->name,
                 STR_ARG(str_slice(text, 0, 256)), wrong);
    loader->failed[loader_index(option)] = true;
}

static void check_list(struct loader *loader, const char *key, const struct option_list *list,
                       const char *(*check)(struct str))
{
    const struct option *option = checkable(loader, key);
    for (size_t i = 0; option && i < list->count; i++) {
        const char *wrong = check(list->items[i]);
        if (wrong)
            refuse_text(loader, option, list->items[i], wrong);
    }
}

static void check_address(struct loader *loader, const struct option *option, struct str address)
{
    uint64_t port;
    const char *wrong = syntax_check_address(address);
    char hint[64];
    if (wrong && str_to_u64(address, &port) == HUB_OK && port <= 65535) {
        (void)snprintf(hint, sizeof(hint), "has no colon; did you mean \":%" PRIu64 "\"?", port);
        wrong = hint;
    }
    if (wrong)
        refuse_text(loader, option, address, wrong);
}

static size_t count_of(const struct option_list *list, struct str text)
{
    size_t count = 0;
    for (size_t i = 0; i < list->count; i++)
        count += str_eq(list->items[i], text);
    return count;
}

static bool is_any_port(struct str address)
{
    return str_ends_with(address, STR(":0"));
}

static void check_addresses(struct loader *loader)
{
    // Port 0 lets the system choose: two of them are two addresses.
    const struct conf *conf = loader->conf;
    const struct option *addr = checkable(loader, "addr");
    for (size_t i = 0; addr && i < conf->addr.count; i++)
        check_address(loader, addr, conf->addr.items[i]);
    addr = checkable(loader, "addr");
    if (addr && conf->addr.count == 0)
        loader_refuse(loader, addr, loader_origin(loader, addr), "must name at least one address");
    for (size_t i = 0; addr && i < conf->addr.count; i++) {
        if (count_of(&conf->addr, conf->addr.items[i]) > 1 && !is_any_port(conf->addr.items[i])) {
            refuse_text(loader, addr, conf->addr.items[i], "is listed twice");
            break;
        }
    }
    const struct option *ops = checkable(loader, "ops_addr");
    if (ops && conf->ops_addr.len)
        check_address(loader, ops, conf->ops_addr);
    ops = checkable(loader, "ops_addr");
    if (ops && addr && count_of(&conf->addr, conf->ops_addr) && !is_any_port(conf->ops_addr))
        refuse_text(loader, ops, conf->ops_addr, "is an address of addr already");
}

static bool is_local(struct str host)
{
    return str_eq_nocase(host, STR("localhost")) || str_ends_with(host, STR(".localhost")) ||
           str_starts_with(host, STR("127.")) || str_eq(host, STR("[::1]"));
}

// Whether requests may come by https: as a proxy says, which is always believed at a unix socket.
static bool believes_proxies(const struct conf *conf)
{
    bool believes = conf->use_forwarded_headers || conf->trusted_proxies.count;
    for (size_t i = 0; i < conf->addr.count; i++)
        believes = believes || str_starts_with(conf->addr.items[i], STR("unix:"));
    return believes;
}

static void check_public_urls(struct loader *loader)
{
    const struct option_list *list = &loader->conf->public_urls;
    check_list(loader, "public_urls", list, syntax_check_web_url);
    const struct option *option = checkable(loader, "public_urls");
    for (size_t i = 0; option && i < list->count && !believes_proxies(loader->conf); i++) {
        if (str_eq_nocase(str_slice(list->items[i], 0, 6), STR("https:")))
            loader_warn(
                loader, loader_origin(loader, option),
                "public_urls: \"%.*s\" is met by no request: the hub speaks no TLS yet, and believes no "
                "proxy that does; set trusted_proxies",
                STR_ARG(str_slice(list->items[i], 0, 256)));
    }
}

static void check_resource(struct loader *loader)
{
    struct str url = loader->conf->resource_identifier;
    const struct option *option = checkable(loader, "resource_identifier");
    if (!option || !url.ptr)
        return;
    const char *wrong = syntax_check_web_url(url);
    if (wrong)
        refuse_text(loader, option, url, wrong);
    else if (!str_eq_nocase(str_slice(url, 0, 6), STR("https:")) && !is_local(syntax_host(url)))
        loader_warn(loader, loader_origin(loader, option), "resource_identifier should be an https URL");
}

// One error for each line of what its driver says.
static void check_transport(struct loader *loader)
{
    const struct option *option = checkable(loader, "transport_url");
    int (*check)(struct str, struct buf *) = loader->source->check_transport;
    if (!option || !check)
        return;
    struct buf reasons;
    buf_init(&reasons, TRANSPORT_REASONS_MAX);
    int err = check(loader->conf->transport_url, &reasons);
    struct str rest = buf_str(&reasons);
    struct str reason;
    if (err == -ENOMEM || (err && reasons.err))
        loader->err = -ENOMEM;
    while (err && rest.len && str_split(&rest, '\n', &reason))
        loader_error(loader, loader_origin(loader, option), "transport_url: %.*s", STR_ARG(reason));
    buf_done(&reasons);
}

static void check_cookie(struct loader *loader)
{
    const struct option *option = checkable(loader, "cookie_name");
    const char *wrong = option ? syntax_check_token(loader->conf->cookie_name) : NULL;
    if (wrong)
        refuse_text(loader, option, loader->conf->cookie_name, wrong);
}

// Without a verifier of a role its endpoint could only refuse everybody.
static void check_keys(struct loader *loader)
{
    const struct conf *conf = loader->conf;
    bool publisher = conf_verifier_is_set(&conf->legacy.publisher);
    bool subscriber = conf_verifier_is_set(&conf->legacy.subscriber);
    bool legacy = publisher || subscriber;
    for (size_t i = 0; i < conf->issuer_count; i++) {
        publisher = publisher || conf_verifier_is_set(&conf->issuers[i].publisher);
        subscriber = subscriber || conf_verifier_is_set(&conf->issuers[i].subscriber);
    }
    const struct option *issuers = checkable(loader, "issuers");
    if (issuers && !publisher)
        loader_error(
            loader, NULL, "no key verifies publishers: set %s",
            legacy ? "jwt_key or publisher_jwt_key"
                   : "issuers with publisher: {jwt_key: ...}, or the variable MERCURE_PUBLISHER_JWT_KEY");
    if (issuers && !subscriber && !conf->anonymous && checkable(loader, "anonymous"))
        loader_error(
            loader, NULL,
            "no key verifies subscribers: set %s, or anonymous: true to allow subscribers without a token",
            legacy ? "jwt_key or subscriber_jwt_key (0.x let everybody subscribe without)"
                   : "issuers with subscriber: {jwt_key: ...}, or the variable MERCURE_SUBSCRIBER_JWT_KEY");
}

static void check_metrics_addr(struct loader *loader)
{
    const struct conf *conf = loader->conf;
    const struct option *option = checkable(loader, "metrics_addr");
    if (!option || !conf->metrics_enabled)
        return;
    check_address(loader, option, conf->metrics_addr);
    option = checkable(loader, "metrics_addr");
    if (!option || is_any_port(conf->metrics_addr))
        return;
    if (checkable(loader, "addr") && count_of(&conf->addr, conf->metrics_addr))
        refuse_text(loader, option, conf->metrics_addr, "is an address of addr already");
    else if (checkable(loader, "ops_addr") && str_eq(conf->ops_addr, conf->metrics_addr))
        refuse_text(loader, option, conf->metrics_addr, "is the address of ops_addr already");
}

// Metrics on the main listeners: with both halves of the credentials, or in the open on purpose.
static void check_metrics(struct loader *loader)
{
    const struct conf *conf = loader->conf;
    const struct option *login = checkable(loader, "metrics_login");
    const struct option *password = checkable(loader, "metrics_password");
    check_metrics_addr(loader);
    if (!conf->metrics || !login || !password)
        return;
    if (conf->metrics_login.len && !conf->metrics_password.len)
        loader_error(
            loader, loader_origin(loader, option_find(conf_options, STR("metrics"))),
            "metrics needs a metrics_password, or an empty metrics_login to let everybody read them");
    else if (conf->metrics_password.len && !conf->metrics_login.len)
        loader_refuse(loader, login, loader_origin(loader, login),
                      "must not be empty with a metrics_password");
    else if (str_find(conf->metrics_login, 0, ':') < conf->metrics_login.len)
        loader_refuse(loader, login, loader_origin(loader, login), "must not hold a colon");
}

static void check_proxies(struct loader *loader)
{
    const struct option *option = checkable(loader, "trusted_proxies");
    const struct option_list *texts = &loader->conf->trusted_proxies;
    struct networks *networks = &loader->conf->trusted_networks;
    if (!option || texts->count == 0)
        return;
    networks->list = arena_calloc(&loader->conf->_arena, texts->count, sizeof(*networks->list));
    networks->count = networks->list ? texts->count : 0;
    if (!networks->list)
        loader->err = -ENOMEM;
    for (size_t i = 0; i < networks->count; i++) {
        if (network_parse(&networks->list[i], texts->items[i]) != HUB_OK)
            refuse_text(loader, option, texts->items[i],
                        "is neither an IP address nor a network, as 10.0.0.0/8");
    }
}

void loader_check(struct loader *loader)
{
    const struct conf *conf = loader->conf;
    check_addresses(loader);
    check_proxies(loader);
    check_public_urls(loader);
    check_list(loader, "publish_origins", &conf->publish_origins, syntax_check_origin);
    check_list(loader, "cors_origins", &conf->cors_origins, syntax_check_origin);
    check_resource(loader);
    check_cookie(loader);
    check_transport(loader);
    check_keys(loader);
    check_metrics(loader);
}
