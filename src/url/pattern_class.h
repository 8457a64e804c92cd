// Character classes of JavaScript's regular expressions, as its "v" flag has them: ranges, escapes, classes
// in classes, "&&" (in both) and "--" (in the first alone). A parsed URL is ASCII; so a class is 128 bits.
#pragma once

#include "base/attr.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

struct class_set {
    uint64_t words[2];
};

#define CLASS_NOT_ASCII 0x80

// Reads an escape of one character (\n, \x2F, \u{2F}, \-, ...) behind the "\" at *at and moves *at behind it.
// The character, or CLASS_NOT_ASCII; HUB_E_INVALID when it is none.
MUST_CHECK int class_read_char_escape(struct str in, size_t *at);
// Reads \d, \D, \s, \S, \w or \W likewise. False when it is something else.
bool class_read_set_escape(struct str in, size_t *at, struct class_set *ret_set);
// Reads a class, at whose "[" *at is, and moves *at behind its "]". HUB_E_INVALID or HUB_E_TOO_BIG (nested
// too deeply), with *reason set.
MUST_CHECK int class_read(struct str in, size_t *at, bool ignores_case, struct class_set *ret_set,
                          const char **reason);
// Appends the set in PCRE2's language.
void class_append(struct buf *to, const struct class_set *set);
// Appends a character that stands for itself.
void class_append_char(struct buf *to, unsigned char c);
