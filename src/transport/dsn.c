#include "transport/dsn.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/unescape.h"

#include <errno.h>

int dsn_decode(struct str text, struct arena *arena, struct str *ret_text)
{
    int err = unescape(text, false, arena, ret_text);
    bool has_zero = !err && str_find(*ret_text, 0, '\0') < ret_text->len;
    return has_zero ? HUB_E_INVALID : err; // there is no zero byte in a path
}

// Takes what follows the first `c` off *s.
static struct str cut_after(struct str *s, char c)
{
    size_t at = str_find(*s, 0, c);
    struct str after = str_slice(*s, at + 1, s->len);
    *s = str_slice(*s, 0, at);
    return after;
}

int dsn_parse(struct dsn *ret_dsn, struct str url, struct arena *arena, struct buf *reterr)
{
    size_t colon = str_find(url, 0, ':');
    struct str rest = str_slice(url, colon, url.len);
    if (colon == 0 || !str_starts_with(rest, STR("://"))) {
        buf_printf(reterr, "the URL of the transport needs a scheme, as in bolt://mercure.db");
        return HUB_E_INVALID;
    }
    struct dsn dsn = {.scheme = str_slice(url, 0, colon)};
    rest = str_slice(rest, 3, rest.len);
    (void)cut_after(&rest, '#');
    dsn.query = cut_after(&rest, '?');
    size_t slash = str_find(rest, 0, '/');
    dsn.host = str_slice(rest, 0, slash);
    size_t user_end = str_find(dsn.host, 0, '@');
    if (user_end < dsn.host.len)
        dsn.host = str_slice(dsn.host, user_end + 1, dsn.host.len);
    int err = dsn_decode(str_slice(rest, slash, rest.len), arena, &dsn.path);
    if (err == HUB_E_INVALID)
        buf_printf(reterr,
                   "the path of the transport's URL has a '%%' without two hexadecimal digits after it");
    if (!err)
        *ret_dsn = dsn;
    return err;
}
