#include "net/address.h"

#include "base/buf.h"
#include "base/err.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNIX_PREFIX STR("unix:")

int address_split(struct str text, struct str *ret_host, uint16_t *ret_port)
{
    struct str host;
    size_t colon;
    if (str_starts_with(text, STR("["))) {
        size_t end = str_find(text, 0, ']');
        if (end == text.len)
            return HUB_E_INVALID;
        host = str_slice(text, 1, end);
        colon = end + 1;
    } else {
        colon = str_find(text, 0, ':');
        host = str_slice(text, 0, colon);
    }
    if (colon >= text.len || text.ptr[colon] != ':')
        return HUB_E_INVALID;
    uint64_t port;
    if (str_to_u64(str_slice(text, colon + 1, text.len), &port) != HUB_OK || port > UINT16_MAX)
        return HUB_E_INVALID;
    *ret_host = host;
    *ret_port = (uint16_t)port;
    return HUB_OK;
}

static int resolve_unix(struct address *address, struct str path, struct buf *reterr)
{
    if (path.len == 0 || path.len >= sizeof(address->un.sun_path) || str_find(path, 0, '\0') < path.len) {
        buf_printf(reterr, "the path of a unix socket must have 1 to %zu bytes",
                   sizeof(address->un.sun_path) - 1);
        return HUB_E_INVALID;
    }
    *address = (struct address){.len = sizeof(address->un), .un.sun_family = AF_UNIX};
    memcpy(address->un.sun_path, path.ptr, path.len);
    return HUB_OK;
}

static void set_any(struct address *address, uint16_t port)
{
    *address = (struct address){.len = sizeof(address->v6),
                                .v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)}};
}

static void set_found(struct address *address, const struct addrinfo *found, uint16_t port)
{
    *address = (struct address){.len = found->ai_addrlen};
    memcpy(&address->any, found->ai_addr, found->ai_addrlen);
    if (address->any.sa_family == AF_INET6)
        address->v6.sin6_port = htons(port);
    else
        address->v4.sin_port = htons(port);
}

static int resolve_host(struct address *address, struct str host, uint16_t port, struct buf *reterr)
{
    char *name = str_dup_c(host);
    if (!name)
        return -ENOMEM;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_family = AF_UNSPEC};
    struct addrinfo *found = NULL;
    int err = getaddrinfo(name, NULL, &hints, &found);
    free(name);
    if (err || !found) {
        buf_append_str(reterr, str_from_c(gai_strerror(err)));
        return HUB_E_NOT_FOUND;
    }
    const struct addrinfo *best = found;
    for (const struct addrinfo *one = found; one; one = one->ai_next) {
        if (one->ai_family == AF_INET) {
            best = one;
            break;
        }
    }
    set_found(address, best, port);
    freeaddrinfo(found);
    return HUB_OK;
}

int address_resolve(struct address *ret_address, struct str text, struct buf *reterr)
{
    if (str_starts_with(text, UNIX_PREFIX))
        return resolve_unix(ret_address, str_slice(text, UNIX_PREFIX.len, text.len), reterr);
    struct str host;
    uint16_t port;
    int err = address_split(text, &host, &port);
    if (err) {
        buf_append_str(reterr, STR("write it as host:port, :port, [v6]:port or unix:/path"));
        return err;
    }
    if (host.len)
        return resolve_host(ret_address, host, port, reterr);
    set_any(ret_address, port);
    return HUB_OK;
}

bool address_is_tcp(const struct address *address)
{
    return address->any.sa_family == AF_INET || address->any.sa_family == AF_INET6;
}

static int format_v6(const struct sockaddr_in6 *v6, char to[ADDRESS_TEXT_MAX])
{
    char host[INET6_ADDRSTRLEN];
    unsigned port = ntohs(v6->sin6_port);
    // A client that came over IPv4 to a socket of both families.
    if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
        (void)inet_ntop(AF_INET, &v6->sin6_addr.s6_addr[12], host, sizeof(host));
        return snprintf(to, ADDRESS_TEXT_MAX, "%s:%u", host, port);
    }
    (void)inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof(host));
    return snprintf(to, ADDRESS_TEXT_MAX, "[%s]:%u", host, port);
}

static int format_v4(const struct sockaddr_in *v4, char to[ADDRESS_TEXT_MAX])
{
    char host[INET_ADDRSTRLEN];
    (void)inet_ntop(AF_INET, &v4->sin_addr, host, sizeof(host));
    return snprintf(to, ADDRESS_TEXT_MAX, "%s:%u", host, (unsigned)ntohs(v4->sin_port));
}

static int format_unix(const struct address *address, char to[ADDRESS_TEXT_MAX])
{
    // The kernel gives no path, or one without its terminating zero.
    size_t start = offsetof(struct sockaddr_un, sun_path);
    size_t len = address->len > start ? strnlen(address->un.sun_path, address->len - start) : 0;
    if (len == 0)
        return snprintf(to, ADDRESS_TEXT_MAX, "unix");
    return snprintf(to, ADDRESS_TEXT_MAX, "unix:%.*s", (int)len, address->un.sun_path);
}

size_t address_format(const struct address *address, char to[ADDRESS_TEXT_MAX])
{
    int len;
    switch (address->any.sa_family) {
    case AF_INET:
        len = format_v4(&address->v4, to);
        break;
    case AF_INET6:
        len = format_v6(&address->v6, to);
        break;
    case AF_UNIX:
        len = format_unix(address, to);
        break;
    default:
        len = snprintf(to, ADDRESS_TEXT_MAX, "unknown");
        break;
    }
    return len < 0 ? 0 : (size_t)len;
}
