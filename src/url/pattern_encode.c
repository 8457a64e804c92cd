#include "base/buf.h"
#include "base/err.h"
#include "url/host.h"
#include "url/pattern_priv.h"
#include "url/percent.h"
#include "url/url.h"

// The standard runs the URL parser in one of its states on a dummy URL of the scheme https. Such a run
// removes tabs and line ends, but no spaces at the ends.

static bool is_tab_or_line_end(char c)
{
    return c == '\t' || c == '\n' || c == '\r';
}

static void append_without_tabs(struct buf *to, struct str text)
{
    size_t run = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (!is_tab_or_line_end(text.ptr[i]))
            continue;
        buf_append_str(to, str_slice(text, run, i));
        run = i + 1;
    }
    buf_append_str(to, str_slice(text, run, text.len));
}

// Appends the text without tabs, encoded.
static int append_encoded(struct buf *to, struct str text, const struct percent_set *set)
{
    struct buf plain;
    buf_init(&plain, text.len);
    append_without_tabs(&plain, text);
    percent_encode(to, buf_str(&plain), set);
    int err = plain.err ? plain.err : to->err;
    buf_done(&plain);
    return err;
}

int encode_protocol(struct buf *to, struct str text)
{
    struct buf input;
    buf_init(&input, URL_INPUT_MAX);
    buf_append_str(&input, text);
    buf_append_str(&input, STR("://dummy.invalid/"));
    struct url url = {0};
    int err = input.err ? input.err : url_parse(&url, buf_str(&input), NULL);
    if (!err)
        buf_append_str(to, url.scheme);
    url_done(&url);
    buf_done(&input);
    return err ? err : to->err;
}

int encode_userinfo(struct buf *to, struct str text)
{
    percent_encode(to, text, &percent_userinfo_set);
    return to->err;
}

// What belongs to the host in "hostname state", up to a character that ends it. False when that is a port.
static bool cut_hostname(struct str *text)
{
    bool in_brackets = false;
    for (size_t i = 0; i < text->len; i++) {
        char c = text->ptr[i];
        if (c == ':' && !in_brackets)
            return false;
        if (c == '/' || c == '?' || c == '#' || c == '\\') {
            *text = str_slice(*text, 0, i);
            break;
        }
        in_brackets = c == '[' || (in_brackets && c != ']');
    }
    return text->len > 0;
}

int encode_hostname(struct buf *to, struct str text)
{
    struct buf plain;
    buf_init(&plain, text.len);
    append_without_tabs(&plain, text);
    struct str host = buf_str(&plain);
    int err = plain.err;
    if (!err)
        err = cut_hostname(&host) ? host_parse(to, host, false) : HUB_E_INVALID;
    buf_done(&plain);
    return err;
}

int encode_ipv6_hostname(struct buf *to, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (str_hex_value(c) < 0 && c != '[' && c != ']' && c != ':')
            return HUB_E_INVALID;
        buf_append_c(to, c >= 'A' && c <= 'F' ? (char)(c | 0x20) : c);
    }
    return to->err;
}

// "Port state" ends at the first character that is no digit.
int encode_port(struct buf *to, struct str text)
{
    unsigned port = 0;
    size_t digits = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (is_tab_or_line_end(c))
            continue;
        if (c < '0' || c > '9')
            break;
        port = port * 10 + (unsigned)(c - '0');
        digits++;
        if (port > UINT16_MAX)
            return HUB_E_INVALID;
    }
    if (digits == 0)
        return HUB_E_INVALID;
    buf_append_u64(to, port);
    return to->err;
}

// "Path start state", in which neither "?" nor "#" ends the path: they are encoded before the URL parser sees
// them. A text that is not the start of a path gets two characters before it that are taken off again.
int encode_pathname(struct buf *to, struct str text)
{
    bool is_start = str_starts_with(text, STR("/"));
    struct buf input;
    buf_init(&input, URL_INPUT_MAX);
    buf_append_str(&input, STR("https://dummy.invalid"));
    if (!is_start)
        buf_append_str(&input, STR("/-"));
    int err = append_encoded(&input, text, &percent_path_set);
    struct url url = {0};
    if (!err)
        err = url_parse(&url, buf_str(&input), NULL);
    if (!err)
        buf_append_str(to, str_slice(url.path, is_start ? 0 : 2, url.path.len));
    url_done(&url);
    buf_done(&input);
    return err ? err : to->err;
}

// "Opaque path state": a "?" or "#" ends the path, and a space before it would be lost.
int encode_opaque_pathname(struct buf *to, struct str text)
{
    size_t end = str_find(text, 0, '?');
    size_t hash = str_find(text, 0, '#');
    end = hash < end ? hash : end;
    struct buf plain;
    buf_init(&plain, text.len);
    append_without_tabs(&plain, str_slice(text, 0, end));
    struct str path = buf_str(&plain);
    bool ends_in_space = end < text.len && str_ends_with(path, STR(" "));
    percent_encode(to, str_slice(path, 0, path.len - ends_in_space), &percent_c0_set);
    if (ends_in_space)
        buf_append_str(to, STR("%20"));
    int err = plain.err ? plain.err : to->err;
    buf_done(&plain);
    return err;
}

int encode_search(struct buf *to, struct str text)
{
    return append_encoded(to, text, &percent_special_query_set);
}

int encode_hash(struct buf *to, struct str text)
{
    return append_encoded(to, text, &percent_fragment_set);
}
