// Values that commands read from files and standard input.
#pragma once

#include "base/str.h"

#include <stdbool.h>

struct buf;

// Appends the value itself, or, for "@FILE" and "@-", what the file or standard input holds, without one line
// end at its end. False after a message to stderr.
bool input_read_value(const char *command, const char *flag, struct str value, struct buf *to);
// The same for data, of which nothing is cut off: "-" is standard input too, and "@@" stands for a leading
// "@".
bool input_read_data(const char *command, const char *flag, struct str value, struct buf *to);
