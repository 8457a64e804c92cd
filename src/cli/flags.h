// The command line of one command, from the same kind of table as the configuration: parsing, help and the
// nearest known flag for a mistyped one.
#pragma once

#include "base/option.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

struct arena;

// Exit statuses.
enum cli_status {
    CLI_DONE = 0,
    CLI_FAILED = 1,
    CLI_WRONG_USE = 2,
};

#define FLAGS_OPERANDS_MAX 8U

struct flags_spec {
    const char *command;  // its name
    const char *operands; // as help shows them: "SCENARIO"; "" for none
    const char *about;    // a sentence or two
    const char *example;  // a line to copy; or NULL
    size_t operands_min;
    size_t operands_max; // up to FLAGS_OPERANDS_MAX
    const struct option *options;
};

struct flags_operands {
    size_t count;
    struct str items[FLAGS_OPERANDS_MAX];
};

// Sets defaults, then takes the arguments: "--name value" and "--name=value", "--name" for a bool, "-x" for
// options with a letter, "--" before operands that look like flags. A list takes one element per flag. False
// when the command is not to run: help was printed, or what is wrong to stderr; *ret_status is the exit
// status then.
bool flags_parse(const struct flags_spec *spec, int argc, char **argv, void *target, struct arena *arena,
                 struct flags_operands *ret_operands, int *ret_status);
// A whole command: parses into `settings`, whose texts live in the arena, and runs it with them.
// Returns the exit status.
int flags_run(const struct flags_spec *spec, int argc, char **argv, void *settings,
              int (*run)(void *settings, const struct flags_operands *operands, struct arena *arena));
