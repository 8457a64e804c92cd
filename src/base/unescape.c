#include "base/unescape.h"

#include "base/arena.h"
#include "base/err.h"

#include <errno.h>

int unescape(struct str text, bool plus, struct arena *arena, struct str *ret_text)
{
    char *to = arena_alloc(arena, text.len + 1);
    if (!to)
        return -ENOMEM;
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '%') {
            int byte = str_percent_byte(text, i);
            if (byte < 0)
                return HUB_E_INVALID;
            c = (char)byte;
            i += 2;
        } else if (c == '+' && plus) {
            c = ' ';
        }
        to[len++] = c;
    }
    to[len] = '\0';
    *ret_text = str_make(to, len);
    return HUB_OK;
}
