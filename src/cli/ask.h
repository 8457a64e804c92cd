// One request and its whole answer, for commands that need no more.
#pragma once

#include "base/attr.h"
#include "base/buf.h"

#include <stdint.h>

struct client_url;

struct answer {
    unsigned status;
    struct buf challenge; // WWW-Authenticate
    struct buf body;
};

void answer_init(struct answer *answer);
void answer_done(struct answer *answer);
// Sends the request and waits for the answer. -ETIMEDOUT, or another negative code.
MUST_CHECK int ask_server(const struct client_url *url, struct str request, uint64_t timeout_ms,
                          struct answer *answer);
