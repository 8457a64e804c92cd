// The page for people: files that are built into the binary. Constant, so any thread may use them.
//
// The page wants to live in a folder of its own below the hub's URL (".well-known/mercure/debug/") and finds
// the hub, its settings and its other files by relative addresses.
#pragma once

#include "base/str.h"

// The content security policy that the files are written for.
#define UI_POLICY \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " \
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

struct ui_file {
    struct str name;
    // The value of Content-Type.
    struct str type;
    // The value of ETag, with its quotes; another one for other bytes.
    struct str etag;
    struct str bytes;
};

// The file with exactly that name, as it stands in the page's folder; the empty name is the page itself. NULL
// when there is none.
const struct ui_file *ui_find(struct str name);
