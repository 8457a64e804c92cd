// What proxies say of the request that they pass on: Forwarded (RFC 7239), and X-Forwarded-For, X-Real-IP,
// X-Forwarded-Proto, X-Forwarded-Scheme and X-Forwarded-Host, which come before it as in the 0.x hub. Pure.
#pragma once

#include "base/network.h"
#include "base/str.h"

#include <stdbool.h>

struct http_fields;

// Whom to believe.
struct http_trust {
    bool anybody;
    struct networks proxies;
};

// What is not told, or malformed, has a NULL ptr. Slices of the fields.
struct forwarded {
    struct str client;    // an IP address without a port
    struct str scheme;    // "http" or "https"
    struct str authority; // as in Host; not checked
};

// Whether the peer, as socket_format_peer writes it, is to be believed. One at a unix socket is, where
// anybody or any proxy is.
bool http_trust_has(const struct http_trust *trust, struct str peer);
// Reads the fields of a request from a peer that is to be believed. Each proxy appends whom it got the
// request from: the client is the last of them that is no proxy to be believed, or the first of all.
void forwarded_read(struct forwarded *ret_forwarded, const struct http_fields *fields,
                    const struct http_trust *trust);
