#include "client/client.h"

#include "base/assert.h"
#include "base/buf.h"
#include "base/err.h"
#include "client/url.h"
#include "http/response.h"
#include "net/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUEST_MAX ((size_t)64 << 20)
#define HEAD_MAX ((size_t)65536)
#define READ_SIZE ((size_t)65536)

// One connection; it outlives its place in the client until the loop has closed it.
struct link {
    struct stream stream;
    struct client *client; // NULL: nobody is interested any more
};

struct client {
    struct loop *loop;
    struct client_url url;
    const struct client_events *events;
    void *arg;
    struct link *link; // NULL: not connected
    struct buf request;
    size_t sent;
    bool busy;
    bool connecting;
    struct http_response_parser parser;
    char read[READ_SIZE];
};

int client_new(struct client **ret_client, struct loop *loop, const struct client_url *url,
               const struct client_events *events, void *arg)
{
    struct client *client = calloc(1, sizeof(*client));
    if (!client)
        return -ENOMEM;
    client->loop = loop;
    client->url = *url;
    client->events = events;
    client->arg = arg;
    buf_init(&client->request, REQUEST_MAX);
    http_response_parser_init(&client->parser, HEAD_MAX);
    *ret_client = client;
    return HUB_OK;
}

static void free_link(struct stream *stream)
{
    free(CONTAINER_OF(stream, struct link, stream));
}

static void unlink_connection(struct client *client)
{
    if (!client->link)
        return;
    client->link->client = NULL;
    stream_close(&client->link->stream, free_link);
    client->link = NULL;
}

void client_free(struct client *client)
{
    if (!client)
        return;
    unlink_connection(client);
    buf_done(&client->request);
    http_response_parser_done(&client->parser);
    free(client);
}

// Changing what is watched, unlike beginning to, cannot fail.
static void watch(struct client *client, unsigned events)
{
    int err = stream_watch(&client->link->stream, events);
    HUB_ASSERT(err == HUB_OK);
}

// The request is over; on an error the connection is of no use any more. `ended` may free the client.
static void end(struct client *client, int err)
{
    if (err || !client->parser.keep_alive)
        unlink_connection(client);
    else
        watch(client, STREAM_READABLE);
    if (!client->busy)
        return;
    client->busy = false;
    client->events->ended(client->arg, err);
}

// ---- Sending ----

static void go_on_sending(struct client *client)
{
    struct iovec left = {client->request.ptr + client->sent, client->request.len - client->sent};
    ssize_t len = client->link->stream.ops->sendv(&client->link->stream, &left, 1);
    // Who refuses a request may have answered before closing: reading tells.
    if (len < 0 && len != -EAGAIN)
        client->sent = client->request.len;
    client->sent += len > 0 ? (size_t)len : 0;
    bool whole = client->sent == client->request.len;
    watch(client, whole ? STREAM_READABLE : STREAM_READABLE | STREAM_WRITABLE);
}

static void finish_connecting(struct client *client)
{
    int err = 0;
    socklen_t len = sizeof(err);
    if (getsockopt(stream_fd(&client->link->stream), SOL_SOCKET, SO_ERROR, &err, &len) != 0)
        err = errno;
    client->connecting = false;
    if (err)
        end(client, -err);
    else
        go_on_sending(client);
}

// ---- Receiving ----

static void take_bytes(struct client *client, struct str bytes)
{
    struct link *link = client->link;
    struct str piece;
    for (;;) {
        int event = http_response_parser_next(&client->parser, &bytes, &piece);
        if (event == HTTP_RESPONSE_MORE)
            return;
        if (event != HTTP_RESPONSE_HEAD && event != HTTP_RESPONSE_BODY) {
            end(client, event == HTTP_RESPONSE_END ? HUB_OK : event);
            return;
        }
        if (event == HTTP_RESPONSE_HEAD)
            client->events->head(client->arg, client->parser.status, &client->parser.fields);
        else
            client->events->body(client->arg, piece);
        // The link knows when that was the end of the client; its memory lives until the loop has closed it.
        if (link->client != client)
            return;
    }
}

static void receive(struct link *link)
{
    struct client *client = link->client;
    struct stream *stream = &link->stream;
    ssize_t len = stream->ops->read(stream, client->read, sizeof(client->read));
    if (len == -EAGAIN)
        return;
    if (len < 0) {
        end(client, (int)len);
    } else if (!client->busy) {
        unlink_connection(client); // the server closes an idle connection, or says what nobody has asked
    } else if (len == 0) {
        client->parser.keep_alive = false;
        end(client, http_response_parser_finish(&client->parser));
    } else {
        take_bytes(client, str_make(client->read, (size_t)len));
    }
}

static void on_ready(struct stream *stream, int err, unsigned events)
{
    struct link *link = CONTAINER_OF(stream, struct link, stream);
    struct client *client = link->client;
    if (!client)
        return;
    if (client->connecting)
        finish_connecting(client);
    else if (events & STREAM_WRITABLE)
        go_on_sending(client);
    // What came before the connection broke can still be read: the reason why, perhaps.
    if ((err || events & STREAM_READABLE) && link->client == client && !client->connecting)
        receive(link);
    if (err && link->client == client)
        end(client, err);
}

// ---- Connecting ----

static int open_link(struct client *client)
{
    const struct address *address = &client->url.address;
    int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int err = -ENOMEM;
    struct link *link = calloc(1, sizeof(*link));
    if (!link)
        goto fail;
    if (connect(fd, &address->any, address->len) && errno != EINPROGRESS) {
        err = -errno;
        goto fail;
    }
    stream_open(&link->stream, client->loop, fd, &stream_plain_ops, on_ready);
    link->client = client;
    client->link = link;
    client->connecting = true;
    err = stream_watch(&link->stream, STREAM_WRITABLE);
    if (err)
        unlink_connection(client);
    return err;

fail:
    free(link);
    (void)close(fd);
    return err;
}

int client_send(struct client *client, struct str request)
{
    if (client->busy)
        return HUB_E_BUSY;
    buf_clear(&client->request);
    buf_append_str(&client->request, request);
    if (client->request.err)
        return client->request.err;
    client->sent = 0;
    http_response_parser_restart(&client->parser, false);
    if (client->link) {
        watch(client, STREAM_READABLE | STREAM_WRITABLE);
    } else {
        int err = open_link(client);
        if (err)
            return err;
    }
    client->busy = true;
    return HUB_OK;
}
