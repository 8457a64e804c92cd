// The inside of an exchange, for the connections that make it.
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/list.h"
#include "base/table.h"
#include "http/budget.h"
#include "http/conn_priv.h"
#include "http/exchange.h"
#include "http/request.h"

#define HTTP_REQUEST_ID_LEN 16

struct added_field {
    struct http_field field;
    struct added_field *next;
};

struct exchange {
    uint64_t id;
    struct http_conn *conn;
    struct list node; // the connection's
    struct table_node open_node;
    struct arena arena;
    struct http_request request;
    char request_id[HTTP_REQUEST_ID_LEN];
    struct str peer;   // made when first asked for
    struct str scheme; // as a proxy has it; NULL ptr: that of the connection
    const struct http_field *constants;
    size_t constant_count;
    struct added_field *added;
    struct added_field **added_end;
    void *data;
    exchange_gone_fn *gone_fn;
    exchange_body_fn *body_fn;
    size_t body_max;
    struct buf body;
    struct http_holder body_holder; // of a body that does not come all at once
    struct buf response;            // of HTTP/1: what will be sent
    struct http_stream refused;     // what exchange_stream gives when there can be no stream
    int body_err;
    int err;            // -ENOMEM: something of the response is missing
    bool open;          // with the handler, not answered yet
    bool body_complete; // or refused: body_err
    bool continue_due;
    bool gone_due; // answered by the server over the handler's head
    bool streams;
    bool aborts;
};

// -ENOMEM. It is not open yet.
MUST_CHECK int exchange_new(struct exchange **ret_exchange, struct http_conn *conn);
// Accepts NULL.
void exchange_free(struct exchange *exchange);
// Its head is in order: takes over what a proxy that is to be believed says of where it comes from.
void exchange_read_forwarded(struct exchange *exchange);
// From now on exchange_find finds it. -ENOMEM.
MUST_CHECK int exchange_open(struct exchange *exchange);
// It has been answered. Harmless when it is not open.
void exchange_close(struct exchange *exchange);
// Its body has grown and is not complete: counts it. When too many bytes of bodies are held in the process,
// those that have been read for longest are refused, perhaps this one too.
void exchange_hold_body(struct exchange *exchange);
// It is complete: if it has been counted, it stays so until the exchange ends, and is refused no more.
void exchange_keep_body(struct exchange *exchange);
// Tells the handler that nobody waits for its answer any more, if it does not know.
void exchange_tell_gone(struct exchange *exchange);
