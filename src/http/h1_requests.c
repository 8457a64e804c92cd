#include "base/assert.h"
#include "base/err.h"
#include "http/h1_priv.h"

#include <errno.h>
#include <stdlib.h>

// Responses that wait for a slow reader stop further requests from being read.
#define OUT_MAX 65536U

static bool step(struct h1 *h1, struct str *bytes);

static struct h1_requests *requests_of(struct h1 *h1)
{
    if (h1->requests)
        return h1->requests;
    struct h1_requests *requests = calloc(1, sizeof(*requests));
    if (!requests)
        return NULL;
    list_init(&requests->exchanges);
    buf_init(&requests->held, h1_server(h1)->config.max_header_size + 2 * (size_t)HTTP_READ_SIZE);
    buf_init(&requests->out, SIZE_MAX / 2);
    requests->waiting.conn = &h1->conn;
    h1->requests = requests;
    return requests;
}

void h1_requests_free(struct h1 *h1)
{
    struct h1_requests *requests = h1->requests;
    if (!requests)
        return;
    LIST_FOREACH (node, &requests->exchanges)
        exchange_free(h1_exchange_of(node));
    http_conn_hold_unsent(&requests->waiting, 0);
    buf_done(&requests->held);
    buf_done(&requests->out);
    free(requests);
    h1->requests = NULL;
}

void h1_leave_all(struct h1 *h1)
{
    if (!h1->requests)
        return;
    LIST_FOREACH (node, &h1->requests->exchanges) {
        struct exchange *exchange = h1_exchange_of(node);
        exchange_tell_gone(exchange);
        http_stream_close(&exchange->refused, HTTP_CLOSE_PEER);
    }
}

bool h1_wants_bytes(const struct h1 *h1)
{
    const struct h1_requests *requests = h1->requests;
    if (!requests)
        return true;
    switch ((enum h1_reading)requests->reading) {
    case H1_READING_HEAD:
        return requests->count < h1_server(h1)->config.max_pipelined && requests->out.len < OUT_MAX;
    case H1_READING_BODY:
    case H1_READING_SKIP:
        return true;
    case H1_READING_HELD:
    case H1_READING_NONE:
        break;
    }
    return false;
}

// ---- Refusals ----

static void end_request(struct h1 *h1, enum h1_reading next)
{
    h1->requests->current = NULL;
    h1->requests->began_ms = 0;
    h1->requests->reading = (uint8_t)next;
}

static void refuse(struct h1 *h1, struct exchange *exchange, struct http_refusal refusal)
{
    const struct http_server_config *config = &h1_server(h1)->config;
    end_request(h1, H1_READING_NONE);
    exchange->continue_due = false;
    if (exchange->open) {
        exchange_close(exchange);
        exchange->gone_due = h1->requests->deliver = true;
    }
    h1_respond_error(exchange, refusal);
    config->refused(config->arg, refusal.status, refusal.reason, exchange_peer(exchange),
                    exchange_request_id(exchange));
}

static struct exchange *add_exchange(struct h1 *h1)
{
    struct exchange *exchange;
    if (exchange_new(&exchange, &h1->conn) != HUB_OK) {
        http_conn_cut(&h1->conn, HTTP_CLOSE_OVERLOAD);
        return NULL;
    }
    list_append(&h1->requests->exchanges, &exchange->node);
    h1->requests->count++;
    return exchange;
}

static bool refuse_head(struct h1 *h1, unsigned status, const char *reason)
{
    struct exchange *exchange = add_exchange(h1);
    if (exchange)
        refuse(h1, exchange, (struct http_refusal){.status = status, .reason = reason});
    return exchange != NULL;
}

void h1_refuse(struct h1 *h1, unsigned status, const char *reason)
{
    struct exchange *exchange = h1->requests->current;
    if (exchange)
        refuse(h1, exchange, (struct http_refusal){.status = status, .reason = reason});
    else
        (void)refuse_head(h1, status, reason);
}

// ---- Bodies ----

// What the connection does after a request that has been read whole.
static enum h1_reading reading_after(const struct h1 *h1, const struct exchange *exchange)
{
    return exchange->request.keep_alive && !h1_server(h1)->retired ? H1_READING_HEAD : H1_READING_NONE;
}

static void end_body(struct h1 *h1, int err)
{
    struct exchange *exchange = h1->requests->current;
    exchange->body_complete = true;
    exchange->body_err = err;
    exchange_keep_body(exchange);
    h1->requests->deliver = true;
    end_request(h1, err ? H1_READING_NONE : reading_after(h1, exchange));
}

static struct str take_length(struct h1_requests *requests, struct str *bytes)
{
    size_t len = bytes->len < requests->left ? bytes->len : (size_t)requests->left;
    struct str piece = str_slice(*bytes, 0, len);
    *bytes = str_slice(*bytes, len, bytes->len);
    requests->left -= len;
    return piece;
}

static int take_chunks(struct h1_requests *requests, struct str *bytes)
{
    struct str piece;
    do {
        int err = http_chunked_next(&requests->chunked, bytes, &piece);
        if (err)
            return HUB_E_INVALID;
        if (piece.len)
            buf_append_str(&requests->current->body, piece);
    } while (piece.len);
    return HUB_OK;
}

static bool take_body(struct h1 *h1, struct str *bytes)
{
    struct h1_requests *requests = h1->requests;
    struct exchange *exchange = requests->current;
    HUB_ASSERT(exchange);
    if (bytes->len == 0)
        return false;
    int err = HUB_OK;
    if (exchange->request.chunked)
        err = take_chunks(requests, bytes);
    else
        buf_append_str(&exchange->body, take_length(requests, bytes));
    bool ended = exchange->request.chunked ? http_chunked_ended(&requests->chunked) : requests->left == 0;
    if (err)
        h1_refuse(h1, 400, "malformed chunks");
    else if (exchange->body.err == -ENOMEM)
        http_conn_cut(&h1->conn, HTTP_CLOSE_OVERLOAD);
    else if (ended || exchange->body.err)
        end_body(h1, exchange->body.err);
    else
        exchange_hold_body(exchange);
    return requests->current != exchange;
}

static bool skip_body(struct h1 *h1, struct str *bytes)
{
    (void)take_length(h1->requests, bytes);
    if (h1->requests->left)
        return false;
    end_request(h1, H1_READING_HEAD);
    return true;
}

void h1_read_body(struct exchange *exchange)
{
    struct h1 *h1 = h1_of(exchange->conn);
    struct h1_requests *requests = h1->requests;
    const struct http_request *request = &exchange->request;
    if (exchange->body_complete) {
        requests->deliver = true;
    } else if (requests->current != exchange) {
        return; // a stream or an end in front of it: nothing more is read, and it will be told that it is
                // gone
    } else if (request->content_length > exchange->body_max) {
        end_body(h1, HUB_E_TOO_BIG);
    } else {
        buf_init(&exchange->body, request->chunked ? exchange->body_max : request->content_length);
        requests->reading = H1_READING_BODY;
        exchange->continue_due = request->expects_continue;
    }
    if (!requests->busy || exchange->continue_due)
        http_conn_mark(exchange->conn);
}

void h1_refuse_body(struct exchange *exchange)
{
    struct h1 *h1 = h1_of(exchange->conn);
    if (h1->requests->current == exchange) // else it has been answered meanwhile
        h1_refuse(h1, 503, "too many request bodies are being read");
}

void h1_drop_body(struct h1 *h1, const struct exchange *exchange)
{
    struct h1_requests *requests = h1->requests;
    if (requests->current != exchange)
        return;
    // A client that waits for "100 Continue" sends its body or not, and nobody can tell.
    bool certain = !exchange->request.chunked && !(exchange->request.expects_continue && !exchange->body.len);
    requests->current = NULL;
    bool skip = certain && requests->left <= OUT_MAX && reading_after(h1, exchange) == H1_READING_HEAD;
    requests->reading = skip ? H1_READING_SKIP : H1_READING_NONE;
    if (!skip)
        requests->began_ms = 0;
}

// ---- Heads ----

// Its head is in order: hands it to the handler.
static void begin_request(struct h1 *h1, struct exchange *exchange)
{
    struct h1_requests *requests = h1->requests;
    const struct http_request *request = &exchange->request;
    h1->fresh = false;
    h1_stop_timer(h1); // the time to the next request begins anew, also when this one is answered at once
    counter_add(&h1_server(h1)->metrics.requests, 1);
    exchange->body_complete = !request->chunked && request->content_length == 0;
    requests->left = request->content_length;
    requests->chunked = (struct http_chunked){0};
    if (exchange->body_complete) {
        end_request(h1, reading_after(h1, exchange));
    } else {
        requests->current = exchange;
        requests->reading = H1_READING_HELD;
    }
    h1_server(h1)->config.handle(exchange, h1_server(h1)->config.arg);
}

static bool take_request(struct h1 *h1, struct str head, size_t lines)
{
    struct exchange *exchange = add_exchange(h1);
    if (!exchange)
        return false;
    struct arena *arena = &exchange->arena;
    struct http_refusal refusal;
    struct str copy = arena_dup(arena, head);
    int err = copy.ptr ? http_request_parse(&exchange->request, copy, lines, arena, &refusal) : -ENOMEM;
    if (err == HUB_E_INVALID) {
        refuse(h1, exchange, refusal);
        return true;
    }
    if (!err)
        err = exchange_open(exchange);
    if (!err)
        exchange_read_forwarded(exchange);
    if (err) {
        http_conn_cut(&h1->conn, HTTP_CLOSE_OVERLOAD);
        return false;
    }
    begin_request(h1, exchange);
    return true;
}

static bool wait_for_head(struct h1 *h1, struct str *bytes)
{
    struct h1_requests *requests = h1->requests;
    if (requests->scan.start == bytes->len) { // empty lines do not begin a request
        *bytes = str_slice(*bytes, bytes->len, bytes->len);
        requests->scan = (struct http_head_scan){0};
        return false;
    }
    if (!requests->began_ms)
        requests->began_ms = loop_now_ms(h1_server(h1)->loop);
    struct http_refusal refusal;
    if (http_request_may_begin(str_slice(*bytes, requests->scan.start, bytes->len), &refusal))
        return false;
    return refuse_head(h1, refusal.status, refusal.reason);
}

static bool take_head(struct h1 *h1, struct str *bytes)
{
    struct h1_requests *requests = h1->requests;
    requests->paused = bytes->len > 0 && !h1_wants_bytes(h1);
    if (bytes->len == 0 || requests->paused)
        return false;
    enum http_head_result result =
        http_head_scan(&requests->scan, *bytes, h1_server(h1)->config.max_header_size);
    if (result == HTTP_HEAD_INCOMPLETE)
        return wait_for_head(h1, bytes);
    struct http_head_scan scan = requests->scan;
    requests->scan = (struct http_head_scan){0};
    struct str head = str_slice(*bytes, scan.start, scan.end);
    if (!requests->began_ms)
        requests->began_ms = loop_now_ms(h1_server(h1)->loop);
    struct http_refusal refusal;
    switch (result) {
    case HTTP_HEAD_COMPLETE:
        *bytes = str_slice(*bytes, scan.end, bytes->len);
        return take_request(h1, head, scan.lines);
    case HTTP_HEAD_BAD_LINE_END:
        return refuse_head(h1, 400, "a line of the head does not end with CRLF");
    case HTTP_HEAD_FOLDED:
        return refuse_head(h1, 400, "a folded line in the head");
    case HTTP_HEAD_TOO_BIG:
    case HTTP_HEAD_INCOMPLETE:
        break;
    }
    refusal = http_request_too_big(str_slice(*bytes, scan.start, bytes->len));
    return refuse_head(h1, refusal.status, refusal.reason);
}

// ---- All of it ----

static void deliver_one(struct exchange *exchange)
{
    exchange_body_fn *fn = exchange->body_fn;
    if (exchange->gone_due) {
        exchange_tell_gone(exchange);
    } else if (fn && exchange->open && exchange->body_complete) {
        exchange->body_fn = NULL;
        fn(exchange, exchange->body_err, buf_str(&exchange->body));
    }
}

static void deliver(struct h1 *h1)
{
    if (!h1->requests->deliver)
        return;
    h1->requests->deliver = false;
    LIST_FOREACH (node, &h1->requests->exchanges) {
        if (!h1->conn.cut)
            deliver_one(h1_exchange_of(node));
    }
}

static bool step(struct h1 *h1, struct str *bytes)
{
    switch ((enum h1_reading)h1->requests->reading) {
    case H1_READING_HEAD:
        return take_head(h1, bytes);
    case H1_READING_BODY:
        return take_body(h1, bytes);
    case H1_READING_SKIP:
        return skip_body(h1, bytes);
    case H1_READING_HELD:
        return false;
    case H1_READING_NONE:
        break;
    }
    *bytes = str_slice(*bytes, bytes->len, bytes->len);
    return false;
}

// Returns how many of the bytes were used up.
static size_t use(struct h1 *h1, struct str bytes)
{
    size_t before = bytes.len;
    h1->requests->busy = true;
    do
        deliver(h1);
    while (!h1->conn.cut && step(h1, &bytes));
    h1->requests->busy = false;
    return before - bytes.len;
}

void h1_resume(struct h1 *h1)
{
    struct buf *held = &h1->requests->held;
    buf_consume(held, use(h1, buf_str(held)));
}

void h1_take(struct h1 *h1, struct str bytes)
{
    struct h1_requests *requests = requests_of(h1);
    if (!requests) {
        http_conn_cut(&h1->conn, HTTP_CLOSE_OVERLOAD);
        return;
    }
    struct buf *held = &requests->held;
    if (held->len) {
        buf_append_str(held, bytes);
        h1_resume(h1);
    } else {
        size_t used = use(h1, bytes);
        if (used < bytes.len)
            buf_append_str(held, str_slice(bytes, used, bytes.len));
    }
    if (held->err)
        http_conn_cut(&h1->conn, HTTP_CLOSE_OVERLOAD);
}

void h1_take_end(struct h1 *h1)
{
    struct h1_requests *requests = h1->requests;
    bool hopeless = requests && requests->current; // its body will never be whole
    if (!requests || hopeless) {
        http_conn_cut(&h1->conn, HTTP_CLOSE_PEER);
        return;
    }
    end_request(h1, H1_READING_NONE);
    http_conn_mark(&h1->conn);
}
