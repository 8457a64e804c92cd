#include "base/err.h"
#include "http/h1_priv.h"
#include "http/status.h"

#include <stdio.h>

// Most heads fit, so that the buffer of a response is allocated once.
#define HEAD_GUESS 448U

// ---- The head ----

static void write_fields(struct exchange *exchange, unsigned status, struct str type)
{
    struct buf *to = &exchange->response;
    http_write_status(to, status);
    http_write_field(to, STR("Date"), http_server_date(http_conn_server(exchange->conn)));
    http_write_field(to, STR("X-Request-Id"), exchange_request_id(exchange));
    if (type.len)
        http_write_field(to, STR("Content-Type"), type);
    for (size_t i = 0; i < exchange->constant_count; i++)
        http_write_field(to, exchange->constants[i].name, exchange->constants[i].value);
    for (const struct added_field *added = exchange->added; added; added = added->next)
        http_write_field(to, added->field.name, added->field.value);
}

static void write_connection(struct exchange *exchange, bool closes, bool explicit_keep)
{
    if (closes)
        http_write_field(&exchange->response, STR("Connection"), STR("close"));
    else if (explicit_keep)
        http_write_field(&exchange->response, STR("Connection"), STR("keep-alive"));
}

static bool is_last(const struct exchange *exchange)
{
    return exchange->node.next == &h1_of(exchange->conn)->requests->exchanges;
}

// Whether the connection is closed after this response.
static bool closes(struct h1 *h1, const struct exchange *exchange)
{
    struct h1_requests *requests = h1->requests;
    if (!is_last(exchange))
        return false;
    if (h1_server(h1)->retired && requests->reading == H1_READING_HEAD && !requests->began_ms)
        requests->reading = H1_READING_NONE;
    return requests->reading == H1_READING_NONE;
}

static void write_response(struct exchange *exchange, unsigned status, struct str type, struct str body)
{
    struct buf *to = &exchange->response;
    struct h1 *h1 = h1_of(exchange->conn);
    (void)buf_reserve(to, HEAD_GUESS + body.len);
    write_fields(exchange, status, type);
    write_connection(exchange, closes(h1, exchange), exchange->request.http_1_0);
    if (!http_status_is_empty(status)) {
        buf_append_str(to, STR("Content-Length: "));
        buf_append_u64(to, body.len);
        buf_append_str(to, STR("\r\n"));
    }
    buf_append_str(to, STR("\r\n"));
    if (exchange->request.method != HTTP_METHOD_HEAD && !http_status_is_empty(status))
        buf_append_str(to, body);
}

static void end_response(struct exchange *exchange)
{
    if (exchange->err || exchange->response.err)
        http_conn_cut(exchange->conn, HTTP_CLOSE_OVERLOAD);
    else
        http_conn_mark(exchange->conn);
}

// ---- Answers ----

void h1_respond(struct exchange *exchange, unsigned status, struct str type, struct str body)
{
    h1_drop_body(h1_of(exchange->conn), exchange);
    write_response(exchange, status, type, body);
    end_response(exchange);
}

void h1_respond_error(struct exchange *exchange, struct http_refusal refusal)
{
    char text[128];
    struct str status = http_status_text(refusal.status);
    // Most say all there is to say to the client.
    bool later = refusal.status == 503;
    int len = snprintf(text, sizeof(text), "%.*s%s%s\n", STR_ARG(status), later ? ": " : "",
                       later ? refusal.reason : "");
    if (later)
        exchange_add_header(exchange, STR("Retry-After"), STR("1"));
    exchange_add_header(exchange, STR("X-Content-Type-Options"), STR("nosniff"));
    write_response(exchange, refusal.status, STR("text/plain; charset=utf-8"), str_make(text, (size_t)len));
    end_response(exchange);
}

void h1_abort(struct exchange *exchange)
{
    struct h1_requests *requests = h1_of(exchange->conn)->requests;
    requests->reading = H1_READING_NONE;
    requests->current = NULL;
    exchange->aborts = true; // after the answers in front of it
    http_conn_mark(exchange->conn);
}

struct http_stream *h1_stream(struct exchange *exchange, unsigned status, struct str type,
                              const struct http_source_ops *ops, void *source)
{
    struct h1 *h1 = h1_of(exchange->conn);
    // That of a request sent along with this one: only one of them can have the connection.
    if (h1->stream.ops)
        return NULL;
    h1->stream.ops = ops;
    h1->stream.source = source;
    h1->chunked = !exchange->request.http_1_0;
    h1->bodiless = exchange->request.method == HTTP_METHOD_HEAD;
    h1->requests->reading = H1_READING_NONE;
    h1->requests->current = NULL;
    exchange->streams = true;
    write_fields(exchange, status, type);
    // The connection is not used again, but as long as the stream runs nothing is gained by saying so.
    write_connection(exchange, !h1->chunked || h1->bodiless, true);
    if (h1->chunked && !h1->bodiless)
        http_write_field(&exchange->response, STR("Transfer-Encoding"), STR("chunked"));
    buf_append_str(&exchange->response, STR("\r\n"));
    end_response(exchange);
    return &h1->stream;
}

// ---- In their order ----

static void move_response(struct h1_requests *requests, struct exchange *exchange)
{
    struct buf *out = &requests->out;
    if (out->len) {
        buf_append_str(out, buf_str(&exchange->response));
        return;
    }
    buf_done(out);
    *out = exchange->response;
    buf_init(&exchange->response, SIZE_MAX / 2);
}

static void write_continue(struct h1_requests *requests, struct exchange *exchange)
{
    bool due = exchange->continue_due && !exchange->body_complete && exchange->body.len == 0;
    exchange->continue_due = false;
    if (due)
        buf_append_str(&requests->out, STR("HTTP/1.1 100 Continue\r\n\r\n"));
}

static void begin_stream(struct h1 *h1)
{
    h1->streaming = true;
    h1->ended = h1->bodiless;
    h1_leave_all(h1); // nobody will ever hear the answers to requests behind it
    if (h1->finished && !h1->ended)
        h1->stream.ops->peer_finished(h1->stream.source);
}

void h1_advance(struct h1 *h1)
{
    struct h1_requests *requests = h1->requests;
    struct list *node;
    while (!h1->conn.cut && !h1->streaming && (node = list_first(&requests->exchanges)) != NULL) {
        struct exchange *exchange = h1_exchange_of(node);
        write_continue(requests, exchange);
        if (exchange->open)
            break;
        bool streams = exchange->streams;
        if (exchange->aborts || exchange->refused.ops) {
            requests->closing = true;
            if (requests->out.len == 0)
                http_conn_cut(&h1->conn, HTTP_CLOSE_ENDED);
            break;
        }
        move_response(requests, exchange);
        requests->count--;
        exchange_free(exchange);
        if (streams)
            begin_stream(h1);
    }
    if (requests->out.err)
        http_conn_cut(&h1->conn, HTTP_CLOSE_OVERLOAD);
}
