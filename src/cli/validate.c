#include "base/buf.h"
#include "base/err.h"
#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/settings.h"
#include "hub/server.h"

#include <stdio.h>

static int check_server(const struct conf *conf)
{
    struct buf reason;
    buf_init(&reason, 4096);
    int err = server_check(conf, &reason);
    if (err)
        (void)fprintf(stderr, "transport_url: error: %s\n", reason.len ? buf_c(&reason) : err_text(err));
    buf_done(&reason);
    return err ? CLI_WRONG_USE : CLI_DONE;
}

int validate_command(int argc, char **argv)
{
    int status = CLI_FAILED;
    struct conf *conf = settings_load("validate", argc, argv, NULL, 0, &status);
    if (!conf)
        return status;
    status = check_server(conf);
    if (status == CLI_DONE)
        (void)printf("The configuration is valid%s%.*s.\n", conf->file.len ? ": " : "", STR_ARG(conf->file));
    conf_unref(conf);
    return status;
}
