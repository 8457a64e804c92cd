// The URL that names a transport, taken apart as 0.x did: this is not the URL Standard. The path is decoded;
// the rest is as it was written.
//
//     bolt://user@host:1/a%20b.db?size=10#x  →  scheme "bolt", host "host:1", path "/a b.db", query "size=10"
#pragma once

#include "base/attr.h"
#include "base/str.h"

struct arena;
struct buf;

struct dsn {
    struct str scheme;
    struct str host;  // with the port, without what stands before '@'
    struct str path;  // "" or from its '/' on; has a terminating zero that does not count
    struct str query; // without '?'
};

// Slices of `url`, but for the path, which is in `arena`. HUB_E_INVALID with a sentence, -ENOMEM.
MUST_CHECK int dsn_parse(struct dsn *ret_dsn, struct str url, struct arena *arena, struct buf *reterr);
// Decodes %XX, into `arena` with a terminating zero. HUB_E_INVALID without a sentence, -ENOMEM.
MUST_CHECK int dsn_decode(struct str text, struct arena *arena, struct str *ret_text);
