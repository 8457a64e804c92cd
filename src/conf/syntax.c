#include "conf/syntax.h"

#include <string.h>

// sun_path less its terminating zero.
#define UNIX_PATH_MAX 107U

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool letter_or_digit(char c)
{
    return digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

static bool one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c);
}

static bool is_port(struct str s)
{
    uint64_t port;
    return s.len <= 5 && str_to_u64(s, &port) == 0 && port <= 65535;
}

// Bytes that no host or URL holds.
static bool has_foreign(struct str s, const char *foreign)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c <= ' ' || c == 0x7f || one_of((char)c, foreign))
            return true;
    }
    return false;
}

// Splits "host:port" at its last colon outside brackets. Without a port *ret_port has a NULL ptr. False when
// the brackets are not sound.
static bool split_port(struct str authority, struct str *ret_host, struct str *ret_port)
{
    size_t end = 0;
    if (authority.len && authority.ptr[0] == '[') {
        end = str_find(authority, 0, ']') + 1;
        if (end > authority.len || end < 4)
            return false;
    }
    size_t colon = str_find(authority, end, ':');
    if (end && colon != end && end != authority.len)
        return false;
    *ret_host = str_slice(authority, 0, colon);
    *ret_port = colon < authority.len ? str_slice(authority, colon + 1, authority.len) : str_make(NULL, 0);
    return true;
}

static bool is_host(struct str host)
{
    if (host.len && host.ptr[0] == '[') {
        for (size_t i = 1; i + 1 < host.len; i++) {
            if (!letter_or_digit(host.ptr[i]) && !one_of(host.ptr[i], ":.%"))
                return false;
        }
        return true;
    }
    for (size_t i = 0; i < host.len; i++) {
        if (!letter_or_digit(host.ptr[i]) && !one_of(host.ptr[i], "-._%") &&
            (unsigned char)host.ptr[i] < 0x80)
            return false;
    }
    return true;
}

const char *syntax_check_address(struct str address)
{
    if (str_starts_with(address, STR("unix:"))) {
        struct str path = str_slice(address, 5, address.len);
        if (path.len < 2 || path.ptr[0] != '/')
            return "needs an absolute path, as unix:/run/cinnabar.sock";
        return path.len > UNIX_PATH_MAX ? "has a path of more than 107 bytes" : NULL;
    }
    struct str host;
    struct str port;
    if (!split_port(address, &host, &port) || !is_host(host))
        return "is not an address: write host:port, :port, [v6]:port or unix:/path";
    if (!port.ptr)
        return "has no port: write host:port, or :port for every address of the machine";
    return is_port(port) ? NULL : "has no sound port: write a number from 0 to 65535";
}

// The length of "scheme://" at the start, or 0.
static size_t scheme_len(struct str url)
{
    size_t len = 0;
    while (len < url.len && (letter_or_digit(url.ptr[len]) || one_of(url.ptr[len], "+-.")))
        len++;
    if (len == 0 || digit(url.ptr[0]) || !letter_or_digit(url.ptr[0]))
        return 0;
    return str_starts_with(str_slice(url, len, url.len), STR("://")) ? len + 3 : 0;
}

static size_t count_stars(struct str s)
{
    size_t stars = 0;
    for (size_t i = 0; i < s.len; i++)
        stars += s.ptr[i] == '*';
    return stars;
}

const char *syntax_check_origin(struct str origin)
{
    static const char shape[] =
        "is not an origin: write a scheme and a host alone, as https://example.com, or * or null";
    if (str_eq(origin, STR("*")) || str_eq(origin, STR("null")))
        return NULL;
    size_t scheme = scheme_len(origin);
    struct str authority = str_slice(origin, scheme, origin.len);
    if (!scheme || has_foreign(authority, "/?#@\\\"<>^`{|},;"))
        return shape;
    if (count_stars(authority) > 1)
        return "has more than one *";
    struct str host;
    struct str port;
    if (!split_port(authority, &host, &port) || (host.len == 0 && port.ptr))
        return shape;
    // A development server that takes any port has pages at any port.
    return port.ptr && !is_port(port) && !str_eq(port, STR("*")) ? "has no sound port" : NULL;
}

static struct str authority_of(struct str url)
{
    struct str rest = str_slice(url, scheme_len(url), url.len);
    size_t end = 0;
    while (end < rest.len && !one_of(rest.ptr[end], "/?#"))
        end++;
    return str_slice(rest, 0, end);
}

const char *syntax_check_web_url(struct str url)
{
    struct str scheme = str_slice(url, 0, scheme_len(url));
    if (!str_eq_nocase(scheme, STR("https://")) && !str_eq_nocase(scheme, STR("http://")))
        return "is not an absolute URL of http or https";
    if (has_foreign(url, "\\\"<>^`{|}"))
        return "holds a character that must be percent-encoded";
    if (str_find(url, 0, '#') < url.len)
        return "must not have a fragment";
    struct str authority = authority_of(url);
    struct str host;
    struct str port;
    if (str_find(authority, 0, '@') < authority.len)
        return "must not hold a user name";
    if (!split_port(authority, &host, &port) || host.len == 0 || !is_host(host))
        return "has no sound host";
    return port.ptr && !is_port(port) ? "has no sound port" : NULL;
}

const char *syntax_check_token(struct str token)
{
    for (size_t i = 0; i < token.len; i++) {
        if (!letter_or_digit(token.ptr[i]) && !one_of(token.ptr[i], "!#$%&'*+-.^_`|~"))
            return "holds a character that a cookie's name cannot have";
    }
    return token.len ? NULL : "must not be empty";
}

struct str syntax_file_path(struct str url)
{
    const struct str scheme = STR("file:");
    if (!str_starts_with(url, scheme))
        return str_make(NULL, 0);
    struct str path = str_slice(url, scheme.len, url.len);
    if (str_starts_with(path, STR("//localhost/")))
        path = str_slice(path, STR("//localhost").len, path.len);
    else if (str_starts_with(path, STR("///")))
        path = str_slice(path, 2, path.len);
    bool absolute = str_starts_with(path, STR("/")) && !str_starts_with(path, STR("//"));
    return absolute ? path : str_make(NULL, 0);
}

struct str syntax_host(struct str url)
{
    struct str host = {0};
    struct str port;
    return split_port(authority_of(url), &host, &port) ? host : str_make(NULL, 0);
}
