#include "http/exchange.h"

#include "base/assert.h"
#include "base/err.h"
#include "base/random.h"
#include "http/exchange_priv.h"
#include "http/forwarded.h"
#include "http/server_priv.h"
#include "net/socket.h"

#include <errno.h>
#include <stdlib.h>

// What handlers keep in an exchange's arena is in proportion to its head and body, which have bounds.
#define ARENA_MAX (SIZE_MAX / 2)

static struct http_server *server_of(const struct exchange *exchange)
{
    return http_conn_server(exchange->conn);
}

static void draw_request_id(char to[HTTP_REQUEST_ID_LEN])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    unsigned char bytes[HTTP_REQUEST_ID_LEN];
    random_bytes(bytes, sizeof(bytes));
    for (size_t i = 0; i < HTTP_REQUEST_ID_LEN; i++)
        to[i] = digits[bytes[i] & 63U];
}

int exchange_new(struct exchange **ret_exchange, struct http_conn *conn)
{
    struct exchange *exchange = calloc(1, sizeof(*exchange));
    if (!exchange)
        return -ENOMEM;
    exchange->conn = conn;
    exchange->added_end = &exchange->added;
    exchange->refused.conn = conn;
    exchange->body_holder.conn = conn;
    list_init(&exchange->node);
    arena_init(&exchange->arena, ARENA_MAX);
    buf_init(&exchange->response, SIZE_MAX / 2);
    draw_request_id(exchange->request_id);
    *ret_exchange = exchange;
    return HUB_OK;
}

static void let_go_of_body(struct exchange *exchange)
{
    http_budget_count(&server_of(exchange)->bodies, &exchange->body_holder, 0);
    buf_done(&exchange->body);
}

void exchange_free(struct exchange *exchange)
{
    if (!exchange)
        return;
    exchange_close(exchange);
    list_remove(&exchange->node);
    arena_done(&exchange->arena);
    let_go_of_body(exchange);
    buf_done(&exchange->response);
    free(exchange);
}

int exchange_open(struct exchange *exchange)
{
    struct http_server *server = server_of(exchange);
    exchange->id = server->next_id++;
    int err = table_insert(&server->exchanges, &exchange->open_node, exchange->id);
    exchange->open = !err;
    return err;
}

void exchange_close(struct exchange *exchange)
{
    if (exchange->open)
        table_remove(&server_of(exchange)->exchanges, &exchange->open_node);
    exchange->open = false;
}

void exchange_hold_body(struct exchange *exchange)
{
    struct http_budget *budget = &server_of(exchange)->bodies;
    http_budget_count(budget, &exchange->body_holder, buf_memory(&exchange->body));
    struct http_holder *holder;
    while ((holder = http_budget_take_oldest(budget, &exchange->body_holder)) != NULL) {
        struct exchange *oldest = CONTAINER_OF(holder, struct exchange, body_holder);
        let_go_of_body(oldest);
        oldest->conn->ops->refuse_body(oldest);
    }
}

void exchange_keep_body(struct exchange *exchange)
{
    struct http_holder *holder = &exchange->body_holder;
    if (!holder->bytes)
        return;
    http_budget_count(&server_of(exchange)->bodies, holder, buf_memory(&exchange->body));
    http_budget_pin(holder);
}

void exchange_tell_gone(struct exchange *exchange)
{
    bool due = exchange->open || exchange->gone_due;
    exchange->gone_due = false;
    if (due && exchange->gone_fn)
        exchange->gone_fn(exchange);
    exchange_close(exchange);
}

uint64_t exchange_id(const struct exchange *exchange)
{
    return exchange->id;
}

struct exchange *exchange_find(struct http_server *server, uint64_t id)
{
    // Ids are their own hashes, and unique.
    struct table_node *node = table_first(&server->exchanges, id);
    return node ? CONTAINER_OF(node, struct exchange, open_node) : NULL;
}

enum http_method exchange_method(const struct exchange *exchange)
{
    return exchange->request.method;
}

struct str exchange_path(const struct exchange *exchange)
{
    return exchange->request.path;
}

struct str exchange_query(const struct exchange *exchange)
{
    return exchange->request.query;
}

struct str exchange_scheme(const struct exchange *exchange)
{
    if (exchange->scheme.ptr)
        return exchange->scheme;
    return exchange->conn->stream.ops == &stream_plain_ops ? STR("http") : STR("https");
}

struct str exchange_authority(const struct exchange *exchange)
{
    return exchange->request.authority;
}

void exchange_append_origin(const struct exchange *exchange, struct buf *buf)
{
    buf_append_str(buf, exchange_scheme(exchange));
    buf_append_str(buf, STR("://"));
    buf_append_str(buf, exchange_authority(exchange));
}

struct str exchange_peer(struct exchange *exchange)
{
    if (!exchange->peer.ptr) {
        char text[ADDRESS_TEXT_MAX];
        size_t len = socket_format_peer(stream_fd(&exchange->conn->stream), text);
        exchange->peer = arena_dup(&exchange->arena, str_make(text, len));
    }
    return exchange->peer;
}

void exchange_read_forwarded(struct exchange *exchange)
{
    const struct http_trust *trust = &server_of(exchange)->config.trust;
    if ((!trust->anybody && !trust->proxies.count) || !http_trust_has(trust, exchange_peer(exchange)))
        return;
    struct forwarded forwarded;
    forwarded_read(&forwarded, &exchange->request.fields, trust);
    exchange->scheme = forwarded.scheme;
    if (forwarded.client.ptr)
        exchange->peer = forwarded.client;
    if (forwarded.authority.ptr && http_is_authority(forwarded.authority))
        exchange->request.authority = forwarded.authority;
}

struct str exchange_header(const struct exchange *exchange, struct str name)
{
    return http_fields_get(&exchange->request.fields, name);
}

size_t exchange_header_count(const struct exchange *exchange, struct str name)
{
    return http_fields_count(&exchange->request.fields, name);
}

bool exchange_header_at(const struct exchange *exchange, size_t n, struct str *ret_name,
                        struct str *ret_value)
{
    const struct http_fields *fields = &exchange->request.fields;
    if (n >= fields->count)
        return false;
    *ret_name = fields->list[n].name;
    *ret_value = fields->list[n].value;
    return true;
}

struct str exchange_request_id(const struct exchange *exchange)
{
    return str_make(exchange->request_id, HTTP_REQUEST_ID_LEN);
}

struct arena *exchange_arena(struct exchange *exchange)
{
    return &exchange->arena;
}

bool exchange_is_crowded(const struct exchange *exchange)
{
    const struct http_server_config *config = &server_of(exchange)->config;
    return atomic_load_explicit(&config->shared->connections, memory_order_relaxed) > config->crowded_at;
}

void exchange_set_data(struct exchange *exchange, void *data)
{
    exchange->data = data;
}

void *exchange_data(const struct exchange *exchange)
{
    return exchange->data;
}

void exchange_on_gone(struct exchange *exchange, exchange_gone_fn *fn)
{
    exchange->gone_fn = fn;
}

void exchange_read_body(struct exchange *exchange, size_t max, exchange_body_fn *fn)
{
    HUB_ASSERT(exchange->open && !exchange->body_fn);
    exchange->body_fn = fn;
    exchange->body_max = max ? max : SIZE_MAX / 2;
    if (!exchange->conn->cut)
        exchange->conn->ops->read_body(exchange);
}

static struct added_field *copy_field(struct exchange *exchange, struct str name, struct str value)
{
    struct added_field *added = arena_calloc(&exchange->arena, 1, sizeof(*added));
    if (!added)
        return NULL;
    added->field.name = arena_dup(&exchange->arena, name);
    added->field.value = arena_dup(&exchange->arena, value);
    return added->field.name.ptr && added->field.value.ptr ? added : NULL;
}

void exchange_add_header(struct exchange *exchange, struct str name, struct str value)
{
    HUB_ASSERT(http_is_token(name));
    // What would end the line or the head is a hole in whoever let it through: no response is safer.
    struct added_field *added = http_is_field_value(value) ? copy_field(exchange, name, value) : NULL;
    if (!added) {
        exchange->err = -ENOMEM;
        return;
    }
    *exchange->added_end = added;
    exchange->added_end = &added->next;
}

void exchange_add_constant_headers(struct exchange *exchange, const struct http_field *fields, size_t count)
{
    HUB_ASSERT(exchange->constant_count == 0);
    exchange->constants = fields;
    exchange->constant_count = count;
}

void exchange_respond(struct exchange *exchange, unsigned status, struct str type, struct str body)
{
    bool was_open = exchange->open;
    exchange_close(exchange);
    if (was_open && !exchange->conn->cut)
        exchange->conn->ops->respond(exchange, status, type, body);
}

void exchange_abort(struct exchange *exchange)
{
    bool was_open = exchange->open;
    exchange_close(exchange);
    if (was_open && !exchange->conn->cut)
        exchange->conn->ops->abort(exchange);
}

// A stream that never was: the connection closes it at the end of the turn.
static struct http_stream *refuse_stream(struct exchange *exchange, const struct http_source_ops *ops,
                                         void *source)
{
    exchange->refused.ops = ops;
    exchange->refused.source = source;
    http_conn_mark(exchange->conn);
    return &exchange->refused;
}

struct http_stream *exchange_stream(struct exchange *exchange, unsigned status, struct str type,
                                    const struct http_source_ops *ops, void *source)
{
    bool was_open = exchange->open;
    exchange_close(exchange);
    struct http_stream *stream = NULL;
    if (was_open && !exchange->conn->cut)
        stream = exchange->conn->ops->stream(exchange, status, type, ops, source);
    return stream ? stream : refuse_stream(exchange, ops, source);
}

void http_stream_wake(struct http_stream *stream)
{
    if (!stream->blocked)
        http_conn_mark(stream->conn);
}

void http_stream_wake_later(struct http_stream *stream)
{
    if (!stream->blocked)
        http_conn_mark_later(stream->conn);
}

void http_stream_end(struct http_stream *stream)
{
    stream->ending = true;
    http_conn_mark(stream->conn);
}

void http_stream_cut(struct http_stream *stream, enum http_close_reason reason)
{
    http_conn_cut(stream->conn, reason);
}

void http_stream_close(struct http_stream *stream, enum http_close_reason reason)
{
    const struct http_source_ops *ops = stream->ops;
    stream->ops = NULL;
    if (ops)
        ops->closed(stream->source, reason);
}
