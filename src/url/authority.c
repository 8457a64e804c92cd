#include "base/err.h"
#include "url/host.h"
#include "url/parser_priv.h"
#include "url/percent.h"

static size_t authority_end(const struct parser *parser)
{
    size_t len = 0;
    while (!parser_ends_authority(parser, parser_peek(parser, len)))
        len++;
    return parser->at + len;
}

static void read_userinfo(struct parser *parser, struct str userinfo)
{
    size_t colon = str_find(userinfo, 0, ':');
    parser_put(parser, &parser->username, str_slice(userinfo, 0, colon), &percent_userinfo_set);
    parser_put(parser, &parser->password, str_slice(userinfo, colon + 1, userinfo.len),
               &percent_userinfo_set);
}

// The colon before the port: the first one outside brackets, or the length.
static size_t port_colon(struct str host)
{
    bool in_brackets = false;
    for (size_t i = 0; i < host.len; i++) {
        char c = host.ptr[i];
        if (c == '[')
            in_brackets = true;
        else if (c == ']')
            in_brackets = false;
        else if (c == ':' && !in_brackets)
            return i;
    }
    return host.len;
}

static int read_host(struct parser *parser, struct str text)
{
    parser->host = (struct span){.from = parser->out.len, .is_set = true};
    int err = host_parse(&parser->out, text, !parser->is_special);
    parser->host.len = parser->out.len - parser->host.from;
    return err;
}

static int read_port(struct parser *parser, struct str text)
{
    int port = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return HUB_E_INVALID;
        port = port * 10 + (text.ptr[i] - '0');
        if (port > UINT16_MAX)
            return HUB_E_INVALID;
    }
    if (text.len > 0 && port != parser->default_port)
        parser->port = port;
    return HUB_OK;
}

static int read_host_and_port(struct parser *parser, struct str text)
{
    size_t colon = port_colon(text);
    bool has_port = colon < text.len;
    if (colon == 0 && (parser->is_special || has_port))
        return HUB_E_INVALID;
    int err = read_host(parser, str_slice(text, 0, colon));
    return err ? err : read_port(parser, str_slice(text, colon + 1, text.len));
}

int parser_read_authority(struct parser *parser)
{
    struct str text = parser_slice(parser, parser->at, authority_end(parser));
    parser->at += text.len;
    // An "@" that is not the last one belongs to the user information.
    size_t at_sign = text.len;
    while (at_sign > 0 && text.ptr[at_sign - 1] != '@')
        at_sign--;
    if (at_sign > 0) {
        if (at_sign == text.len)
            return HUB_E_INVALID;
        read_userinfo(parser, str_slice(text, 0, at_sign - 1));
    }
    return read_host_and_port(parser, str_slice(text, at_sign, text.len));
}

int parser_read_file_host(struct parser *parser)
{
    size_t end = authority_end(parser);
    struct str text = parser_slice(parser, parser->at, end);
    parser->at = end;
    if (text.len == 0) {
        parser_copy(parser, &parser->host, STR(""));
        return HUB_OK;
    }
    int err = read_host(parser, text);
    if (err)
        return err;
    if (str_eq(parser_span(parser, &parser->host), STR("localhost"))) {
        parser->out.len = parser->host.from;
        parser->host.len = 0;
    }
    return HUB_OK;
}
