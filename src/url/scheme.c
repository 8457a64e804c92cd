#include "url/scheme.h"

#include "base/attr.h"
#include "url/url.h"

#define SCHEME(name, port) \
    { \
        {name, sizeof(name) - 1}, port \
    }

const struct special_scheme special_schemes[SPECIAL_SCHEMES] = {
    SCHEME("http", 80), SCHEME("https", 443), SCHEME("ws", 80),
    SCHEME("wss", 443), SCHEME("ftp", 21),    SCHEME("file", URL_NO_PORT),
};

const struct special_scheme *scheme_special(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(special_schemes); i++) {
        if (str_eq(name, special_schemes[i].name))
            return &special_schemes[i];
    }
    return NULL;
}
