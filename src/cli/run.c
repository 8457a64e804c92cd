#include "cli/run.h"

#include "base/buf.h"
#include "base/log.h"
#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/settings.h"
#include "hub/server.h"
#include "net/address.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static bool is_taken(const struct address *address)
{
    int yes = 1;
    int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    bool taken = bind(fd, &address->any, address->len) != 0 && errno == EADDRINUSE;
    (void)close(fd);
    return taken;
}

// Whether somebody else has one of its addresses.
static bool is_any_taken(struct str addr)
{
    struct address addresses[8];
    size_t count;
    struct buf reason;
    buf_init(&reason, 1024);
    int err = address_resolve_all(addresses, ARRAY_LEN(addresses), &count, addr, &reason);
    buf_done(&reason);
    bool taken = false;
    for (size_t i = 0; !err && i < count; i++)
        taken = taken || (address_is_tcp(&addresses[i]) && is_taken(&addresses[i]));
    return taken;
}

static void explain(struct str addr, const char *flag)
{
    if (addr.len && is_any_taken(addr))
        (void)fprintf(stderr, "Another process has %.*s: stop it, or choose another address with %s.\n",
                      STR_ARG(addr), flag);
}

struct serving {
    const struct server_events *events;
    bool started;
};

static void note_started(void *arg, const char *const *addresses, size_t count)
{
    struct serving *serving = arg;
    serving->started = true;
    if (serving->events)
        serving->events->started(serving->events->arg, addresses, count);
}

static void set_log(const struct conf *conf)
{
    bool json = conf->log_format == CONF_LOG_FORMAT_JSON || conf->log_format == CONF_LOG_FORMAT_FLUENTD ||
                (conf->log_format == CONF_LOG_FORMAT_AUTO && isatty(STDERR_FILENO) != 1);
    log_configure((enum log_level)conf->log_level, json);
}

int run_serve(struct conf *conf, const struct server_events *events)
{
    struct serving serving = {.events = events};
    const struct server_events own = {.started = note_started, .arg = &serving};
    set_log(conf);
    int status = server_run(conf, &own);
    if (serving.started || status != CLI_FAILED)
        return status;
    for (size_t i = 0; i < conf->addr.count; i++)
        explain(conf->addr.items[i], "--addr");
    explain(conf->ops_addr, "--ops-addr");
    if (conf->metrics_enabled)
        explain(conf->metrics_addr, "--metrics-addr");
    return status;
}

static const struct settings_command command = {
    .name = "run",
    .about =
        "Serves, until SIGTERM or SIGINT; both finish what has been accepted. It needs a key that verifies\n"
        "publishers, and one for subscribers or --anonymous.\n\n"
        "Exit status: 0 it was stopped, 1 it could not start, 2 the configuration is wrong.\n",
    .example = "MERCURE_PUBLISHER_JWT_KEY=... cinnabar run --addr :8080 --anonymous",
};

// A variable of a short name, as DEMO, may be meant for another program.
static void warn_of_playground(const struct conf *conf)
{
    struct buf source;
    if (!conf->playground)
        return;
    buf_init(&source, 4096);
    conf_origin(conf, "playground", &source);
    LOG(LOG_LEVEL_WARN,
        "The playground is on: everybody who reaches this hub gets a token that may publish and read "
        "everything",
        LOG_STR("set_by", buf_str(&source)));
    buf_done(&source);
}

static void tell_of_legacy(const struct conf *conf)
{
    if (conf->legacy.version)
        LOG(LOG_LEVEL_INFO, "The 0.x protocol is accepted beside the modern one",
            LOG_U64("version", conf->legacy.version));
}

int run_command(int argc, char **argv)
{
    int status = CLI_FAILED;
    struct conf *conf = settings_load(&command, argc, argv, NULL, 0, &status);
    if (!conf && status == CLI_WRONG_USE && argc == 0)
        (void)fputs("To try it without a configuration: cinnabar dev\n", stderr);
    if (!conf)
        return status;
    set_log(conf);
    warn_of_playground(conf);
    tell_of_legacy(conf);
    status = run_serve(conf, NULL);
    conf_free(conf);
    return status;
}
