#include "base/err.h"
#include "http/h1_priv.h"

#include <errno.h>

// How long a client may take to close after us; less while the server stops, which waits for it.
#define LINGER_MS 5000U
#define LINGER_RETIRED_MS 250U

_Static_assert(sizeof(struct h1) <= 176, "all of ours for an idle subscriber is to fit into 512 bytes");

const size_t h1_size = sizeof(struct h1);

// ---- Time ----

static uint64_t now_ms(const struct h1 *h1)
{
    return loop_now_ms(h1_server(h1)->loop);
}

static void set_timer(struct h1 *h1, enum h1_timer kind, uint64_t from_ms, uint64_t limit_ms)
{
    h1->timer_kind = (uint8_t)kind;
    if (limit_ms == 0)
        timer_cancel(&h1->timer);
    else
        timer_set(h1_server(h1)->loop, &h1->timer, from_ms + limit_ms);
}

void h1_stop_timer(struct h1 *h1)
{
    set_timer(h1, H1_TIMER_NONE, 0, 0);
}

static enum h1_timer timer_due(const struct h1 *h1)
{
    const struct h1_requests *requests = h1->requests;
    if (h1->stream.blocked)
        return H1_TIMER_SEND;
    if (h1->streaming)
        return H1_TIMER_NONE;
    if (!requests)
        return H1_TIMER_IDLE;
    if (requests->reading == H1_READING_BODY || requests->reading == H1_READING_SKIP)
        return H1_TIMER_BODY;
    if (!h1_wants_bytes(h1))
        return H1_TIMER_NONE;
    if (requests->began_ms)
        return H1_TIMER_HEAD;
    return requests->count ? H1_TIMER_NONE : H1_TIMER_IDLE;
}

static void update_timer(struct h1 *h1)
{
    const struct http_server_config *config = &h1_server(h1)->config;
    enum h1_timer kind = timer_due(h1);
    switch (kind) {
    case H1_TIMER_IDLE:
        if (h1->timer_kind != H1_TIMER_IDLE)
            set_timer(h1, kind, now_ms(h1),
                      h1->fresh ? config->read_header_timeout_ms : config->read_timeout_ms);
        break;
    case H1_TIMER_HEAD:
        // That of a fresh connection runs on since the accept.
        if (!h1->fresh)
            set_timer(h1, kind, h1->requests->began_ms, config->read_header_timeout_ms);
        break;
    case H1_TIMER_BODY:
        set_timer(h1, kind, h1->requests->began_ms, config->read_timeout_ms);
        break;
    case H1_TIMER_SEND:
        if (h1->timer_kind != H1_TIMER_SEND)
            set_timer(h1, kind, now_ms(h1), config->dispatch_timeout_ms);
        break;
    case H1_TIMER_NONE:
    case H1_TIMER_LINGER:
        if (h1->timer_kind != H1_TIMER_NONE)
            h1_stop_timer(h1);
        break;
    }
}

static void on_timer(struct timer *timer)
{
    struct h1 *h1 = CONTAINER_OF(timer, struct h1, timer);
    bool begun = h1->requests && h1->requests->began_ms;
    switch ((enum h1_timer)h1->timer_kind) {
    case H1_TIMER_SEND:
        http_conn_cut(&h1->conn, HTTP_CLOSE_STALLED);
        break;
    case H1_TIMER_IDLE:
    case H1_TIMER_HEAD:
    case H1_TIMER_BODY:
        if (begun && h1->requests->reading != H1_READING_SKIP)
            h1_refuse(h1, 408, "the request took too long");
        else
            http_conn_cut(&h1->conn, HTTP_CLOSE_ENDED);
        break;
    case H1_TIMER_LINGER:
    case H1_TIMER_NONE:
        http_conn_cut(&h1->conn, HTTP_CLOSE_ENDED);
        break;
    }
    h1->timer_kind = H1_TIMER_NONE;
}

// ---- What comes next ----

static bool may_receive(const struct h1 *h1)
{
    // What is held comes first: a client that pipelines faster than it is answered has to wait.
    bool held = h1->requests && h1->requests->paused;
    return !h1->finished && (h1->lingering || h1->streaming || (!held && h1_wants_bytes(h1)));
}

static void watch(struct h1 *h1)
{
    unsigned events = STREAM_QUIET;
    if (may_receive(h1))
        events |= STREAM_READABLE;
    if (h1->stream.blocked)
        events |= STREAM_WRITABLE;
    if (stream_watch(&h1->conn.stream, events) != HUB_OK)
        http_conn_cut(&h1->conn, HTTP_CLOSE_OVERLOAD);
}

static void settle(struct h1 *h1)
{
    if (h1->conn.cut)
        return;
    watch(h1);
    if (!h1->lingering)
        update_timer(h1);
}

static void linger(struct h1 *h1)
{
    h1->lingering = true;
    set_timer(h1, H1_TIMER_LINGER, now_ms(h1), h1_server(h1)->retired ? LINGER_RETIRED_MS : LINGER_MS);
}

// Everything has been sent, and nothing more will be.
static void finish(struct h1 *h1)
{
    h1_leave_all(h1);
    h1_requests_free(h1);
    if (h1->finished || h1->conn.stream.ops->shutdown(&h1->conn.stream) != HUB_OK) {
        http_conn_cut(&h1->conn, HTTP_CLOSE_ENDED);
        return;
    }
    linger(h1);
}

// After everything due was sent: lets go of what is needed no more.
static void rest(struct h1 *h1)
{
    struct h1_requests *requests = h1->requests;
    if (h1->streaming) {
        h1_requests_free(h1);
        return;
    }
    if (requests && requests->paused && h1_wants_bytes(h1)) {
        http_conn_mark(&h1->conn);
        return;
    }
    bool idle = !requests || (requests->count == 0 && requests->held.len == 0 && !requests->began_ms &&
                              requests->reading == H1_READING_HEAD);
    bool over =
        requests && requests->reading == H1_READING_NONE && (requests->count == 0 || requests->closing);
    if (over || (idle && h1_server(h1)->retired))
        finish(h1);
    else if (idle)
        h1_requests_free(h1);
}

static bool all_sent(const struct h1 *h1)
{
    return !h1->stream.blocked && !h1->partial && !h1->tail_left &&
           (!h1->requests || h1->requests->out.len == 0);
}

// What waits for the client: a head that is not whole, and once the socket is full, responses and requests
// sent ahead. What waits for the hub is not counted: that its answer takes a while is not the client's doing.
static size_t waiting_bytes(const struct h1 *h1)
{
    const struct h1_requests *requests = h1->requests;
    if (h1->stream.blocked)
        return requests->held.len + requests->out.len - requests->out_sent;
    return requests->paused ? 0 : requests->held.len;
}

static void hold_requests(struct h1 *h1)
{
    if (h1->requests)
        http_conn_hold_unsent(&h1->requests->waiting, waiting_bytes(h1));
}

static void flush(struct http_conn *conn)
{
    struct h1 *h1 = h1_of(conn);
    if (h1->lingering) {
        linger(h1); // marked because the server stops
        return;
    }
    if (h1->requests) {
        h1_resume(h1);
        h1_advance(h1);
    }
    if (!conn->cut && !h1->stream.blocked)
        h1_send(h1);
    if (!conn->cut)
        hold_requests(h1);
    if (!conn->cut && all_sent(h1)) {
        if (h1->streaming && h1->ended) {
            h1->streaming = false;
            http_stream_close(&h1->stream, HTTP_CLOSE_ENDED);
            finish(h1);
        } else {
            rest(h1);
        }
    }
    settle(h1);
}

// ---- Events ----

static void take_end(struct h1 *h1)
{
    h1->finished = true;
    if (h1->lingering)
        http_conn_cut(&h1->conn, HTTP_CLOSE_ENDED);
    else if (!h1->streaming)
        h1_take_end(h1);
    else if (!h1->ended)
        h1->stream.ops->peer_finished(h1->stream.source);
}

static void receive(struct h1 *h1)
{
    struct stream *stream = &h1->conn.stream;
    struct http_server *server = h1_server(h1);
    do {
        ssize_t got = stream->ops->read(stream, server->read_buf, HTTP_READ_SIZE);
        if (got == -EAGAIN)
            return;
        if (got < 0)
            http_conn_cut(&h1->conn, HTTP_CLOSE_PEER);
        else if (got == 0)
            take_end(h1);
        else if (!h1->streaming && !h1->lingering)
            h1_take(h1, str_make(server->read_buf, (size_t)got));
        if (h1->conn.cut || h1->finished)
            return;
    } while (stream->ops->pending(stream));
}

static void on_ready(struct stream *stream, int err, unsigned events)
{
    struct h1 *h1 = h1_of(CONTAINER_OF(stream, struct http_conn, stream));
    if (h1->conn.cut)
        return;
    if (err) {
        http_conn_cut(&h1->conn, HTTP_CLOSE_PEER);
        return;
    }
    if (events & STREAM_WRITABLE) {
        h1->stream.blocked = false;
        if (h1->streaming)
            http_conn_mark_later(&h1->conn);
        else
            http_conn_mark(&h1->conn);
    }
    // Its flush may be some turns away, and until then it is watched as before.
    if ((events & STREAM_READABLE) && may_receive(h1))
        receive(h1);
    if (h1->conn.marked) // its flush does the rest
        return;
    hold_requests(h1);
    settle(h1);
}

static void on_closed(struct stream *stream)
{
    struct h1 *h1 = h1_of(CONTAINER_OF(stream, struct http_conn, stream));
    struct http_server *server = h1_server(h1);
    slab_free(&server->h1_slab, h1);
    http_server_forget(server);
}

static void close_conn(struct http_conn *conn)
{
    struct h1 *h1 = h1_of(conn);
    timer_cancel(&h1->timer);
    h1_leave_all(h1);
    http_stream_close(&h1->stream, conn->cut_reason);
    h1_partial_free(h1);
    h1_requests_free(h1);
    stream_close(&conn->stream, on_closed);
}

static const struct http_conn_ops h1_ops = {
    .read_body = h1_read_body,
    .refuse_body = h1_refuse_body,
    .respond = h1_respond,
    .abort = h1_abort,
    .stream = h1_stream,
    .flush = flush,
    .close = close_conn,
};

int h1_open(struct http_server *server, int fd)
{
    struct h1 *h1 = slab_alloc(&server->h1_slab);
    if (!h1)
        return -ENOMEM;
    *h1 = (struct h1){0};
    stream_open(&h1->conn.stream, server->loop, fd, &stream_plain_ops, on_ready);
    stream_set_owner(&h1->conn.stream, server);
    h1->conn.ops = &h1_ops;
    h1->stream.conn = &h1->conn;
    h1->fresh = true;
    timer_init(&h1->timer, on_timer);
    settle(h1);
    return HUB_OK;
}
