// An HTTP/1.1 client of one connection on a loop: one request at a time, kept alive between them.
#pragma once

#include "base/attr.h"
#include "base/str.h"

#include <stdbool.h>

struct client;
struct client_url;
struct http_fields;
struct loop;

// What comes of a request, from the loop, never from inside a call.
struct client_events {
    // The response's head; the slices live during the call.
    void (*head)(void *arg, unsigned status, const struct http_fields *fields);
    void (*body)(void *arg, struct str piece);
    // The last call of the request: 0 when the response is complete, else a negative code. The next one may
    // be sent from here.
    void (*ended)(void *arg, int err);
};

// The url is copied but for its slices, which must stay. -ENOMEM.
MUST_CHECK int client_new(struct client **ret_client, struct loop *loop, const struct client_url *url,
                          const struct client_events *events, void *arg);
// Sends the whole request (copied), connecting first when there is no connection. A negative code when
// nothing was begun: no event follows then.
MUST_CHECK int client_send(struct client *client, struct str request);
// Frees it, closing what is open. Accepts NULL. Sockets close in the loop: run it once more before loop_done.
void client_free(struct client *client);
