// Documents of other servers, fetched by http and https without holding up the loop (libcurl's multi
// interface on the loop). Every fetch is bounded: in time, in bytes, in redirects, which
// never lead from https to http. Certificates are checked against the system's authorities, or those of the
// files that SSL_CERT_FILE and SSL_CERT_DIR name. The variables http_proxy, https_proxy and no_proxy count.
//
// For loops that may wait for a few milliseconds (a TLS handshake): main's, never a worker's. All functions
// belong to that loop's thread.
#pragma once

#include "base/attr.h"
#include "base/str.h"

#include <stddef.h>
#include <stdint.h>

struct fetch;
struct fetcher;
struct loop;

#define FETCH_REDIRECTS_MAX 3

struct fetch_config {
    const char *url;
    const char *accept;  // the media types that are wanted
    uint64_t timeout_ms; // for all of it
    size_t max_bytes;    // of the body
};

struct fetch_result {
    const char *reason; // NULL: the status is 200 and the body is whole; else why not, in words
    struct str body;
};

// Called once, with what lives during the call. It may begin other fetches.
typedef void fetch_done_fn(void *arg, const struct fetch_result *result);

// Before other threads are started. -ENOMEM.
MUST_CHECK int fetcher_new(struct fetcher **ret_fetcher, struct loop *loop);
// Cancels what is under way. Accepts NULL. Before loop_done.
void fetcher_free(struct fetcher *fetcher);
// `done` is never called from inside the call. -ENOMEM: nothing has begun.
MUST_CHECK int fetch_begin(struct fetch **ret_fetch, struct fetcher *fetcher,
                           const struct fetch_config *config, fetch_done_fn *done, void *arg);
// `done` will not be called. Not from inside `done`, and not after it.
void fetch_cancel(struct fetch *fetch);
