// URL patterns as the URL Pattern Standard (https://urlpattern.spec.whatwg.org/) has them. Pure; a compiled
// pattern never changes and is shared by threads.
//
//     https://example.com/books/:id       one segment of the path; any query, any fragment, no port
//     https://*.example.com/feed/*        anything
//     https://example.com/items{/:tail}?  a group that may be missing (?) or repeated (*, +)
//     /books/:id(\d+)                     a custom group: a regular expression; the rest is the base URL's
//
// Everything but custom groups is matched without a regular expression, in a time that grows with the length
// of the pattern times that of the URL. A component with a custom group is one regular expression in
// JavaScript's language, without lookaround, backreferences, groups with flags, \p and \q; PCRE2 tries it.
//
// Whoever sends patterns and URLs cannot make us work for long. A pattern that would take long to compile is
// over a limit, and a test counts its work and is given up when it has had enough. Measured with the worst
// that we could think of: 3 ms to compile 4,096 bytes (5 µs for an ordinary pattern, 12 to 20 with a custom
// group); a test with url_pattern_work takes 0.5 ms for URLs up to 256 bytes and 0.9 ms for 4 KiB, and three
// times as long where memory may not be made executable (0.07 µs for an ordinary pattern, 0.1 µs with a
// custom group).
#pragma once

#include "base/attr.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct url;
struct url_pattern;

// The longest pattern, and the longest base URL that goes into one, in bytes.
#define URL_PATTERN_MAX ((size_t)4096)

enum url_component {
    URL_PROTOCOL,
    URL_USERNAME,
    URL_PASSWORD,
    URL_HOSTNAME,
    URL_PORT,
    URL_PATHNAME,
    URL_SEARCH,
    URL_HASH,
    URL_COMPONENTS
};

// Why a pattern does not compile, for people.
struct url_pattern_error {
    const char *component; // "pathname"; "pattern" when it is not one component's fault
    const char *reason;    // "a name is used twice"
};

// The pattern of each component; one that is absent has a NULL ptr (the standard's URLPatternInit).
struct url_pattern_init {
    struct str text[URL_COMPONENTS];
};

// Compiles a pattern; what it does not say is taken from the base URL, which is not needed afterwards; NULL
// when there is none. For url_pattern_free. HUB_E_INVALID (*reterr, which may be NULL, says why),
// HUB_E_TOO_BIG (over a limit; the same), -ENOMEM.
MUST_CHECK int url_pattern_compile(struct url_pattern **ret_pattern, struct str text, const struct url *base,
                                   bool ignore_case, struct url_pattern_error *reterr);
// The same from patterns of single components.
MUST_CHECK int url_pattern_compile_init(struct url_pattern **ret_pattern, const struct url_pattern_init *init,
                                        const struct url *base, bool ignore_case,
                                        struct url_pattern_error *reterr);
// Accepts NULL.
void url_pattern_free(struct url_pattern *pattern);

// Whether a URL matches: 1, 0, HUB_E_TOO_BIG when *work does not suffice to tell, or -ENOMEM. It takes from
// *work what it has done, which depends on pattern and URL alone, never on the machine. It allocates only for
// custom groups and URLs of many KiB.
MUST_CHECK int url_pattern_test(const struct url_pattern *pattern, const struct url *url, uint64_t *work);
// The work that is enough for every pattern that is not hostile and a URL of so many bytes, in units of at
// most about a nanosecond.
uint64_t url_pattern_work(size_t url_len);

// What is known without trying, for an index. The slices live as long as the pattern.
//
// The only text that the component matches (host and port may be ""); a NULL ptr when there may be several.
struct str url_pattern_literal(const struct url_pattern *pattern, enum url_component component);
// What each text that the component matches starts with; "" when nothing is known, as with ignore_case.
struct str url_pattern_start(const struct url_pattern *pattern, enum url_component component);
// The bytes of memory that it has.
size_t url_pattern_memory(const struct url_pattern *pattern);
