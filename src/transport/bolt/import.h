// Fills a new store with the history of a Go hub. On the writer's thread; blocks for as long as it takes,
// with memory that does not depend on how much there is.
#pragma once

#include "base/attr.h"
#include "base/str.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct buf;
struct env;
struct go_file;

// What is wanted of an import.
struct import_order {
    struct str bucket; // of the Go hub's file
    uint32_t hub;
    uint64_t size;                // the newest so many records are looked at; 0: all
    const atomic_bool *cancelled; // set by another thread: the import fails with HUB_E_CLOSED
    // What the operator should know while it goes on. May be called on this thread alone.
    void (*note)(void *arg, bool is_warning, const char *text);
    void *arg;
};

// Reads all of it twice: first to know that it is whole, then to store it. `path` names the file in what is
// said. On an error, with a sentence, `env` holds a part and is to be thrown away.
MUST_CHECK int import_run(const struct import_order *order, const struct go_file *file, const char *path,
                          struct env *env, struct buf *reterr);
