// A compiled template: the states of an automaton, in the order of the text. template_parse.c makes them,
// template.c walks them.
#pragma once

#include "base/attr.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum template_chars {
    TEMPLATE_CHARS_UNRESERVED, // and ","
    TEMPLATE_CHARS_PAIRS,      // and "="
    TEMPLATE_CHARS_RESERVED,   // and everything that is reserved
};

// Waits for a byte. A literal one is `byte` itself and leads to the next state. A value takes a run of its
// characters or none: `byte` (0: none) parts it from the next value.
struct template_state {
    unsigned char byte;
    bool is_value;
    bool repeats;              // `byte` leads to another value of the same state, not of the next one
    enum template_chars chars; // of a value
    uint32_t skip_to;          // the state behind the expression, which may be reached from here for nothing;
                               // 0 for a literal of the text
};

// Writes at most one state for each byte of the text: their number. HUB_E_INVALID when it is no template,
// HUB_E_TOO_BIG when it has more than URL_TEMPLATE_VALUES_MAX values.
MUST_CHECK int template_parse(struct str text, struct template_state *states, size_t *ret_count);
