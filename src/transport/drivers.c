// The drivers that are built in, each by the name of its table. A driver that is built in adds one line here
// and one to CMakeLists.txt.
#include "transport/transport.h"

#include "base/buf.h"

#define DRIVERS(X) \
    X(bolt_transport) \
    X(local_transport)

#define X(name) extern const struct transport_ops name;
DRIVERS(X)
#undef X

const struct transport_ops *const transport_drivers[] = {
#define X(name) &name,
    DRIVERS(X)
#undef X
        NULL,
};

static bool has_scheme(const struct transport_ops *ops, struct str scheme)
{
    for (const char *const *own = ops->schemes; *own; own++) {
        if (str_eq(str_from_c(*own), scheme))
            return true;
    }
    return false;
}

static void list_schemes(struct buf *reterr)
{
    const char *before = "";
    for (size_t i = 0; transport_drivers[i]; i++) {
        for (const char *const *scheme = transport_drivers[i]->schemes; *scheme; scheme++) {
            buf_printf(reterr, "%s%s://", before, *scheme);
            before = ", ";
        }
    }
}

const struct transport_ops *transport_driver_find(struct str url, struct buf *reterr)
{
    struct str scheme = str_slice(url, 0, str_find(url, 0, ':'));
    if (str_starts_with(str_slice(url, scheme.len, url.len), STR("://"))) {
        for (size_t i = 0; transport_drivers[i]; i++) {
            if (has_scheme(transport_drivers[i], scheme))
                return transport_drivers[i];
        }
    }
    buf_printf(reterr, "there is no transport for this URL; it must start with one of ");
    list_schemes(reterr);
    return NULL;
}
