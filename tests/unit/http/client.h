// The client of the tests of the server, on bare sockets.
#pragma once

#include "rig.h"

#include "base/buf.h"
#include "base/err.h"
#include "http/response.h"

#include <sys/socket.h>
#include <unistd.h>

static inline int rig_connect(const struct rig *rig)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    struct timeval guard = {.tv_sec = 20};
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &guard, sizeof(guard)), 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&rig->address, sizeof(rig->address)), 0);
    return fd;
}

static inline void rig_send(int fd, struct str text)
{
    while (text.len) {
        ssize_t sent = send(fd, text.ptr, text.len, MSG_NOSIGNAL);
        assert_true(sent > 0);
        text = str_slice(text, (size_t)sent, text.len);
    }
}

#define RIG_SEND(fd, literal) rig_send(fd, STR(literal))

// A connection of the client: responses one after the other.
struct rig_client {
    int fd;
    struct http_response_parser parser;
    struct str rest; // read and not looked at
    struct buf body; // of the latest response, as far as it was read
    bool begun;
    char read[65536];
};

static inline struct rig_client *rig_client_new(const struct rig *rig)
{
    struct rig_client *client = calloc(1, sizeof(*client));
    assert_non_null(client);
    client->fd = rig_connect(rig);
    http_response_parser_init(&client->parser, 65536);
    buf_init(&client->body, SIZE_MAX / 2);
    return client;
}

static inline void rig_client_free(struct rig_client *client)
{
    if (client->fd >= 0)
        (void)close(client->fd);
    http_response_parser_done(&client->parser);
    buf_done(&client->body);
    free(client);
}

// The next event of the response that is being read; HUB_E_CLOSED at the end of the connection, -ECONNRESET.
static inline int rig_event(struct rig_client *client)
{
    for (;;) {
        struct str piece;
        int event = http_response_parser_next(&client->parser, &client->rest, &piece);
        buf_append_str(&client->body, piece);
        if (event != HTTP_RESPONSE_MORE)
            return event;
        ssize_t got = recv(client->fd, client->read, sizeof(client->read), 0);
        if (got < 0)
            return -errno;
        if (got == 0)
            return http_response_parser_finish(&client->parser) == HUB_OK ? (int)HTTP_RESPONSE_END
                                                                          : HUB_E_CLOSED;
        client->rest = str_make(client->read, (size_t)got);
    }
}

// Reads the head of the next response.
static inline unsigned rig_read_head(struct rig_client *client, bool no_body)
{
    http_response_parser_restart(&client->parser, no_body);
    buf_clear(&client->body);
    assert_int_equal(rig_event(client), HTTP_RESPONSE_HEAD);
    return client->parser.status;
}

// Reads until the body has `len` bytes.
static inline void rig_read_body(struct rig_client *client, size_t len)
{
    while (client->body.len < len)
        assert_int_equal(rig_event(client), HTTP_RESPONSE_BODY);
}

static inline void rig_read_end(struct rig_client *client)
{
    int event;
    do
        event = rig_event(client);
    while (event == HTTP_RESPONSE_BODY);
    assert_int_equal(event, HTTP_RESPONSE_END);
}

static inline unsigned rig_read_response(struct rig_client *client)
{
    unsigned status = rig_read_head(client, false);
    rig_read_end(client);
    return status;
}

// Sends a request without a body, on one line.
static inline void rig_get(struct rig_client *client, const char *line)
{
    struct buf buf;
    buf_init(&buf, 1024);
    buf_printf(&buf, "%s HTTP/1.1\r\nHost: a\r\n\r\n", line);
    rig_send(client->fd, buf_str(&buf));
    buf_done(&buf);
}

// A reset, not a FIN, when the socket is closed.
static inline void rig_reset(struct rig_client *client)
{
    struct linger linger = {.l_onoff = 1};
    assert_int_equal(setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
    (void)close(client->fd);
    client->fd = -1;
}

// Whether the server has closed the connection, and nothing more came.
static inline bool rig_is_closed(struct rig_client *client)
{
    char c;
    return client->rest.len == 0 && recv(client->fd, &c, 1, 0) == 0;
}

static inline struct str rig_field(const struct rig_client *client, struct str name)
{
    return http_fields_get(&client->parser.fields, name);
}

#define ASSERT_STR(actual, literal) assert_true(str_eq(actual, STR(literal)))

// One request on a connection of its own.
static inline void rig_request(const struct rig *rig, const char *text)
{
    struct rig_client *client = rig_client_new(rig);
    rig_send(client->fd, str_from_c(text));
    assert_int_equal(rig_read_response(client), 200);
    rig_client_free(client);
}
