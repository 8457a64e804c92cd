#include "base/err.h"
#include "http/h1_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SLICES_MAX 256U
#define BUDGET 262144U
// Slices up to this size are laid beside their framing: for the kernel one long piece costs less than three
// short ones do, and the copy is gone after the call.
#define GATHER_MAX 1024U
// Of a slice that the socket takes in part a copy is kept if it is less than this part of what its owner
// takes.
#define COPY_PART 8U
#define CHUNK_HEAD_MAX 18U // 16 digits, CR, LF
#define CHUNK_TAIL 2U
#define LAST_CHUNK STR("0\r\n\r\n")

#define FRAMING_MAX ((SLICES_MAX + 1) * (CHUNK_HEAD_MAX + CHUNK_TAIL))

// Chunk framing around shared bytes: heads and tails, and small slices, are written into `text`, and what
// stands side by side there is one piece, so that n chunks are at most 2n + 1 pieces.
struct sending {
    size_t bytes;
    size_t iov_count;
    bool pulled; // the source was asked
    size_t slice_count;
    size_t text_len;
    struct iovec iov[2 * SLICES_MAX + 4];
    struct http_slice slices[SLICES_MAX];
    char *text; // the server's send_buf
};

// ---- Putting a system call together ----

static void add_bytes(struct sending *sending, const char *ptr, size_t len)
{
    if (len == 0)
        return;
    // The kernel does not write through it, the type of iovec only says so.
    sending->iov[sending->iov_count++] = (struct iovec){.iov_base = (void *)(uintptr_t)ptr, .iov_len = len};
    sending->bytes += len;
}

static void add_text(struct sending *sending, const char *ptr, size_t len)
{
    char *to = sending->text + sending->text_len;
    memcpy(to, ptr, len);
    sending->text_len += len;
    struct iovec *last = sending->iov_count ? &sending->iov[sending->iov_count - 1] : NULL;
    if (last && (char *)last->iov_base + last->iov_len == to) {
        last->iov_len += len;
        sending->bytes += len;
    } else {
        add_bytes(sending, to, len);
    }
}

static size_t write_chunk_head(size_t len, char to[CHUNK_HEAD_MAX])
{
    size_t count = 1;
    for (size_t rest = len >> 4; rest; rest >>= 4)
        count++;
    for (size_t i = count; i-- > 0; len >>= 4)
        to[i] = "0123456789abcdef"[len & 15U];
    to[count] = '\r';
    to[count + 1] = '\n';
    return count + 2;
}

// The length of a slice with its framing.
static size_t framed_len(const struct h1 *h1, size_t len)
{
    char head[CHUNK_HEAD_MAX];
    return h1->chunked ? write_chunk_head(len, head) + len + CHUNK_TAIL : len;
}

// Adds the slice with its framing, without the first `sent` bytes.
static void add_framed(struct sending *sending, const struct h1 *h1, struct str bytes, size_t sent)
{
    char head[CHUNK_HEAD_MAX];
    size_t head_len = h1->chunked ? write_chunk_head(bytes.len, head) : 0;
    size_t skip = sent < head_len ? sent : head_len;
    if (head_len > skip)
        add_text(sending, head + skip, head_len - skip);
    sent -= skip;
    skip = sent < bytes.len ? sent : bytes.len;
    if (bytes.len <= GATHER_MAX && sending->text_len + bytes.len <= HTTP_SEND_SIZE - FRAMING_MAX)
        add_text(sending, bytes.ptr + skip, bytes.len - skip);
    else
        add_bytes(sending, bytes.ptr + skip, bytes.len - skip);
    sent -= skip;
    if (h1->chunked && sent < CHUNK_TAIL)
        add_text(sending, &"\r\n"[sent], CHUNK_TAIL - sent);
}

// ---- The slice that went in part ----

static size_t partial_left(const struct h1 *h1)
{
    return h1->partial ? framed_len(h1, h1->partial->slice.bytes.len) - h1->partial->sent : 0;
}

void h1_partial_free(struct h1 *h1)
{
    if (!h1->partial)
        return;
    http_conn_hold_unsent(&h1->partial->unsent, 0);
    ref_put(h1->partial->slice.owner);
    free(h1->partial);
    h1->partial = NULL;
}

// One update out of a long run of history is copied, instead of keeping all of the run.
static bool is_small_part(const struct http_slice *slice)
{
    return slice->owner && slice->bytes.len < slice->memory / COPY_PART;
}

static void copy_slice(struct h1_partial *partial)
{
    struct http_slice *slice = &partial->slice;
    memcpy(partial->copy, slice->bytes.ptr, slice->bytes.len);
    *slice = (struct http_slice){.bytes = str_make(partial->copy, slice->bytes.len)};
}

static void keep_partial(struct h1 *h1, const struct http_slice *slice, size_t sent)
{
    bool copied = is_small_part(slice);
    struct h1_partial *partial = malloc(sizeof(*partial) + (copied ? slice->bytes.len : 0));
    if (!partial) {
        http_conn_cut(&h1->conn, HTTP_CLOSE_OVERLOAD);
        return;
    }
    *partial = (struct h1_partial){.slice = *slice, .sent = sent, .unsent.conn = &h1->conn};
    if (copied)
        copy_slice(partial);
    else if (slice->owner)
        http_budget_share(&h1_server(h1)->unsent, &partial->unsent, slice->owner, slice->memory);
    ref_get(partial->slice.owner);
    h1->partial = partial;
    http_conn_hold_unsent(&partial->unsent, partial_left(h1));
}

// ---- What was sent ----

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t settle_out(struct h1 *h1, size_t sent)
{
    struct h1_requests *requests = h1->requests;
    if (!requests || requests->out.len == 0)
        return sent;
    size_t taken = least(sent, requests->out.len - requests->out_sent);
    requests->out_sent += taken;
    if (requests->out_sent == requests->out.len) {
        buf_clear(&requests->out);
        requests->out_sent = 0;
    }
    return sent - taken;
}

static size_t settle_partial(struct h1 *h1, size_t sent)
{
    size_t left = partial_left(h1);
    if (left == 0)
        return sent;
    if (sent >= left) {
        h1_partial_free(h1);
        return sent - left;
    }
    h1->partial->sent += sent;
    http_conn_hold_unsent(&h1->partial->unsent, left - sent);
    return 0;
}

static void settle_tail(struct h1 *h1, size_t sent)
{
    h1->tail_left -= (uint8_t)least(sent, h1->tail_left);
}

static size_t settle_slices(struct h1 *h1, const struct sending *sending, size_t sent, bool full)
{
    size_t count = 0;
    while (count < sending->slice_count && sent > 0) {
        const struct http_slice *slice = &sending->slices[count++];
        size_t len = framed_len(h1, slice->bytes.len);
        if (sent < len)
            keep_partial(h1, slice, sent);
        sent -= least(sent, len);
    }
    // A source that gave nothing is to know as well that the socket is full.
    if (sending->slice_count || (sending->pulled && full))
        h1->stream.ops->taken(h1->stream.source, count, full);
    return sent;
}

// ---- Sending ----

static void pull(struct h1 *h1, struct sending *sending)
{
    size_t before = sending->bytes;
    sending->pulled = true;
    sending->slice_count = h1->stream.ops->next(h1->stream.source, sending->slices, SLICES_MAX, BUDGET);
    for (size_t i = 0; i < sending->slice_count; i++)
        add_framed(sending, h1, sending->slices[i].bytes, 0);
    bool more = sending->slice_count == SLICES_MAX || sending->bytes - before >= BUDGET;
    if (more || (h1->stream.ending && sending->slice_count))
        http_conn_mark_later(&h1->conn);
    if (!h1->stream.ending || sending->slice_count)
        return;
    h1->ended = true;
    h1->tail_left = h1->chunked ? (uint8_t)LAST_CHUNK.len : 0;
}

static void compose(struct h1 *h1, struct sending *sending)
{
    const struct h1_requests *requests = h1->requests;
    if (requests && requests->out.len)
        add_bytes(sending, requests->out.ptr + requests->out_sent, requests->out.len - requests->out_sent);
    if (h1->partial)
        add_framed(sending, h1, h1->partial->slice.bytes, h1->partial->sent);
    if (h1->streaming && !h1->ended)
        pull(h1, sending);
    struct str last = LAST_CHUNK;
    add_bytes(sending, last.ptr + last.len - h1->tail_left, h1->tail_left);
}

void h1_send(struct h1 *h1)
{
    struct http_metrics *metrics = &h1_server(h1)->metrics;
    struct sending sending;
    sending.pulled = false;
    sending.bytes = sending.iov_count = sending.slice_count = sending.text_len = 0;
    sending.text = h1_server(h1)->send_buf;
    compose(h1, &sending);
    if (h1->conn.cut || sending.bytes == 0)
        return;
    counter_add(&metrics->sends, 1);
    ssize_t sent = h1->conn.stream.ops->sendv(&h1->conn.stream, sending.iov, sending.iov_count);
    if (sent < 0 && sent != -EAGAIN) {
        http_conn_cut(&h1->conn, HTTP_CLOSE_PEER);
        return;
    }
    size_t taken = sent < 0 ? 0 : (size_t)sent;
    counter_add(&metrics->sent_bytes, taken);
    bool full = taken < sending.bytes;
    if (taken && h1->timer_kind == H1_TIMER_SEND)
        h1_stop_timer(h1); // the time to take the next byte begins anew
    h1->stream.blocked = full;
    taken = settle_out(h1, taken);
    taken = settle_partial(h1, taken);
    taken = settle_slices(h1, &sending, taken, full);
    settle_tail(h1, taken);
}
