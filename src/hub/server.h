// The server is the process: configuration, threads, listeners, signals. It holds the table of hubs, with one
// entry today.
#pragma once

#include "base/attr.h"
#include "base/str.h"

#include <stddef.h>

struct buf;
struct conf;

struct server_events {
    // Everything is up. `addresses` are the bound addresses of the main listeners, as text.
    void (*started)(void *arg, const char *const *addresses, size_t count);
    void *arg;
};

// Serves until SIGTERM or SIGINT, drains, and returns the exit status: 0 after a stop, 1 when it could not
// start (the reason has been logged). To be called once by main, before other threads exist; the log is the
// caller's to configure. `events` may be NULL.
int server_run(const struct conf *conf, const struct server_events *events);
// Whether there is a transport for the URL that takes it; opens nothing. HUB_E_INVALID or HUB_E_UNSUPPORTED
// with a sentence, -ENOMEM.
MUST_CHECK int server_check_transport(struct str url, struct buf *reterr);
// Appends what an operator should know about a configuration that is good, a line each; changes nothing.
void server_list_warnings(const struct conf *conf, struct buf *buf);
