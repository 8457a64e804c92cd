#include "http/request.h"

#include "base/err.h"

#include <errno.h>

#define METHOD_MAX 32U

static const struct {
    struct str name;
    enum http_method method;
} methods[] = {
    {{"GET", 3}, HTTP_METHOD_GET},       {{"HEAD", 4}, HTTP_METHOD_HEAD},
    {{"POST", 4}, HTTP_METHOD_POST},     {{"PUT", 3}, HTTP_METHOD_PUT},
    {{"DELETE", 6}, HTTP_METHOD_DELETE}, {{"OPTIONS", 7}, HTTP_METHOD_OPTIONS},
    {{"PATCH", 5}, HTTP_METHOD_PATCH},   {{"QUERY", 5}, HTTP_METHOD_QUERY},
};

// The three parts of the request line and what follows the method.
struct request_line {
    struct str method;
    struct str target;
    struct str version;
    struct str rest;
};

static int refuse(struct http_refusal *reterr, unsigned status, const char *reason)
{
    *reterr = (struct http_refusal){.status = status, .reason = reason};
    return HUB_E_INVALID;
}

static int split_line(struct request_line *line, struct str head, struct http_refusal *reterr)
{
    struct str text = str_slice(head, 0, str_find(head, 0, '\r'));
    size_t first = str_find(text, 0, ' ');
    line->method = str_slice(text, 0, first);
    line->rest = str_slice(head, first, head.len);
    struct str behind = str_slice(text, first + 1, text.len);
    size_t second = str_find(behind, 0, ' ');
    line->target = str_slice(behind, 0, second);
    line->version = str_slice(behind, second + 1, behind.len);
    if (line->target.len == 0 || line->version.len == 0)
        return refuse(reterr, 400, "the request line does not have three parts");
    return HUB_OK;
}

static int check_version(struct http_request *request, struct str version, struct http_refusal *reterr)
{
    request->http_1_0 = str_eq(version, STR("HTTP/1.0"));
    if (request->http_1_0 || str_eq(version, STR("HTTP/1.1")))
        return HUB_OK;
    bool numbered = version.len == 8 && str_starts_with(version, STR("HTTP/")) && version.ptr[6] == '.' &&
                    version.ptr[5] >= '0' && version.ptr[5] <= '9' && version.ptr[7] >= '0' &&
                    version.ptr[7] <= '9';
    if (numbered)
        return refuse(reterr, 505, "neither HTTP/1.1 nor HTTP/1.0");
    return refuse(reterr, 400, "malformed protocol version");
}

static int find_method(struct http_request *request, struct str name, struct http_refusal *reterr)
{
    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        if (str_eq(methods[i].name, name)) {
            request->method = methods[i].method;
            return HUB_OK;
        }
    }
    if (name.len > METHOD_MAX || !http_is_token(name))
        return refuse(reterr, 400, "malformed method");
    return refuse(reterr, 501, "unknown method");
}

static bool is_alnum(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool is_in(char c, struct str set)
{
    return str_find(set, 0, c) < set.len;
}

// The end of the host within host[:port]: behind the brackets of an IPv6 address, else at the colon.
static size_t host_end(struct str s)
{
    if (!str_starts_with(s, STR("[")))
        return str_find(s, 0, ':');
    size_t end = str_find(s, 0, ']');
    return end == s.len ? 0 : end + 1;
}

static bool is_host(struct str host)
{
    struct str allowed = STR("-._~!$&'()*+,;=%");
    if (str_starts_with(host, STR("["))) {
        host = str_slice(host, 1, host.len - 1);
        allowed = STR(":.");
    }
    for (size_t i = 0; i < host.len; i++) {
        if (!is_alnum(host.ptr[i]) && !is_in(host.ptr[i], allowed))
            return false;
    }
    return host.len > 0;
}

bool http_is_authority(struct str s)
{
    size_t end = host_end(s);
    if (!is_host(str_slice(s, 0, end)))
        return false;
    if (end == s.len)
        return true;
    struct str port = str_slice(s, end + 1, s.len);
    uint64_t number = 0;
    return s.ptr[end] == ':' &&
           (port.len == 0 || (str_to_u64(port, &number) == HUB_OK && number <= UINT16_MAX));
}

static bool is_visible(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] <= 0x20 || s.ptr[i] == 0x7f || s.ptr[i] == '#')
            return false;
    }
    return true;
}

// Takes scheme and authority of an absolute target off its front.
static int take_absolute(struct http_request *request, struct str *target, struct http_refusal *reterr)
{
    size_t colon = str_find(*target, 0, ':');
    struct str scheme = str_slice(*target, 0, colon);
    struct str rest = str_slice(*target, colon, target->len);
    bool known = str_eq_nocase(scheme, STR("http")) || str_eq_nocase(scheme, STR("https"));
    if (!known || !str_starts_with(rest, STR("://")))
        return refuse(reterr, 400, "the target is neither a path nor a URL of HTTP");
    rest = str_slice(rest, 3, rest.len);
    size_t slash = str_find(rest, 0, '/');
    size_t end = str_find(str_slice(rest, 0, slash), 0, '?');
    request->authority = str_slice(rest, 0, end);
    *target = str_slice(rest, end, rest.len);
    if (!http_is_authority(request->authority))
        return refuse(reterr, 400, "malformed authority in the target");
    return HUB_OK;
}

static int split_target(struct http_request *request, struct str target, struct http_refusal *reterr)
{
    request->query = str_make(NULL, 0);
    request->authority = str_make(NULL, 0);
    if (str_eq(target, STR("*")) && request->method == HTTP_METHOD_OPTIONS) {
        request->path = target;
        return HUB_OK;
    }
    if (!is_visible(target))
        return refuse(reterr, 400, "a character in the target that must be encoded");
    if (target.ptr[0] != '/') {
        int err = take_absolute(request, &target, reterr);
        if (err)
            return err;
    }
    size_t mark = str_find(target, 0, '?');
    request->path = mark ? str_slice(target, 0, mark) : STR("/");
    if (mark < target.len)
        request->query = str_slice(target, mark + 1, target.len);
    return HUB_OK;
}

static int check_host(struct http_request *request, struct http_refusal *reterr)
{
    size_t count = http_fields_count(&request->fields, STR("Host"));
    if (count > 1)
        return refuse(reterr, 400, "more than one Host");
    if (count == 0)
        return request->http_1_0 ? HUB_OK : refuse(reterr, 400, "no Host");
    struct str host = http_fields_get(&request->fields, STR("Host"));
    if (!http_is_authority(host))
        return refuse(reterr, 400, "malformed Host");
    // RFC 9112 §3.2.2 lets the target win; but then whoever is in front may have routed by the other one.
    if (request->authority.ptr && !str_eq_nocase(request->authority, host))
        return refuse(reterr, 400, "Host differs from the target");
    if (!request->authority.ptr)
        request->authority = host;
    return HUB_OK;
}

static int check_transfer_coding(struct http_request *request, struct http_refusal *reterr)
{
    struct str coding = http_fields_get(&request->fields, STR("Transfer-Encoding"));
    if (!coding.ptr)
        return HUB_OK;
    if (request->http_1_0)
        return refuse(reterr, 400, "Transfer-Encoding in HTTP/1.0");
    if (http_fields_count(&request->fields, STR("Content-Length")))
        return refuse(reterr, 400, "both Content-Length and Transfer-Encoding");
    if (http_fields_count(&request->fields, STR("Transfer-Encoding")) > 1)
        return refuse(reterr, 400, "more than one Transfer-Encoding");
    request->chunked = str_eq_nocase(coding, STR("chunked"));
    if (request->chunked)
        return HUB_OK;
    size_t comma = str_find(coding, 0, ',');
    if (str_eq_nocase(str_trim(str_slice(coding, 0, comma)), STR("chunked")))
        return refuse(reterr, 400, "chunked is not the last transfer coding");
    return refuse(reterr, 501, "unknown transfer coding");
}

static int check_length(struct http_request *request, struct http_refusal *reterr)
{
    size_t count = http_fields_count(&request->fields, STR("Content-Length"));
    if (count > 1)
        return refuse(reterr, 400, "more than one Content-Length");
    struct str length = http_fields_get(&request->fields, STR("Content-Length"));
    if (count && str_to_u64(length, &request->content_length) != HUB_OK)
        return refuse(reterr, 400, "malformed Content-Length");
    return HUB_OK;
}

static int check_expectation(struct http_request *request, struct http_refusal *reterr)
{
    struct str expect = http_fields_get(&request->fields, STR("Expect"));
    if (!expect.ptr || request->http_1_0)
        return HUB_OK;
    request->expects_continue = str_eq_nocase(expect, STR("100-continue"));
    return request->expects_continue ? HUB_OK : refuse(reterr, 417, "unknown expectation");
}

static int check_fields(struct http_request *request, struct http_refusal *reterr)
{
    int err = check_transfer_coding(request, reterr);
    if (!err)
        err = check_length(request, reterr);
    if (!err)
        err = check_host(request, reterr);
    if (!err)
        err = check_expectation(request, reterr);
    bool close = http_fields_have_token(&request->fields, STR("Connection"), STR("close"));
    bool keep = http_fields_have_token(&request->fields, STR("Connection"), STR("keep-alive"));
    request->keep_alive = !close && (keep || !request->http_1_0);
    return err;
}

static int check_line(struct http_request *request, const struct request_line *line,
                      struct http_refusal *reterr)
{
    int err = check_version(request, line->version, reterr);
    if (!err)
        err = find_method(request, line->method, reterr);
    if (!err)
        err = split_target(request, line->target, reterr);
    return err;
}

int http_request_parse(struct http_request *ret_request, struct str head, size_t lines, struct arena *arena,
                       struct http_refusal *reterr)
{
    struct http_request request = {0};
    struct request_line line;
    if (lines > HTTP_FIELDS_MAX + 1)
        return refuse(reterr, 431, "too many header fields");
    int err = split_line(&line, head, reterr);
    if (!err)
        err = check_line(&request, &line, reterr);
    if (err)
        return err;
    const char *reason;
    err = http_fields_parse_request(&request.fields, line.rest, lines, arena, &reason);
    if (err == HUB_E_INVALID)
        return refuse(reterr, 400, reason);
    if (!err)
        err = check_fields(&request, reterr);
    if (!err)
        *ret_request = request;
    return err;
}

bool http_request_may_begin(struct str bytes, struct http_refusal *reterr)
{
    struct str method = str_slice(bytes, 0, str_find(bytes, 0, ' '));
    if (bytes.len == 0 || (method.len <= METHOD_MAX && (http_is_token(method) || str_eq(bytes, STR("\r")))))
        return true;
    (void)refuse(reterr, 400, "not a request of HTTP/1");
    return false;
}

struct http_refusal http_request_too_big(struct str bytes)
{
    if (str_find(bytes, 0, '\n') == bytes.len && str_find(bytes, 0, ' ') < bytes.len)
        return (struct http_refusal){.status = 414, .reason = "the target is too long"};
    return (struct http_refusal){.status = 431, .reason = "the header is too big"};
}
