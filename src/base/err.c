#include "base/err.h"

#include <string.h>

const char *err_text(int err)
{
    switch (err) {
    case HUB_OK:
        return "no error";
#define X(name, value, text) \
    case name: \
        return text;
        HUB_ERRORS(X)
#undef X
    default: {
        const char *text = strerrordesc_np(-err);
        return text ? text : "unknown error";
    }
    }
}
