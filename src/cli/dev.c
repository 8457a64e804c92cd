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
#define PAGE_PATH HUB_PATH "/debug/"

static const struct conf_override fixed[] = {
    {"addr", ":3000"},
    {"playground", "true"},
    {"anonymous", "true"},
    {"cookie_name", "mercure_access_token"},
    {"issuers", "[{issuer: '" DEV_ISSUER "', publisher: {jwt_key: '" DEV_KEY
                "'}, subscriber: {jwt_key: '" DEV_KEY "'}}]"},
};

static const struct conf_override help_defaults[] = {
    {"addr", ":3000"},
    {"playground", "true"},
    {"anonymous", "true"},
    {"cookie_name", "mercure_access_token"},
    {"issuers", DEV_ISSUER " with the key " DEV_KEY},
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

// The port of the first address; empty when it is a unix socket or will be chosen by the system.
static struct str port_of(const struct conf *conf)
{
    struct str addr = conf->addr.count ? conf->addr.items[0] : STR("");
    size_t colon = addr.len;
    while (colon > 0 && addr.ptr[colon - 1] != ':')
        colon--;
    uint64_t port;
    struct str text = str_slice(addr, colon, addr.len);
    return str_to_u64(text, &port) == HUB_OK && port ? text : STR("");
}

// The page's own origins may publish with the cookie, and tokens are for the hub as `token --dev` knows it.
static void plan_origins(struct plan *plan, const struct conf *conf)
{
    struct str port = port_of(conf);
    if (port.len == 0)
        port = STR("*");
    else
        buf_printf(&plan->resource, "http://localhost:%.*s" HUB_PATH, STR_ARG(port));
    buf_printf(&plan->origins, "http://localhost:%.*s http://127.0.0.1:%.*s", STR_ARG(port), STR_ARG(port));
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

// Loads twice: the first time tells what address and transport others have asked for.
static struct conf *load(struct plan *plan, int argc, char **argv, int *ret_status)
{
    struct conf *first = settings_load(&command, argc, argv, plan->items, plan->count, ret_status);
    if (!first)
        return NULL;
    plan_origins(plan, first);
    int err = plan_data(plan, first);
    conf_free(first);
    return err ? NULL : settings_load(&command, argc, argv, plan->items, plan->count, ret_status);
}

// "http://localhost:3000" for an address that listens on all; unix sockets have no page.
static void append_base(struct buf *to, const char *address)
{
    struct str text = str_from_c(address);
    size_t colon = text.len;
    while (colon > 0 && text.ptr[colon - 1] != ':')
        colon--;
    struct str host = str_slice(text, 0, colon ? colon - 1 : 0);
    bool any = str_eq(host, STR("[::]")) || str_eq(host, STR("0.0.0.0")) || str_eq(host, STR("127.0.0.1"));
    if (any)
        host = STR("localhost");
    buf_printf(to, "http://%.*s:%s", STR_ARG(host), address + colon);
}

static void print_welcome(void *arg, const char *const *addresses, size_t count)
{
    const struct plan *plan = arg;
    if (count == 0 || strncmp(addresses[0], "unix", 4) == 0)
        return;
    struct buf base;
    buf_init(&base, TEXT_MAX);
    append_base(&base, addresses[0]);
    const char *url = buf_c(&base);
    if (url) {
        (void)printf("\n  Open     %s" PAGE_PATH "\n", url);
        (void)printf("  Publish  %s publish --topic https://example.com/hello --data 'Hello!'",
                     program_invocation_name);
        if (strcmp(url, DEV_ORIGIN) != 0)
            (void)printf(" --url %s" HUB_PATH, url);
        if (plan->data.path[0])
            (void)fputs("\n  History  lives in a temporary directory until the hub stops", stdout);
        (void)puts("\n  Stop     Ctrl-C\n\n  For development only: everybody who reaches this hub may do "
                   "everything.\n");
        (void)fflush(stdout);
    }
    buf_done(&base);
}

int dev_command(int argc, char **argv)
{
    int status = CLI_FAILED;
    struct plan plan;
    init(&plan);
    struct conf *conf = load(&plan, argc, argv, &status);
    if (conf) {
        const struct server_events events = {.started = print_welcome, .arg = &plan};
        status = run_serve(conf, &events);
        conf_free(conf);
    }
    done(&plan);
    return status;
}
