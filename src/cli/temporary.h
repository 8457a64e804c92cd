// A directory for the life of the process.
#pragma once

#include "base/attr.h"

#define TEMPORARY_PATH_MAX 512

struct temporary {
    char path[TEMPORARY_PATH_MAX]; // "" when there is none
};

// Makes an empty directory that nobody else may read, below $TMPDIR or /tmp. A negative errno.
MUST_CHECK int temporary_make(struct temporary *temporary);
// Removes the files in it and then itself. Harmless when there is none.
void temporary_remove(struct temporary *temporary);
