// Socket addresses and their text. Pure, but for looking host names up.
#pragma once

#include "base/attr.h"
#include "base/str.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>

struct buf;

// Room for the text of any address and a terminating zero.
#define ADDRESS_TEXT_MAX 116

struct address {
    socklen_t len;
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_un un;
    };
};

// An address to listen on or connect to from "host:port", ":port", "[v6]:port" or "unix:/path". Without a
// host: all addresses of both families. A host name is looked up, which may block; the first IPv4 address is
// taken, else the first. On failure the cause is appended to `reterr`.
MUST_CHECK int address_resolve(struct address *ret_address, struct str text, struct buf *reterr);
// The same with up to `max` addresses of a host name, each once, those of IPv4 first; at least one.
MUST_CHECK int address_resolve_all(struct address *addresses, size_t max, size_t *ret_count, struct str text,
                                   struct buf *reterr);
bool address_is_tcp(const struct address *address);
// "192.0.2.1:80", "[2001:db8::1]:80", "unix:/path" or "unix" with a terminating zero; returns the length.
size_t address_format(const struct address *address, char to[ADDRESS_TEXT_MAX]);
