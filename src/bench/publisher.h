// One keep-alive connection that publishes, one request at a time.
#pragma once

#include "base/attr.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bench_config;

#define PUBLISHER_ANSWER_MAX 4096U

struct publisher {
    int fd;
    bool busy;
    bool reused;    // has been answered on this connection before
    uint32_t topic; // of the update under way
    uint32_t number;
    uint64_t due_ns;
    char *request; // a copy of its own
    size_t request_len;
    size_t sent;
    size_t got;
    char answer[PUBLISHER_ANSWER_MAX];
};

enum publisher_state {
    PUBLISHER_WAITS,    // for the rest of the answer
    PUBLISHER_SENDS,    // the socket takes no more of the request
    PUBLISHER_ANSWERED, // the answer is complete
    PUBLISHER_LOST,     // closed, reset, or it answered what is no answer
};

// Copies the request and connects (waiting for it). A negative errno.
MUST_CHECK int publisher_open(struct publisher *publisher, const struct bench_config *config,
                              struct str request);
// Accepts a zeroed struct whose fd is -1.
void publisher_close(struct publisher *publisher);
// Connects anew. A negative errno.
MUST_CHECK int publisher_reconnect(struct publisher *publisher, const struct bench_config *config);
// Sends `request`, or goes on doing so.
enum publisher_state publisher_send(struct publisher *publisher);
// Reads what has come. Once PUBLISHER_ANSWERED, status and body (a slice of `answer`) are given.
enum publisher_state publisher_receive(struct publisher *publisher, unsigned *ret_status,
                                       struct str *ret_body);
