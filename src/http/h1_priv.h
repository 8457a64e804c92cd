// The inside of an HTTP/1 connection. It reads requests, or it streams:
//
//   requests   There is a struct h1_requests while anything is being read, handled or answered. An idle
//              keep-alive connection has none.
//   streaming  What the source gives is sent, what the client sends is dropped. An idle subscriber is this
//              one struct and nothing else.
//   lingering  All is sent, and our half is closed. What the client still sends is dropped for a while:
//              closing a socket with unread bytes resets it, and a reset overtakes what was sent last.
#pragma once

#include "base/buf.h"
#include "http/chunked.h"
#include "http/conn_priv.h"
#include "http/exchange_priv.h"
#include "http/head.h"
#include "http/server_priv.h"

enum h1_timer {
    H1_TIMER_NONE,
    H1_TIMER_IDLE,   // for a request to begin
    H1_TIMER_HEAD,   // for the rest of its head
    H1_TIMER_BODY,   // for the rest of its body
    H1_TIMER_SEND,   // for the socket to take a byte
    H1_TIMER_LINGER, // for the client to close
};

enum h1_reading {
    H1_READING_HEAD,
    H1_READING_HELD, // a body that nobody has asked for yet
    H1_READING_BODY, // for the exchange `current`
    H1_READING_SKIP, // a body that nobody wants, so that the connection can be kept
    H1_READING_NONE, // no further requests: what comes is dropped
};

struct h1_requests {
    struct list exchanges; // in the order of their requests; those in front have not been sent
    unsigned count;
    uint8_t reading;
    bool busy;    // bytes are being taken: what handlers ask for is done right after
    bool paused;  // there are bytes, but too many answers are outstanding
    bool closing; // the next exchange ends the connection without an answer
    bool deliver; // some exchange has a body for its handler
    struct exchange *current;
    struct http_head_scan scan;
    struct http_chunked chunked;
    uint64_t left; // of a body with a length
    uint64_t began_ms;
    struct buf held; // read but not used up
    struct buf out;  // responses to send; empty when all is sent
    size_t out_sent;
    struct http_holder waiting; // what of `held` and `out` waits for the client
};

// A slice that the kernel has taken in part.
struct h1_partial {
    struct http_slice slice;
    size_t sent; // of the slice in its chunk
    struct http_holder unsent;
    char copy[]; // of the slice, if it has no owner any more
};

struct h1 {
    struct http_stream stream; // in the order of use at a delivery
    struct h1_requests *requests;
    struct h1_partial *partial;
    bool streaming : 1;
    bool chunked : 1;  // else the end of the connection ends the body
    bool bodiless : 1; // a stream in answer to HEAD
    bool ended : 1;    // nothing follows what is being sent
    bool finished : 1; // the peer has ended its half
    bool lingering : 1;
    bool fresh : 1; // no request was read yet
    uint8_t timer_kind;
    uint8_t tail_left; // bytes of the last chunk that are not sent yet
    struct http_conn conn;
    struct timer timer;
};

static inline struct h1 *h1_of(struct http_conn *conn)
{
    return CONTAINER_OF(conn, struct h1, conn);
}

static inline struct exchange *h1_exchange_of(struct list *node)
{
    return CONTAINER_OF(node, struct exchange, node);
}

static inline struct http_server *h1_server(const struct h1 *h1)
{
    return http_conn_server(&h1->conn);
}

// ---- h1_requests.c: from bytes to handlers ----

// Reads requests out of what has been received; what is not used up is kept. Cuts the connection when memory
// is out.
void h1_take(struct h1 *h1, struct str bytes);
// Goes on with what is kept, and gives handlers their bodies.
void h1_resume(struct h1 *h1);
// Whether more bytes are wanted now, when nothing streams.
bool h1_wants_bytes(const struct h1 *h1);
// Answers what is being read with an error of the server's own, and takes no further requests.
void h1_refuse(struct h1 *h1, unsigned status, const char *reason);
// The peer has ended its half while requests are read.
void h1_take_end(struct h1 *h1);
// The exchange is answered, perhaps before its body has come: decides whether that can be skipped.
void h1_drop_body(struct h1 *h1, const struct exchange *exchange);
// Tells the handlers of all open exchanges that the connection has gone.
void h1_leave_all(struct h1 *h1);
void h1_requests_free(struct h1 *h1);

// ---- h1_response.c: from answers to bytes ----

void h1_read_body(struct exchange *exchange);
void h1_refuse_body(struct exchange *exchange);
void h1_respond(struct exchange *exchange, unsigned status, struct str type, struct str body);
void h1_abort(struct exchange *exchange);
struct http_stream *h1_stream(struct exchange *exchange, unsigned status, struct str type,
                              const struct http_source_ops *ops, void *source);
// An answer of the server's own, in plain text.
void h1_respond_error(struct exchange *exchange, struct http_refusal refusal);
// Moves the responses that are due to `out`.
void h1_advance(struct h1 *h1);

// ---- h1_send.c: from bytes to the socket ----

// Sends what is due, with one system call. Cuts the connection when that fails.
void h1_send(struct h1 *h1);
void h1_partial_free(struct h1 *h1);

// ---- h1.c: the connection ----

void h1_stop_timer(struct h1 *h1);
