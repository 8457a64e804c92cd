// One HTTP request and its response, as handlers see it: nothing here tells HTTP/1.1 from other versions.
//
// A handler is called once, when the head of a request is complete and its checks have passed. From then on
// the exchange is open until it has been answered. The handler answers at once, or reads the body first, or
// keeps the exchange's id and answers later from the same thread. All functions belong to the worker thread
// that owns the connection. Nothing calls back from inside a call.
//
// A stream is *pulled*: the connection asks its source for what is due when it can send, at the end of a
// turn, and hands everything to the kernel in one system call.
#pragma once

#include "base/arena.h"
#include "base/attr.h"
#include "base/ref.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct exchange;
struct http_server;
struct http_stream;

enum http_method {
    HTTP_METHOD_GET,
    HTTP_METHOD_HEAD,
    HTTP_METHOD_POST,
    HTTP_METHOD_PUT,
    HTTP_METHOD_DELETE,
    HTTP_METHOD_OPTIONS,
    HTTP_METHOD_PATCH,
    HTTP_METHOD_QUERY,
};

// ---- The request. Slices live until the exchange is answered. ----

// Unique in the process for ever; never reused.
uint64_t exchange_id(const struct exchange *exchange);
// The open exchange with that id on this server, or NULL when it was answered or its connection has gone.
struct exchange *exchange_find(struct http_server *server, uint64_t id);

enum http_method exchange_method(const struct exchange *exchange);
// The path as it stands in the request target, still percent-encoded; begins with "/" ("*" for OPTIONS *).
struct str exchange_path(const struct exchange *exchange);
// What stands behind the "?", still encoded; ptr is NULL when there is no "?".
struct str exchange_query(const struct exchange *exchange);
// "http" or "https".
struct str exchange_scheme(const struct exchange *exchange);
// The host and port that the request is for (from Host or an absolute target), as received.
struct str exchange_authority(const struct exchange *exchange);
// Appends the origin that the request is for: scheme and authority.
void exchange_append_origin(const struct exchange *exchange, struct buf *buf);
// The address of the peer as text, for logs.
struct str exchange_peer(struct exchange *exchange);
// The value of the first header field with that name (any case), without white space around it; ptr is NULL
// when there is none.
struct str exchange_header(const struct exchange *exchange, struct str name);
// How many field lines have that name.
size_t exchange_header_count(const struct exchange *exchange, struct str name);
// The n-th header field line in the order of the request; false when there are fewer.
bool exchange_header_at(const struct exchange *exchange, size_t n, struct str *ret_name,
                        struct str *ret_value);
// Random text of 16 characters that names the request in logs and in the response field X-Request-Id.
struct str exchange_request_id(const struct exchange *exchange);
// Memory that lives as long as the exchange.
struct arena *exchange_arena(struct exchange *exchange);
// The server has more connections than are for subscribers (http_server_config.crowded_at).
bool exchange_is_crowded(const struct exchange *exchange);

// Called once with HUB_OK and the whole body; HUB_E_TOO_BIG when it is larger than `max` (answer with 413;
// the connection is closed afterwards, the rest is not read); never when the connection goes away or the
// server itself has refused the body (400, 408, 503). The body lives until the exchange is answered.
typedef void exchange_body_fn(struct exchange *exchange, int err, struct str body);
// Reads the body, first sending "100 Continue" when the client waits for it. Never calls back from inside
// the call. `max` 0 means no limit. Without this call a body is skipped (or the connection closed).
void exchange_read_body(struct exchange *exchange, size_t max, exchange_body_fn *fn);

// A cookie that handlers may keep with the exchange between calls.
void exchange_set_data(struct exchange *exchange, void *data);
void *exchange_data(const struct exchange *exchange);

// Called once if the connection goes away before the exchange is answered. The exchange is still valid
// during the call; the response functions do nothing any more.
typedef void exchange_gone_fn(struct exchange *exchange);
void exchange_on_gone(struct exchange *exchange, exchange_gone_fn *fn);

// ---- The response. Each exchange gets exactly one of respond, stream and abort. ----

// Adds a response header field; both parts are copied. To be called before the answer. Date, X-Request-Id,
// Content-Type, Content-Length, Transfer-Encoding and Connection are the server's own.
void exchange_add_header(struct exchange *exchange, struct str name, struct str value);
// Adds a list of response header fields that are constant and stay where they are: nothing is copied. One
// list for each exchange.
struct http_field;
void exchange_add_constant_headers(struct exchange *exchange, const struct http_field *fields, size_t count);
// Answers with a whole body (copied), and ends the exchange. `type` may be empty when the body is. A HEAD
// request gets the same head without the body.
void exchange_respond(struct exchange *exchange, unsigned status, struct str type, struct str body);
// Closes the connection without any answer: what an EventSource comes back from.
void exchange_abort(struct exchange *exchange);

// A run of bytes to send. It is valid until the end of the turn; who wants it longer takes a reference on
// `owner`, and keeps all of its `memory`. NULL: the bytes are constant.
struct http_slice {
    struct str bytes;
    struct ref *owner;
    size_t memory;
};

enum http_close_reason {
    HTTP_CLOSE_ENDED,    // http_stream_end, everything was sent
    HTTP_CLOSE_PEER,     // closed or reset by the peer, or the peer has vanished
    HTTP_CLOSE_STALLED,  // took no byte for dispatch_timeout while bytes waited
    HTTP_CLOSE_OVERLOAD, // too many bytes wait for slow readers in the process, or memory is out
    HTTP_CLOSE_SHUTDOWN, // the server closes
};

// Where a stream's bytes come from. All are called at the end of a turn or when the socket takes bytes
// again, never from inside a call of the functions below.
struct http_source_ops {
    // Writes up to `max` slices that are due, of about `budget` bytes together (the first may be larger), and
    // returns how many; none is empty. 0: nothing is due; http_stream_wake says when that changes. When fewer
    // than `max` and less than `budget` are given, more follow only after a wake (which may come from inside
    // this call or `taken`).
    size_t (*next)(void *source, struct http_slice *slices, size_t max, size_t budget);
    // The first `count` slices of the latest `next` are on their way (the connection has taken a reference
    // on the last of them if it went in part). `full`: the socket takes no more; `next` is called again
    // when it does, without a wake. After a `next` that gave none it is called only if the socket is full.
    void (*taken)(void *source, size_t count, bool full);
    // The peer has sent its FIN: either it has gone, or it has closed only its half and still reads. The
    // source should have a few bytes to send now: a peer that has gone answers them with a reset, so that
    // `closed` follows within a round trip. Called at most once.
    void (*peer_finished)(void *source);
    // The connection has gone, or all is sent after http_stream_end; the last call. The source frees itself.
    void (*closed)(void *source, enum http_close_reason reason);
};

// Answers with the head and a body that `source` gives piece by piece, and ends the exchange: `exchange` is
// not valid afterwards. `source` is called first at the end of this turn, without a wake. A HEAD request gets
// the same head alone: only `closed` is called then. Never NULL; if memory is out or the connection has gone
// meanwhile, `closed` is called at the end of the turn.
struct http_stream *exchange_stream(struct exchange *exchange, unsigned status, struct str type,
                                    const struct http_source_ops *ops, void *source);
// Something is due: `next` will be called at the end of this turn, unless the socket is full. Cheap to call
// again.
void http_stream_wake(struct http_stream *stream);
// The same for a stream that has much to send, or to look through: it does not hold up those that were woken
// for something new.
void http_stream_wake_later(struct http_stream *stream);
// Ends the stream in good order after what `next` still gives.
void http_stream_end(struct http_stream *stream);
// Cuts the connection at the end of the turn; `closed` follows with `reason`.
void http_stream_cut(struct http_stream *stream, enum http_close_reason reason);
