// URI Templates (RFC 6570) as selectors of topics: what a subscriber of the 0.x protocol writes as `topic`.
//
// This is not the reverse of an expansion. A selector stands for a set of texts, more generous than the
// RFC's, that 0.x clients know: the names of variables and the lengths of prefixes do not matter, any
// expression may be missing, and a value is a run of the characters that its operator lets through:
//
//     expression    begins with   values may hold                     values are parted by
//     {a} {a,b}                   unreserved, "," and %XX             ","
//     {+a}                        the same and all reserved           ","
//     {#a}          "#"           the same and all reserved           ","
//     {.a}          "."           unreserved, "," and %XX             "."
//     {/a,b}        "/"           unreserved, "," and %XX             "/", at most one value for each
//     variable
//     {;a,b}        ";"           unreserved, ",", "=" and %XX        ";", likewise
//     {?a,b} {&a}   "?" or "&"    unreserved, ",", "=" and %XX        "&", likewise
//
// A variable with "*" allows any number of values, and "=" in them. Everything outside of braces must be
// there byte for byte. Pure; a compiled template is immutable and shared by threads.
#pragma once

#include "base/attr.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define URL_TEMPLATE_MAX 4096U       // bytes of a template
#define URL_TEMPLATE_VALUES_MAX 100U // that it may wait for: those of its variables that are not merged

struct url_template {
    struct str start; // what every text that matches begins with
    size_t memory;
    size_t _count;
    struct template_state *_states;
};

// For url_template_free. HUB_E_INVALID when the text is no template (one has at least one expression),
// HUB_E_TOO_BIG when it is over one of the bounds, -ENOMEM.
MUST_CHECK int url_template_compile(struct url_template **ret_template, struct str text);
// Accepts NULL.
void url_template_free(struct url_template *template);
// Whether the template stands for the whole topic: 1, 0, or HUB_E_TOO_BIG when *work does not suffice to
// tell. It takes from *work (url_pattern_work in url/pattern.h) what it has done, which grows with the
// topic's length times the number of values. Without memory of its own.
MUST_CHECK int url_template_test(const struct url_template *template, struct str topic, uint64_t *work);
