// What is wrong with a configuration: all errors and warnings of one load, each with its source.
#pragma once

#include "base/arena.h"
#include "base/attr.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

struct buf;

enum conf_source_kind {
    CONF_SOURCE_NONE, // the configuration as a whole
    CONF_SOURCE_DEFAULT,
    CONF_SOURCE_OVERRIDE,
    CONF_SOURCE_FILE,
    CONF_SOURCE_ENVIRONMENT,
    CONF_SOURCE_FLAG,
};

// Where a value or a key was written.
struct conf_origin {
    enum conf_source_kind kind;
    struct str name; // path of the file, name of the variable, or the flag as written
    unsigned line;   // from 1; 0 where there is none
    unsigned column;
};

struct conf_error {
    bool warning; // it does not stop the start
    struct conf_origin origin;
    struct str text; // a whole sentence; never holds a secret
};

// More than this is not told one by one.
#define CONF_ERRORS_MAX 100U

struct conf_errors {
    struct conf_error *items; // in the order in which they were found
    size_t count;
    size_t error_count; // those that stop the start, the untold ones included
    struct arena _arena;
};

void conf_errors_init(struct conf_errors *errors);
// Accepts a zeroed struct.
void conf_errors_done(struct conf_errors *errors);
// Appends a line for each: "mercure.yaml:3:7: error: ...".
void conf_errors_print(const struct conf_errors *errors, struct buf *buf);
// Appends the origin alone: "mercure.yaml:3:7", "MERCURE_ADDR", "--addr"; nothing for the whole.
void conf_origin_print(const struct conf_origin *origin, struct buf *buf);
