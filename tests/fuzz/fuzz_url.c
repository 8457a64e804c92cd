// The URL parser: what it serializes parses to the same again, with and without a base; and the cheap half of
// the check for reserved topics never contradicts the exact one.
#include "base/assert.h"
#include "base/buf.h"
#include "base/err.h"
#include "url/chars.h"
#include "url/reserved_priv.h"
#include "url/url.h"

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const bases[] = {
    "https://mercure.invalid/.well-known/mercure",
    "http://user:pw@h:8080/a/b/c?q#f",
    "file:///C:/a/b",
    "foo://h/a//b",
    "foo:/a/b",
    "data:opaque ?q",
};

static void assert_same_parts(const struct url *a, const struct url *b)
{
    HUB_ASSERT(str_eq(a->scheme, b->scheme));
    HUB_ASSERT(str_eq(a->username, b->username) && str_eq(a->password, b->password));
    HUB_ASSERT(str_eq(a->host, b->host) && !a->host.ptr == !b->host.ptr);
    HUB_ASSERT(a->port == b->port);
    HUB_ASSERT(str_eq(a->path, b->path) && a->has_opaque_path == b->has_opaque_path);
    HUB_ASSERT(str_eq(a->query, b->query) && !a->query.ptr == !b->query.ptr);
    HUB_ASSERT(str_eq(a->fragment, b->fragment) && !a->fragment.ptr == !b->fragment.ptr);
}

// A URL is printable ASCII and comes back from its own text.
static void check_round_trip(const struct url *url)
{
    struct buf text;
    buf_init(&text, 8 * URL_INPUT_MAX);
    url_serialize(url, &text);
    HUB_ASSERT(text.err == HUB_OK);
    for (size_t i = 0; i < text.len; i++)
        HUB_ASSERT(text.ptr[i] >= ' ' && text.ptr[i] <= '~');
    struct url again;
    int err = url_parse(&again, buf_str(&text), NULL);
    HUB_ASSERT(err == HUB_OK || (err == HUB_E_TOO_BIG && text.len > URL_INPUT_MAX));
    if (!err)
        assert_same_parts(url, &again);
    url_done(&again);
    buf_clear(&text);
    HUB_ASSERT(url_origin(url, &text) == HUB_OK);
    buf_done(&text);
}

static void check_input(struct str input, const struct url *base)
{
    struct url url;
    int err = url_parse(&url, input, base);
    HUB_ASSERT(err == HUB_OK || err == HUB_E_INVALID || err == HUB_E_TOO_BIG);
    if (!err)
        check_round_trip(&url);
    url_done(&url);
    if (base && err != HUB_E_TOO_BIG)
        HUB_ASSERT(!reserved_by_parsing(input, base) || reserved_is_possible(input, base));
}

// The input is also tried as a base, for the fixed ones.
static void check_as_base(struct str input)
{
    struct url base;
    if (url_parse(&base, input, NULL) == HUB_OK) {
        for (size_t i = 0; i < ARRAY_LEN(bases); i++)
            check_input(str_from_c(bases[i]), &base);
        check_input(STR("../x?y"), &base);
        check_input(STR("#mercure"), &base);
    }
    url_done(&base);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = str_make((const char *)data, size);
    HUB_ASSERT(!chars_valid(input) || str_is_utf8(input));
    check_input(input, NULL);
    check_as_base(input);
    for (size_t i = 0; i < ARRAY_LEN(bases); i++) {
        struct url base;
        HUB_ASSERT(url_parse(&base, str_from_c(bases[i]), NULL) == HUB_OK);
        check_input(input, &base);
        url_done(&base);
    }
    return 0;
}
