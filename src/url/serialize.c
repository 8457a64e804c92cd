#include "base/buf.h"
#include "base/err.h"
#include "url/url.h"

#include <stdlib.h>

static void append_credentials(const struct url *url, struct buf *to)
{
    if (url->username.len == 0 && url->password.len == 0)
        return;
    buf_append_str(to, url->username);
    if (url->password.len > 0) {
        buf_append_c(to, ':');
        buf_append_str(to, url->password);
    }
    buf_append_c(to, '@');
}

static void append_host_and_port(const struct url *url, struct buf *to)
{
    buf_append_str(to, url->host);
    if (url->port != URL_NO_PORT) {
        buf_append_c(to, ':');
        buf_append_u64(to, (uint64_t)url->port);
    }
}

static void append_authority(const struct url *url, struct buf *to)
{
    if (url->host.ptr) {
        buf_append_str(to, STR("//"));
        append_credentials(url, to);
        append_host_and_port(url, to);
    } else if (!url->has_opaque_path && str_starts_with(url->path, STR("//"))) {
        // Keeps an empty first segment from being read as the start of a host.
        buf_append_str(to, STR("/."));
    }
}

void url_serialize(const struct url *url, struct buf *to)
{
    buf_append_str(to, url->scheme);
    buf_append_c(to, ':');
    append_authority(url, to);
    buf_append_str(to, url->path);
    if (url->query.ptr) {
        buf_append_c(to, '?');
        buf_append_str(to, url->query);
    }
    if (url->fragment.ptr) {
        buf_append_c(to, '#');
        buf_append_str(to, url->fragment);
    }
}

void url_done(struct url *url)
{
    free(url->_memory);
    *url = (struct url){.port = URL_NO_PORT};
}

static bool is_http(const struct url *url)
{
    return str_eq(url->scheme, STR("http")) || str_eq(url->scheme, STR("https"));
}

static void append_origin(const struct url *url, bool has_origin, struct buf *to)
{
    if (!has_origin) {
        buf_append_str(to, STR("null"));
        return;
    }
    buf_append_str(to, url->scheme);
    buf_append_str(to, STR("://"));
    append_host_and_port(url, to);
}

static int append_blob_origin(const struct url *blob, struct buf *to)
{
    struct url url;
    int err = url_parse(&url, blob->path, NULL);
    if (err && err != HUB_E_INVALID)
        return err;
    append_origin(&url, is_http(&url), to);
    url_done(&url);
    return to->err;
}

int url_origin(const struct url *url, struct buf *to)
{
    if (str_eq(url->scheme, STR("blob")))
        return append_blob_origin(url, to);
    append_origin(url, url->is_special && !str_eq(url->scheme, STR("file")), to);
    return to->err;
}
