#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/settings.h"

#include <stdio.h>

int validate_command(int argc, char **argv)
{
    int status = CLI_FAILED;
    struct conf *conf = settings_load("validate", argc, argv, NULL, 0, &status);
    if (!conf)
        return status;
    status = settings_check(conf);
    if (status == CLI_DONE)
        (void)printf("The configuration is valid%s%.*s.\n", conf->file.len ? ": " : "", STR_ARG(conf->file));
    conf_free(conf);
    return status;
}
