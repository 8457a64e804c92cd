// The HTTP server of one thread: it accepts connections, reads requests, and sends what handlers and streams
// give, at the end of each turn, with at most one system call per connection and turn.
#pragma once

#include "base/attr.h"
#include "base/metrics.h"
#include "base/str.h"
#include "http/forwarded.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct exchange;
struct http_server;
struct listener;
struct loop;

// What the servers of a process share: counters that bound the whole process.
struct http_shared {
    atomic_uint servers; // how many there have been: no two give out the same exchange ids
    atomic_size_t connections;
    atomic_size_t unsent_bytes; // of frames sent in part and of responses that wait for a slow reader, and of
                                // heads that are not whole
    atomic_size_t body_bytes;   // memory of request bodies that came in more than one piece, until the answer
};

struct http_server_config {
    // From the first byte of a request (or the accept) to the end of its head.
    uint64_t read_header_timeout_ms;
    uint64_t read_timeout_ms;     // from the first byte of a request to the end of its body; also the
                                  // longest that an idle keep-alive connection is kept
    uint64_t dispatch_timeout_ms; // longest that a socket may take no byte while bytes wait; 0: off
    size_t max_header_size;       // request line and header fields
    unsigned max_pipelined;       // requests read ahead of their answers
    size_t max_connections;       // hard limit of the process, all servers together
    size_t crowded_at;            // above it exchange_is_crowded
    size_t max_unsent_bytes;      // bound for http_shared.unsent_bytes: the longest stalled are cut
    size_t max_body_bytes;        // bound for http_shared.body_bytes: those read for longest get 503
    unsigned socket_unsent_max;   // TCP_NOTSENT_LOWAT, bytes
    unsigned peer_timeout_ms;     // TCP_USER_TIMEOUT
    struct http_trust trust;      // the networks live longer than the server
    struct http_shared *shared;
    // Called for each request whose head is complete and in order.
    void (*handle)(struct exchange *exchange, void *arg);
    // Called for each request that the server itself has refused with a status of 400 or above: for the log.
    void (*refused)(void *arg, unsigned status, const char *reason, struct str peer, struct str request_id);
    // Called for each connection that was closed at once: max_connections is reached, or no descriptor is
    // left. May be NULL.
    void (*turned_away)(void *arg, const char *reason);
    // A connection from a listener that is handed round: `fd` goes to http_server_adopt of any server, or is
    // closed. NULL: this server keeps them all.
    void (*handed)(void *arg, int fd);
    void *arg;
};

struct http_metrics {
    struct counter accepted;
    struct counter closed;
    struct counter refused_connections; // over max_connections or out of descriptors
    struct counter requests;
    struct counter sent_bytes;
    struct counter sends;   // system calls that sent
    struct counter stalled; // streams cut by dispatch_timeout
};

// The config is copied. Registers the flush as a turn-end hook of the loop.
MUST_CHECK int http_server_new(struct http_server **ret_server, struct loop *loop,
                               const struct http_server_config *config);
// After http_server_close has finished and the loop has stopped.
void http_server_free(struct http_server *server);
// Accepts from a listening socket from now on; the listener stays the caller's until http_server_close.
MUST_CHECK int http_server_listen(struct http_server *server, const struct listener *listener);
// Takes over an accepted socket (handed round by the one accepting worker of a unix-domain listener).
void http_server_adopt(struct http_server *server, int fd);
// Stops accepting, for good: the kernel refuses further connections to the listeners, although they stay
// open, unless they are shared with others. Connections go on; those that are kept alive are closed after
// their current answer.
void http_server_stop_accepting(struct http_server *server);
// Closes every connection; streams get closed(HTTP_CLOSE_SHUTDOWN). `closed` is called when all handles are.
void http_server_close(struct http_server *server, void (*closed)(void *arg), void *arg);
size_t http_server_connections(const struct http_server *server);
const struct http_metrics *http_server_metrics(const struct http_server *server);
