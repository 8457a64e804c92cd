// What a bolt:// URL says.
#pragma once

#include "base/attr.h"
#include "base/option.h"
#include "base/str.h"

#include <stdint.h>

struct arena;
struct buf;

enum sync_mode {
    SYNC_ALWAYS,
    SYNC_OFF,
};

struct settings {
    struct str path;   // absolute, with a terminating zero that does not count; the store is in PATH.lmdb
    struct str bucket; // of a Go hub's file that is imported
    uint64_t size;     // updates kept; 0 keeps all
    unsigned sync;     // of enum sync_mode
};

extern const struct option settings_options[];

// Texts are kept in `arena`. What the operator should know goes to `notes`, a line each, which may be NULL.
// HUB_E_INVALID or a negative errno, with a sentence.
MUST_CHECK int settings_parse(struct settings *ret_settings, struct str url, struct arena *arena,
                              struct buf *notes, struct buf *reterr);
