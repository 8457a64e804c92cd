// The URL parser's state, shared by parse.c, which sets it up and takes the result, and the files that hold
// the states of the standard's machine (section 4.4): states.c, authority.c and path.c.
//
// The standard's machine reads one code point at a time and steps back where it guessed wrong. Here each
// state is a function that reads all that belongs to it and then calls the state that follows; no state comes
// twice, so the calls end. What is read is appended, encoded, to `out`, one component after the other.
#pragma once

#include "base/attr.h"
#include "base/buf.h"
#include "base/str.h"
#include "url/url.h"

#include <stdbool.h>
#include <stddef.h>

struct percent_set;

// Where a component is in `out`, which may move while it grows.
struct span {
    size_t from;
    size_t len;
    bool is_set; // false: the component is null
};

struct parser {
    struct str in; // without tabs, line ends and the spaces around it
    size_t at;
    const struct url *base; // or NULL
    struct buf out;
    struct span scheme;
    struct span username;
    struct span password;
    struct span host;
    struct span path; // the last one in `out` while it grows
    struct span query;
    struct span fragment;
    int port;
    int default_port; // the one that goes without saying for the scheme
    bool has_opaque_path;
    bool is_special;
    bool is_file;
};

#define PARSER_END (-1)

// The byte `ahead` bytes from here, or PARSER_END.
int parser_peek(const struct parser *parser, size_t ahead);
// Whether this is a "/", or a "\" where that is the same: in special URLs.
bool parser_is_slash(const struct parser *parser, int c);
// Whether this ends an authority: a slash, "?", "#" or the end of the input.
bool parser_ends_authority(const struct parser *parser, int c);
// What is between two places of the input.
struct str parser_slice(const struct parser *parser, size_t from, size_t to);
// Appends a component, encoded.
void parser_put(struct parser *parser, struct span *span, struct str text, const struct percent_set *set);
// Appends a component as it is; a null one stays null.
void parser_copy(struct parser *parser, struct span *span, struct str text);
// The component as far as it has been written.
struct str parser_span(const struct parser *parser, const struct span *span);

// states.c: reads all of the input. HUB_E_INVALID, or what host_parse returns; other errors are in `out`.
MUST_CHECK int parser_run(struct parser *parser);

// authority.c: user information, host and port, up to the path. HUB_E_INVALID or what host_parse returns.
MUST_CHECK int parser_read_authority(struct parser *parser);
// authority.c: the host of a file URL, which is no host when it is a drive letter. The same codes.
MUST_CHECK int parser_read_file_host(struct parser *parser);

// path.c: "path start state" and "path state", up to the query or fragment.
void parser_start_path(struct parser *parser);
void parser_read_path(struct parser *parser);
// path.c: "opaque path state".
void parser_read_opaque_path(struct parser *parser);
// path.c: takes the last segment off the path, but never a drive letter.
void parser_shorten_path(struct parser *parser);
// path.c: whether the rest of the input starts with a drive letter that is a whole segment.
bool parser_at_drive_letter(const struct parser *parser);
// path.c: the drive letter that the path starts with, normalised, or an empty slice.
struct str parser_drive_letter_of(struct str path);
