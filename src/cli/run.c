#include "cli/run.h"

#include "base/log.h"
#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/settings.h"
#include "hub/server.h"

#include <unistd.h>

void run_configure_log(const struct conf *conf)
{
    bool json = conf->log_format == CONF_LOG_FORMAT_JSON ||
                (conf->log_format == CONF_LOG_FORMAT_AUTO && isatty(STDERR_FILENO) != 1);
    log_configure((enum log_level)conf->log_level, json);
}

int run_command(int argc, char **argv)
{
    int status = CLI_FAILED;
    struct conf *conf = settings_load("run", argc, argv, NULL, 0, &status);
    if (!conf)
        return status;
    run_configure_log(conf);
    status = settings_check(conf);
    if (status == CLI_DONE)
        status = server_run(conf, NULL);
    conf_unref(conf);
    return status;
}
