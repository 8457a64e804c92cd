// A connection as the server and its exchanges know it, whatever version of HTTP it speaks. Everything that
// has come up during a turn is done in its flush at the end: the connection is only marked before.
#pragma once

#include "base/str.h"
#include "http/exchange.h"
#include "net/stream.h"

#include <stdbool.h>

struct http_conn;
struct http_holder;

struct http_conn_ops {
    // The handler has asked for the exchange's body: exchange->body_fn is set.
    void (*read_body)(struct exchange *exchange);
    // The exchange's body, which is being read, is to be let go of: answers it with 503.
    void (*refuse_body)(struct exchange *exchange);
    // exchange_respond, exchange_abort, exchange_stream. Not called when the connection has been cut.
    void (*respond)(struct exchange *exchange, unsigned status, struct str type, struct str body);
    void (*abort)(struct exchange *exchange);
    struct http_stream *(*stream)(struct exchange *exchange, unsigned status, struct str type,
                                  const struct http_source_ops *ops, void *source);
    // The end of a turn of a marked connection: does what is due and sends.
    void (*flush)(struct http_conn *conn);
    // It has been cut, and this is the end of the turn: tells those who use it and closes it.
    void (*close)(struct http_conn *conn);
};

struct http_conn {
    const struct http_conn_ops *ops;
    bool marked; // or to be flushed later
    bool cut;
    bool closed; // stream_close was called
    uint8_t cut_reason;
    struct stream stream; // its owner is the server
};

// What exchange_stream gives out. Embedded in the connection, or wherever its version keeps its streams.
struct http_stream {
    struct http_conn *conn;
    const struct http_source_ops *ops; // NULL when there is no stream, or no more
    void *source;
    bool ending;
    bool blocked; // the socket takes no more: there is no use in a wake
};

struct http_server *http_conn_server(const struct http_conn *conn);
// Asks for a flush at the end of this turn; or later, once the others have had theirs.
void http_conn_mark(struct http_conn *conn);
void http_conn_mark_later(struct http_conn *conn);
// The connection is closed at the end of this turn; the first reason stands.
void http_conn_cut(struct http_conn *conn, enum http_close_reason reason);
// It holds so many bytes that wait for its socket from now on. When there are too many in the process, those
// that have stalled for longest are cut, perhaps this one too.
void http_conn_hold_unsent(struct http_holder *holder, size_t bytes);
// The source's last call, if there is a source.
void http_stream_close(struct http_stream *stream, enum http_close_reason reason);
