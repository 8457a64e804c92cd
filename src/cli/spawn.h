// A hub of this very binary, started for a measurement and stopped after it.
#pragma once

#include "base/attr.h"
#include "base/str.h"
#include "cli/temporary.h"

#include <stdbool.h>
#include <sys/types.h>

struct spawned {
    pid_t pid; // 0: none
    struct temporary data;
    char url[96];
};

// Starts `cinnabar run` with development's keys on a free port of 127.0.0.1 and waits until it accepts
// connections. The transport is "local", "bolt" (with a file that is removed afterwards), or a URL. False
// after a message to stderr.
bool spawn_hub(struct spawned *spawned, struct str transport);
// Stops it, waiting for its end. Accepts a zeroed struct.
void spawn_stop(struct spawned *spawned);
