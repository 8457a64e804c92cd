#include "cli/cli.h"

#include "base/hash.h"
#include "base/option.h"
#include "base/str.h"
#include "cli/commands.h"
#include "cli/flags.h"

#include <stdio.h>
#include <string.h>

struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
};

static const struct command commands[] = {
    {"token", token_command, "make an access token"},
    {"bench", bench_command, "load a hub and measure it"},
};

static void print_usage(FILE *to)
{
    (void)fputs("Cinnabar, a Mercure hub.\n\nUsage: cinnabar [command] [flags]\n\nCommands:\n", to);
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        (void)fprintf(to, "  %-18s %s\n", commands[i].name, commands[i].summary);
    (void)fputs("\ncinnabar COMMAND --help tells more. Without a command the hub runs.\n", to);
}

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    }
    return NULL;
}

static int refuse_command(const char *name)
{
    struct option names[ARRAY_LEN(commands) + 1] = {0};
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        names[i].name = commands[i].name;
    const char *nearest = option_nearest(names, str_from_c(name));
    (void)fprintf(stderr, "cinnabar: unknown command %s%s%s%s\nTry: cinnabar --help\n", name,
                  nearest ? "; did you mean " : "", nearest ? nearest : "", nearest ? "?" : "");
    return CLI_WRONG_USE;
}

int cli_main(int argc, char **argv)
{
    hash_init();
    if (argc > 1 &&
        (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0)) {
        print_usage(stdout);
        return CLI_DONE;
    }
    const struct command *command = find_command(argc > 1 ? argv[1] : "");
    if (!command)
        return refuse_command(argc > 1 ? argv[1] : "");
    return command->run(argc - 2, argv + 2);
}
