// Where a hub is: an http:// URL or a unix-domain socket, resolved.
#pragma once

#include "base/attr.h"
#include "base/str.h"
#include "net/address.h"

struct arena;
struct buf;

struct client_url {
    struct address address;
    struct str host; // for the Host field: host and port as in the URL
    struct str path; // with the query; at least "/"
};

// Reads `http://host[:port][/path]` or `unix:/socket[:/path]` and looks the name up, which may block. Slices
// point into `url` or the arena. HUB_E_INVALID and HUB_E_UNSUPPORTED with a sentence in `reterr`; -ENOMEM.
MUST_CHECK int client_url_resolve(struct client_url *ret_url, struct str url, struct arena *arena,
                                  struct buf *reterr);
