#include "http/form.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#include <errno.h>
#include <string.h>

// A parameter must have a name and a value; what they are does not matter.
static bool is_parameter(struct str text)
{
    text = str_trim(text);
    size_t equals = str_find(text, 0, '=');
    return text.len == 0 || (equals > 0 && equals + 1 < text.len);
}

enum form_type form_type_of(struct str content_type)
{
    struct str part;
    struct str rest = content_type;
    bool first = true;
    bool form = false;
    while (str_split(&rest, ';', &part)) {
        if (first)
            form = str_eq_nocase(str_trim(part), STR(FORM_MEDIA_TYPE));
        else if (!is_parameter(part))
            return FORM_TYPE_MALFORMED;
        first = false;
    }
    return form ? FORM_TYPE_FORM : FORM_TYPE_OTHER;
}

bool form_is_strict(struct str text)
{
    for (size_t at = str_find(text, 0, '%'); at < text.len; at = str_find(text, at + 1, '%')) {
        if (str_percent_byte(text, at) < 0)
            return false;
    }
    return str_find(text, 0, ';') == text.len;
}

void form_init(struct form *form, struct str text, struct arena *arena)
{
    *form = (struct form){._rest = text, ._arena = arena};
}

// Runs between escapes are copied whole: most of a payload is one. Where the next of each kind of escape is,
// is looked for once, so that the work grows with the text alone.
static size_t decode_into(char *to, struct str text, size_t percent, size_t plus)
{
    size_t len = 0;
    for (size_t from = 0;;) {
        size_t at = percent < plus ? percent : plus;
        memcpy(to + len, text.ptr + from, at - from);
        len += at - from;
        if (at == text.len)
            return len;
        int byte = str_percent_byte(text, at);
        from = at + (byte >= 0 ? 3 : 1);
        to[len++] = (char)(byte >= 0 ? byte : text.ptr[at] == '+' ? ' ' : '%');
        if (at == percent)
            percent = str_find(text, from, '%');
        else
            plus = str_find(text, from, '+');
    }
}

static struct str decode(struct form *form, struct str text)
{
    size_t percent = str_find(text, 0, '%');
    size_t plus = str_find(text, 0, '+');
    if (percent == text.len && plus == text.len)
        return str_make(text.ptr ? text.ptr : "", text.len);
    char *to = arena_alloc(form->_arena, text.len);
    if (!to) {
        form->err = -ENOMEM;
        return str_make("", 0);
    }
    return str_make(to, decode_into(to, text, percent, plus));
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
