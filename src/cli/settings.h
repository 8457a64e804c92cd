// Loads the configuration for a command that needs one, and tells people what is wrong with it.
#pragma once

#include "conf/conf.h"

#include <stdbool.h>

// The arguments behind the command's name are flags of the configuration. Prints errors and warnings to
// stderr, or the help that was asked for to stdout. NULL: nothing is to be done, *ret_status is the exit
// status then.
struct conf *settings_load(const char *command, int argc, char **argv, const struct conf_override *overrides,
                           size_t override_count, int *ret_status);
// What the configuration's schema cannot know: whether there is such a transport and it takes its URL. Opens
// nothing; prints what is wrong. The exit status.
int settings_check(const struct conf *conf);
// Whether nobody but the command itself has set the key.
bool settings_is_default(const struct conf *conf, const char *key);
