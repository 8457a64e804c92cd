// `cinnabar dev`: a hub for development, which needs no configuration and leaves nothing behind. Whatever
// file, environment and flags say still counts.
#include "base/buf.h"
#include "base/err.h"
#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/mint.h"
#include "cli/run.h"
#include "cli/settings.h"
#include "cli/temporary.h"
#include "hub/server.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define OVERRIDES_MAX 16U
#define TEXT_MAX 4096U

// Pages of development servers. Those of strangers, which a developer visits as well, are not among them.
#define MACHINE_ORIGINS \
    "http://localhost http://localhost:* https://localhost https://localhost:* http://127.0.0.1 " \
    "http://127.0.0.1:*"

static const struct conf_override fixed[] = {
    {"addr", ":3000"},
    {"playground", "true"},
    {"anonymous", "true"},
    {"subscriptions", "true"},
    {"cookie_name", "mercure_access_token"},
    {"cors_origins", MACHINE_ORIGINS},
    {"issuers", DEV_ISSUERS},
};

static const struct conf_override help_defaults[] = {
    {"addr", ":3000"},
    {"playground", "true"},
    {"anonymous", "true"},
    {"subscriptions", "true"},
    {"cookie_name", "mercure_access_token"},
    {"cors_origins", "pages of this machine, at any port"},
    {"issuers", DEV_ISSUER " with the key " DEV_KEY},
    {"jwt_key", "with protocol_version_compatibility the same key"},
    {"resource_identifier", DEV_HUB ", with host and port of addr"},
    {"publish_origins", "the origins of its own page"},
    {"transport_url", "a file in a temporary directory, which goes when the hub stops"},
};

static const struct settings_command command = {
    .name = "dev",
    .about =
        "Serves for development: no configuration is needed, nothing is kept, and everybody who reaches it\n"
        "may do everything. Tokens for it: cinnabar token --dev.\n\n"
        "Exit status: 0 it was stopped, 1 it could not start, 2 the configuration is wrong.\n",
    .example = "cinnabar dev --addr :4000",
    .defaults = help_defaults,
    .default_count = ARRAY_LEN(help_defaults),
};

// Overrides and the memory of those that are made at run time.
struct plan {
    struct conf_override items[OVERRIDES_MAX];
    size_t count;
    struct buf resource;
    struct buf origins;
    struct buf transport;
    struct temporary data;
    const struct conf *conf; // what they have led to
};

static void init(struct plan *plan)
{
    *plan = (struct plan){0};
    buf_init(&plan->resource, TEXT_MAX);
    buf_init(&plan->origins, TEXT_MAX);
    buf_init(&plan->transport, TEXT_MAX);
    memcpy(plan->items, fixed, sizeof(fixed));
    plan->count = ARRAY_LEN(fixed);
}

static void done(struct plan *plan)
{
    temporary_remove(&plan->data);
    buf_done(&plan->resource);
    buf_done(&plan->origins);
    buf_done(&plan->transport);
}

static void add(struct plan *plan, const char *key, struct buf *text)
{
    const char *value = buf_c(text);
    if (value)
        plan->items[plan->count++] = (struct conf_override){key, value};
}

// Where an address has its last colon: between host and port. Its length when there is none.
static size_t find_port(struct str address)
{
    size_t colon = address.len;
    while (colon > 0 && address.ptr[colon - 1] != ':')
        colon--;
    return colon ? colon - 1 : address.len;
}

// The port of an address; empty when it is a unix socket or will be chosen by the system.
static struct str port_of(struct str address)
{
    uint64_t port;
    struct str text = str_slice(address, find_port(address) + 1, address.len);
    return str_to_u64(text, &port) == HUB_OK && port ? text : STR("");
}

// The host by which clients reach what listens there.
static struct str host_of(struct str address)
{
    struct str host = str_slice(address, 0, find_port(address));
    bool any = host.len == 0 || str_eq(host, STR("[::]")) || str_eq(host, STR("0.0.0.0"));
    return any || str_eq(host, STR("127.0.0.1")) ? STR("localhost") : host;
}

static bool is_loopback(struct str host)
{
    return str_starts_with(host, STR("127.")) || str_eq(host, STR("[::1]"));
}

// The page's own origins may publish with the cookie. Tokens are for the hub as `token --dev` knows it: every
// loopback address is localhost.
static void plan_origins(struct plan *plan, const struct conf *conf)
{
    struct str address = conf->addr.count ? conf->addr.items[0] : STR("");
    struct str port = port_of(address);
    struct str host = port.len ? host_of(address) : STR("localhost");
    struct str name = is_loopback(host) ? STR("localhost") : host;
    if (port.len == 0)
        port = STR("*");
    else
        buf_printf(&plan->resource, "http://%.*s:%.*s" HUB_PATH, STR_ARG(name), STR_ARG(port));
    buf_printf(&plan->origins, "http://localhost:%.*s http://127.0.0.1:%.*s", STR_ARG(port), STR_ARG(port));
    if (!str_eq(host, STR("localhost")))
        buf_printf(&plan->origins, " http://%.*s:%.*s", STR_ARG(host), STR_ARG(port));
    if (plan->resource.len)
        add(plan, "resource_identifier", &plan->resource);
    add(plan, "publish_origins", &plan->origins);
}

static int plan_data(struct plan *plan, const struct conf *conf)
{
    if (!settings_is_default(conf, "transport_url"))
        return HUB_OK;
    int err = temporary_make(&plan->data);
    if (err) {
        (void)fprintf(stderr, "cinnabar dev: no temporary directory: %s\n", err_text(err));
        return err;
    }
    buf_printf(&plan->transport, "bolt://%s/updates.db", plan->data.path);
    add(plan, "transport_url", &plan->transport);
    return HUB_OK;
}

static bool has_key(const struct conf_verifier *verifier)
{
    return verifier->jwt_key.ptr || verifier->jwks_uri.ptr;
}

// Who asks for the 0.x protocol and names no key for it gets the one that everybody knows.
static void plan_legacy(struct plan *plan, const struct conf *conf)
{
    const struct conf_legacy *legacy = &conf->legacy;
    if (legacy->version && !has_key(&legacy->publisher) && !has_key(&legacy->subscriber))
        plan->items[plan->count++] = (struct conf_override){"jwt_key", DEV_KEY};
}

// Loads twice: the first time tells what address, transport and protocol others have asked for.
static struct conf *load(struct plan *plan, int argc, char **argv, int *ret_status)
{
    struct conf *first = settings_preview(&command, argc, argv, plan->items, plan->count, ret_status);
    if (!first)
        return NULL;
    plan_origins(plan, first);
    plan_legacy(plan, first);
    int err = plan_data(plan, first);
    conf_free(first);
    return err ? NULL : settings_load(&command, argc, argv, plan->items, plan->count, ret_status);
}

// The hub's URL for the address that it listens on.
static void append_url(struct buf *to, struct str address)
{
    if (str_starts_with(address, STR("unix:")))
        buf_printf(to, "%.*s:" HUB_PATH, STR_ARG(address));
    else
        buf_printf(to, "http://%.*s:%.*s" HUB_PATH, STR_ARG(host_of(address)), STR_ARG(port_of(address)));
}

static void print_publish(const struct plan *plan, struct str url)
{
    struct str audience = plan->conf->resource_identifier;
    (void)printf("  Publish  %s publish --topic https://example.com/hello --data 'Hello!'",
                 program_invocation_name);
    if (!str_eq(url, STR(DEV_HUB)))
        (void)printf(" --url %.*s", STR_ARG(url));
    if (audience.len && !str_eq(url, audience))
        (void)printf(" --aud %.*s", STR_ARG(audience));
    (void)putchar('\n');
}

static void print_welcome(void *arg, const char *const *addresses, size_t count)
{
    const struct plan *plan = arg;
    struct buf url;
    buf_init(&url, TEXT_MAX);
    if (count)
        append_url(&url, str_from_c(addresses[0]));
    (void)putchar('\n');
    if (str_starts_with(buf_str(&url), STR("http:"))) // a browser has no way to a unix socket
        (void)printf("  Open     %.*s/debug/\n", STR_ARG(buf_str(&url)));
    if (url.len)
        print_publish(plan, buf_str(&url));
    buf_done(&url);
    if (plan->data.path[0])
        (void)puts("  History  lives in a temporary directory until the hub stops");
    (void)puts(
        "  Stop     Ctrl-C\n\n  For development only: everybody who reaches this hub may do everything.\n");
    (void)fflush(stdout);
}

int dev_command(int argc, char **argv)
{
    int status = CLI_FAILED;
    struct plan plan;
    init(&plan);
    struct conf *conf = load(&plan, argc, argv, &status);
    if (conf) {
        plan.conf = conf;
        const struct server_events events = {.started = print_welcome, .arg = &plan};
        status = run_serve(conf, &events);
        conf_free(conf);
    }
    done(&plan);
    return status;
}
