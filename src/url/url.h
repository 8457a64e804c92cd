// URLs as the URL Standard (https://url.spec.whatwg.org/) has them: the basic URL parser, the serializer and
// the origin. Pure; any thread.
//
//     https://user:pw@example.com:8443/a/b?q#f      scheme "https", username "user", password "pw",
//                                                   host "example.com", port 8443, path "/a/b", query "q",
//                                                   fragment "f"
//     mailto:someone@example.com                    scheme "mailto", host null, path "someone@example.com"
//                                                   (opaque)
#pragma once

#include "base/attr.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

struct buf;

// The longest input that is parsed, in bytes.
#define URL_INPUT_MAX ((size_t)64 * 1024)
#define URL_NO_PORT (-1)

// Each component is in its serialized form, without the characters that set it apart from its neighbours.
// One that is null (which differs from an empty one) has a NULL ptr.
struct url {
    struct str scheme;   // lower case
    struct str username; // never null
    struct str password; // never null
    struct str host;     // or null; an IPv6 address has its brackets
    int port;            // URL_NO_PORT when there is none or it is the default one of the scheme
    struct str path;     // empty, opaque, or a list of segments with "/" before each
    struct str query;    // or null
    struct str fragment; // or null
    bool has_opaque_path;
    bool is_special; // http, https, ws, wss, ftp or file
    char *_memory;   // what the slices are in
};

// Parses UTF-8; `base` (or NULL; never `url`) is what relative input is resolved against, not needed
// afterwards. HUB_E_INVALID when the standard says failure or the input is not UTF-8, HUB_E_TOO_BIG for
// longer input than URL_INPUT_MAX (or a result of four times that), -ENOMEM; *url is empty then.
MUST_CHECK int url_parse(struct url *url, struct str input, const struct url *base);
// Whether a segment of its path is "." or "..", percent-encoded or not: parsing it, relative or absolute,
// takes such segments out.
bool url_has_dot_segments(struct str text);
// Accepts a zeroed struct.
void url_done(struct url *url);
// Appends the text of a URL; parsing it gives the same URL. The error is in the buffer.
void url_serialize(const struct url *url, struct buf *to);
// Appends "scheme://host[:port]", or "null" for schemes without a meaningful origin. A blob: URL has the
// origin of the URL in it. HUB_OK, -ENOMEM, or the error that is in the buffer.
MUST_CHECK int url_origin(const struct url *url, struct buf *to);
