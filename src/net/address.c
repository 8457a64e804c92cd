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

// Splits "host:port", ":port", "[v6]:port": the host without brackets, empty when there is none.
// HUB_E_INVALID.
static int split(struct str text, struct str *ret_host, uint16_t *ret_port)
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

struct found {
    struct address *addresses;
    size_t max;
    size_t count;
};

static void add_found(struct found *found, const struct addrinfo *one, uint16_t port)
{
    if (found->count == found->max)
        return;
    struct address address;
    set_found(&address, one, port);
    for (size_t i = 0; i < found->count; i++) {
        const struct address *other = &found->addresses[i];
        if (other->len == address.len && memcmp(&other->any, &address.any, address.len) == 0)
            return;
    }
    found->addresses[found->count++] = address;
}

static void add_family(struct found *found, const struct addrinfo *list, int family, uint16_t port)
{
    for (const struct addrinfo *one = list; one; one = one->ai_next) {
        if (one->ai_family == family)
            add_found(found, one, port);
    }
}

static int resolve_host(struct found *found, struct str host, uint16_t port, struct buf *reterr)
{
    char *name = str_dup_c(host);
    if (!name)
        return -ENOMEM;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_family = AF_UNSPEC};
    struct addrinfo *list = NULL;
    int err = getaddrinfo(name, NULL, &hints, &list);
    free(name);
    if (err) {
        buf_append_str(reterr, str_from_c(gai_strerror(err)));
        return HUB_E_NOT_FOUND;
    }
    add_family(found, list, AF_INET, port);
    add_family(found, list, AF_INET6, port);
    freeaddrinfo(list);
    if (found->count)
        return HUB_OK;
    buf_append_str(reterr, STR("the host has no address of IPv4 or IPv6"));
    return HUB_E_NOT_FOUND;
}

int address_resolve_all(struct address *addresses, size_t max, size_t *ret_count, struct str text,
                        struct buf *reterr)
{
    *ret_count = 1;
    if (str_starts_with(text, UNIX_PREFIX))
        return resolve_unix(addresses, str_slice(text, UNIX_PREFIX.len, text.len), reterr);
    struct str host;
    uint16_t port;
    int err = split(text, &host, &port);
    if (err) {
        buf_append_str(reterr, STR("write it as host:port, :port, [v6]:port or unix:/path"));
        return err;
    }
    if (host.len) {
        struct found found = {.addresses = addresses, .max = max};
        err = resolve_host(&found, host, port, reterr);
        *ret_count = found.count;
        return err;
    }
    set_any(addresses, port);
    return HUB_OK;
}

int address_resolve(struct address *ret_address, struct str text, struct buf *reterr)
{
    size_t count;
    return address_resolve_all(ret_address, 1, &count, text, reterr);
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
