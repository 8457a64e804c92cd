// Loads the configuration for a command that needs one, and tells people what is wrong with it.
#pragma once

#include "conf/conf.h"

#include <stdbool.h>

struct settings_command {
    const char *name;
    const char *about;   // what it does, and its exit statuses; ends its lines
    const char *example; // a line to copy
    // What its help says of defaults that are its own.
    const struct conf_override *defaults;
    size_t default_count;
};

// The arguments behind the command's name are flags of the configuration. Prints errors and warnings to
// stderr, or the help that was asked for to stdout. NULL: nothing is to be done, *ret_status is the exit
// status then.
struct conf *settings_load(const struct settings_command *command, int argc, char **argv,
                           const struct conf_override *overrides, size_t override_count, int *ret_status);
// The same to see what others have set, before it is loaded with overrides that depend on it: prints only
// what stops it.
struct conf *settings_preview(const struct settings_command *command, int argc, char **argv,
                              const struct conf_override *overrides, size_t override_count, int *ret_status);
// Whether nobody but the command itself has set the key.
bool settings_is_default(const struct conf *conf, const char *key);
