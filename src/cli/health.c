#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "cli/ask.h"
#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/settings.h"
#include "client/request.h"
#include "client/url.h"

#include <stdio.h>

#define TIMEOUT_MS 5000U
#define REQUEST_MAX 4096U
#define READY_PATH "/mercure/health/ready"

// A probe needs no keys: what it must not lack to load is filled in.
static const struct conf_override overrides[] = {
    {"issuers", "[{issuer: 'probe', publisher: {jwt_key: 'probe'}}]"},
    {"anonymous", "true"},
};

static const struct settings_command command = {
    .name = "health",
    .about = "Asks the hub on this machine, at its ops_addr, whether it is ready: the probe of a container.\n"
             "Only ops_addr counts; it is found like that of cinnabar run.\n\n"
             "Exit status: 0 it is ready, 1 it is not or does not answer, 2 wrong use.\n",
    .example = "cinnabar health --ops-addr 127.0.0.1:2019",
};

static int fail(struct str addr, const char *reason)
{
    (void)fprintf(stderr, "cinnabar health: %.*s: %s\n", STR_ARG(addr), reason);
    return CLI_FAILED;
}

static int print_answer(struct answer *answer)
{
    struct str body = buf_str(&answer->body);
    FILE *to = answer->status == 200 ? stdout : stderr;
    (void)fprintf(to, "%.*s", STR_ARG(body));
    if (!str_ends_with(body, STR("\n")))
        (void)fputc('\n', to);
    return answer->status == 200 ? CLI_DONE : CLI_FAILED;
}

static int probe(const struct client_url *url, struct str addr)
{
    struct buf request;
    struct answer answer;
    buf_init(&request, REQUEST_MAX);
    answer_init(&answer);
    request_append_get(&request, url, STR(READY_PATH));
    int err = request.err ? request.err : ask_server(url, buf_str(&request), TIMEOUT_MS, &answer);
    int status = err ? fail(addr, err_text(err)) : print_answer(&answer);
    answer_done(&answer);
    buf_done(&request);
    return status;
}

static int probe_configured(const struct conf *conf)
{
    if (conf->ops_addr.len == 0)
        return fail(STR("ops_addr"), "is empty: there is no listener to ask");
    struct client_url url = {.host = STR("localhost"), .path = STR(READY_PATH)};
    struct buf reason;
    buf_init(&reason, 1024);
    // An address without a host listens on all; connecting to it reaches this machine.
    int err = address_resolve(&url.address, conf->ops_addr, &reason);
    int status =
        err ? fail(conf->ops_addr, reason.len ? buf_c(&reason) : err_text(err)) : probe(&url, conf->ops_addr);
    buf_done(&reason);
    return status;
}

int health_command(int argc, char **argv)
{
    int status = CLI_FAILED;
    struct conf *conf = settings_load(&command, argc, argv, overrides, ARRAY_LEN(overrides), &status);
    if (!conf)
        return status;
    status = probe_configured(conf);
    conf_free(conf);
    return status;
}
