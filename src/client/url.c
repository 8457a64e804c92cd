#include "client/url.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#include <errno.h>
#include <stdbool.h>

static int refuse(struct buf *reterr, int err, const char *text)
{
    buf_append_str(reterr, str_from_c(text));
    return err;
}

static int split_unix(struct str url, struct str *ret_address, struct client_url *ret_url)
{
    size_t end = str_find(url, sizeof("unix:") - 1, ':');
    *ret_address = str_slice(url, 0, end);
    ret_url->host = STR("localhost");
    ret_url->path = str_slice(url, end + 1, url.len);
    return HUB_OK;
}

// Behind the last bracket of an IPv6 address, or from the start, a colon begins the port.
static bool has_port(struct str authority)
{
    size_t bracket = str_find(authority, 0, ']');
    size_t from = bracket < authority.len ? bracket : 0;
    return str_find(authority, from, ':') < authority.len;
}

static int split_http(struct str url, struct str *ret_address, struct client_url *ret_url,
                      struct arena *arena, struct buf *reterr)
{
    struct str rest = str_slice(url, sizeof("http://") - 1, url.len);
    size_t end = 0;
    while (end < rest.len && rest.ptr[end] != '/' && rest.ptr[end] != '?' && rest.ptr[end] != '#')
        end++;
    ret_url->host = str_slice(rest, 0, end);
    ret_url->path = str_slice(rest, end, str_find(rest, end, '#'));
    *ret_address = ret_url->host;
    if (end == 0 || ret_url->host.ptr[0] == ':')
        return refuse(reterr, HUB_E_INVALID, "the URL names no host");
    if (has_port(ret_url->host))
        return HUB_OK;
    struct buf with_port;
    buf_init(&with_port, 4096);
    buf_append_str(&with_port, ret_url->host);
    buf_append_str(&with_port, STR(":80"));
    *ret_address = arena_dup(arena, buf_str(&with_port));
    int err = with_port.err ? with_port.err : ret_address->ptr ? HUB_OK : -ENOMEM;
    buf_done(&with_port);
    return err;
}

// No byte may end the request line early.
static bool is_sendable(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if ((unsigned char)s.ptr[i] <= ' ' || s.ptr[i] == 0x7F)
            return false;
    }
    return true;
}

int client_url_resolve(struct client_url *ret_url, struct str url, struct arena *arena, struct buf *reterr)
{
    struct str address;
    int err;
    if (!is_sendable(url))
        return refuse(reterr, HUB_E_INVALID, "the URL holds white space or control characters");
    if (str_starts_with(url, STR("unix:/")))
        err = split_unix(url, &address, ret_url);
    else if (str_starts_with(url, STR("http://")))
        err = split_http(url, &address, ret_url, arena, reterr);
    else if (str_starts_with(url, STR("https://")))
        return refuse(reterr, HUB_E_UNSUPPORTED,
                      "https:// is not supported yet: name the hub's http:// address");
    else
        return refuse(reterr, HUB_E_INVALID, "the URL must start with http:// or unix:/");
    if (err)
        return err;
    if (!ret_url->path.len || ret_url->path.ptr[0] != '/') {
        if (ret_url->path.len)
            return refuse(reterr, HUB_E_INVALID, "the URL's path must start with a slash");
        ret_url->path = STR("/");
    }
    return address_resolve(&ret_url->address, address, reterr);
}
