#include "http/form.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#include <errno.h>

void form_init(struct form *form, struct str text, struct arena *arena)
{
    *form = (struct form){._rest = text, ._arena = arena};
}

static bool is_plain(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '%' || text.ptr[i] == '+')
            return false;
    }
    return true;
}

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// The byte that "%XX" at `at` stands for, or -1.
static int escaped(struct str text, size_t at)
{
    if (text.ptr[at] != '%' || text.len - at < 3)
        return -1;
    int high = digit(text.ptr[at + 1]);
    int low = digit(text.ptr[at + 2]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

static struct str decode(struct form *form, struct str text)
{
    if (is_plain(text))
        return str_make(text.ptr ? text.ptr : "", text.len);
    char *to = arena_alloc(form->_arena, text.len);
    if (!to) {
        form->err = -ENOMEM;
        return str_make("", 0);
    }
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        int byte = escaped(text, i);
        if (byte >= 0)
            i += 2;
        else
            byte = text.ptr[i] == '+' ? ' ' : (unsigned char)text.ptr[i];
        to[len++] = (char)byte;
    }
    return str_make(to, len);
}

bool form_next(struct form *form, struct str *ret_name, struct str *ret_value)
{
    struct str pair;
    do {
        if (!str_split(&form->_rest, '&', &pair))
            return false;
    } while (pair.len == 0);
    size_t equals = str_find(pair, 0, '=');
    *ret_name = decode(form, str_slice(pair, 0, equals));
    *ret_value = decode(form, str_slice(pair, equals + 1, pair.len));
    return form->err == HUB_OK;
}

static bool stays(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '*' ||
           c == '-' || c == '.' || c == '_';
}

static void encode(struct buf *buf, struct str text)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (stays((char)c)) {
            buf_append_c(buf, (char)c);
        } else if (c == ' ') {
            buf_append_c(buf, '+');
        } else {
            char triplet[3] = {'%', digits[c >> 4], digits[c & 15]};
            buf_append(buf, triplet, sizeof(triplet));
        }
    }
}

void form_append(struct buf *buf, struct str name, struct str value)
{
    if (buf->len)
        buf_append_c(buf, '&');
    encode(buf, name);
    buf_append_c(buf, '=');
    encode(buf, value);
}
