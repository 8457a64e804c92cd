// The inside of a server, for connections and exchanges.
#pragma once

#include "base/slab.h"
#include "base/table.h"
#include "http/budget.h"
#include "http/date.h"
#include "http/server.h"
#include "loop/loop.h"

#define HTTP_READ_SIZE 65536U
#define HTTP_SEND_SIZE 65536U

struct http_conn;
struct stream;

// Connections that wait for their flush, in the order of their marking, each once.
struct http_marks {
    struct http_conn **conns;
    size_t first;
    size_t count;
    size_t cap; // always enough for each connection twice
};

struct http_server {
    struct loop *loop;
    struct http_server_config config;
    struct http_metrics metrics;
    struct slab h1_slab;    // of HTTP/1 connections
    struct table exchanges; // open ones, by id
    struct http_budget unsent;
    struct http_budget bodies; // that are being read
    uint64_t next_id;
    struct http_marks marked; // flushed at the end of the turn
    struct http_marks later;  // streams with much to catch up with: after those
    size_t connections;
    size_t handles; // acceptors and connections that are not closed yet
    struct list acceptors;
    bool retired; // accepts nothing and takes no further requests
    bool closing;
    void (*closed)(void *arg);
    void *closed_arg;
    uint64_t date_s;
    char date[HTTP_DATE_LEN];
    char send_buf[HTTP_SEND_SIZE]; // of the system call that is being put together
    char read_buf[HTTP_READ_SIZE]; // what is read is looked at here and only kept if it is not complete
};

// Of a connection of HTTP/1, for the slab.
extern const size_t h1_size;
// The connection has been counted by http_server_adopt; it takes the descriptor over. -ENOMEM or a negative
// errno.
MUST_CHECK int h1_open(struct http_server *server, int fd);
// Called from the loop after stream_close; the connection frees itself.
void http_server_forget(struct http_server *server);
// The current value of the field Date.
struct str http_server_date(struct http_server *server);
