#include "base/buf.h"
#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/settings.h"
#include "hub/server.h"

#include <stdio.h>

#define TEXT_MAX ((size_t)1 << 20)

static const struct settings_command command = {
    .name = "validate",
    .about = "Checks the configuration that cinnabar run would serve with, and opens nothing.\n"
             "All errors and warnings go to standard error.\n\n"
             "Exit status: 0 it is valid (there may be warnings), 2 it is not.\n",
    .example = "cinnabar validate --config /etc/mercure/cinnabar.yaml",
};

// As the hub logs it when it starts.
static void warn_of_playground(const struct conf *conf)
{
    struct buf source;
    if (!conf->playground)
        return;
    buf_init(&source, 4096);
    conf_origin(conf, "playground", &source);
    (void)fprintf(
        stderr,
        "%.*s: warning: playground: everybody who reaches this hub gets a token that may publish and read "
        "everything\n",
        STR_ARG(buf_str(&source)));
    buf_done(&source);
}

static void print_warnings(const struct conf *conf)
{
    struct buf text;
    buf_init(&text, TEXT_MAX);
    server_list_warnings(conf, &text);
    struct str rest = buf_str(&text);
    struct str line;
    while (rest.len && str_split(&rest, '\n', &line))
        (void)fprintf(stderr, "warning: %.*s\n", STR_ARG(line));
    buf_done(&text);
}

int validate_command(int argc, char **argv)
{
    int status = CLI_FAILED;
    struct conf *conf = settings_load(&command, argc, argv, NULL, 0, &status);
    if (!conf)
        return status;
    warn_of_playground(conf);
    print_warnings(conf);
    (void)printf("The configuration is valid%s%.*s.\n", conf->file.len ? ": " : "", STR_ARG(conf->file));
    conf_free(conf);
    return CLI_DONE;
}
