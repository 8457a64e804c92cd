#include "cli/cli.h"

#include "base/hash.h"
#include "base/option.h"
#include "base/str.h"
#include "cli/commands.h"
#include "cli/flags.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
};

static const struct command commands[] = {
    {"run", run_command, "serve; what happens without a command, too"},
    {"dev", dev_command, "serve for development: no configuration needed"},
    {"validate", validate_command, "check a configuration"},
    {"token", token_command, "make an access token; token check explains one"},
    {"publish", publish_command, "publish an update"},
    {"subscribe", subscribe_command, "print updates as they come"},
    {"health", health_command, "ask the hub on this machine whether it is ready"},
    {"bench", bench_command, "load a hub and measure it"},
    {"config-reference", reference_command, "print all configuration keys"},
    {"version", version_command, "print the version"},
};

static void print_usage(FILE *to)
{
    (void)fputs("Cinnabar, a Mercure hub.\n\nUsage: cinnabar [command] [flags]\n\nCommands:\n", to);
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        (void)fprintf(to, "  %-18s %s\n", commands[i].name, commands[i].summary);
    (void)fputs("\nMore: cinnabar COMMAND --help\n", to);
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

static bool is_one_of(const char *text, const char *a, const char *b, const char *c)
{
    return strcmp(text, a) == 0 || strcmp(text, b) == 0 || strcmp(text, c) == 0;
}

static int run_help(const char *name)
{
    char *argv[] = {"--help", NULL};
    if (!name) {
        print_usage(stdout);
        return CLI_DONE;
    }
    const struct command *command = find_command(name);
    return command ? command->run(1, argv) : refuse_command(name);
}

static int dispatch(int argc, char **argv)
{
    const char *first = argc > 1 ? argv[1] : "";
    if (is_one_of(first, "--help", "-h", "help"))
        return run_help(argc > 2 ? argv[2] : NULL);
    if (is_one_of(first, "--version", "-V", "-v"))
        return version_command(0, NULL);
    // Flags alone are for serving, as with the 0.x hub.
    if (first[0] == '\0' || first[0] == '-')
        return run_command(argc > 1 ? argc - 1 : 0, argv + 1);
    const struct command *command = find_command(first);
    return command ? command->run(argc - 2, argv + 2) : refuse_command(first);
}

int cli_main(int argc, char **argv)
{
    hash_init();
    int status = dispatch(argc, argv);
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    // A command that has noticed it itself has said so.
    if (status == CLI_DONE)
        (void)fputs("cinnabar: what there was to print could not be written\n", stderr);
    return status == CLI_DONE ? CLI_FAILED : status;
}
