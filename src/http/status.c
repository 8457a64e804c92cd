#include "http/status.h"

#include <string.h>

static const struct {
    unsigned status;
    struct str text;
} statuses[] = {
#define S(status, text) \
    { \
        status, \
        { \
            text, sizeof(text) - 1 \
        } \
    }
    S(100, "Continue"),
    S(200, "OK"),
    S(201, "Created"),
    S(202, "Accepted"),
    S(204, "No Content"),
    S(301, "Moved Permanently"),
    S(302, "Found"),
    S(303, "See Other"),
    S(304, "Not Modified"),
    S(307, "Temporary Redirect"),
    S(308, "Permanent Redirect"),
    S(400, "Bad Request"),
    S(401, "Unauthorized"),
    S(403, "Forbidden"),
    S(404, "Not Found"),
    S(405, "Method Not Allowed"),
    S(406, "Not Acceptable"),
    S(408, "Request Timeout"),
    S(409, "Conflict"),
    S(410, "Gone"),
    S(411, "Length Required"),
    S(413, "Request Entity Too Large"),
    S(414, "URI Too Long"),
    S(415, "Unsupported Media Type"),
    S(417, "Expectation Failed"),
    S(421, "Misdirected Request"),
    S(422, "Unprocessable Content"),
    S(429, "Too Many Requests"),
    S(431, "Request Header Fields Too Large"),
    S(500, "Internal Server Error"),
    S(501, "Not Implemented"),
    S(502, "Bad Gateway"),
    S(503, "Service Unavailable"),
    S(504, "Gateway Timeout"),
    S(505, "HTTP Version Not Supported"),
    S(507, "Insufficient Storage"),
#undef S
};

struct str http_status_text(unsigned status)
{
    for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
        if (statuses[i].status == status)
            return statuses[i].text;
    }
    return STR("Unknown");
}

bool http_status_is_empty(unsigned status)
{
    return status < 200 || status == 204 || status == 304;
}

void http_write_status(struct buf *buf, unsigned status)
{
    buf_append_str(buf, STR("HTTP/1.1 "));
    buf_append_u64(buf, status);
    buf_append_c(buf, ' ');
    buf_append_str(buf, http_status_text(status));
    buf_append_str(buf, STR("\r\n"));
}

static char *put(char *to, struct str s)
{
    if (s.len)
        memcpy(to, s.ptr, s.len);
    return to + s.len;
}

void http_write_field(struct buf *buf, struct str name, struct str value)
{
    size_t len = name.len + 2 + value.len + 2;
    char *to = buf_reserve(buf, len);
    if (!to)
        return;
    to = put(to, name);
    to = put(to, STR(": "));
    to = put(to, value);
    (void)put(to, STR("\r\n"));
    buf_commit(buf, len);
}
