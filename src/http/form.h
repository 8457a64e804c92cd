// application/x-www-form-urlencoded, as the URL Standard has it (section 5): the body of a publish, and the
// query of a request. Pure.
//
// Only "&" separates, ";" is data, and a "%" without two hexadecimal digits stands for itself. What the
// decoded bytes are is left to the caller: the standard would replace what is not UTF-8, a hub refuses it.
#pragma once

#include "base/str.h"

#include <stdbool.h>

struct arena;
struct buf;

#define FORM_MEDIA_TYPE "application/x-www-form-urlencoded"

// What the value of a Content-Type makes of a body.
enum form_type {
    FORM_TYPE_FORM,
    FORM_TYPE_OTHER, // or there is none
    FORM_TYPE_MALFORMED,
};

enum form_type form_type_of(struct str content_type);

// Whether a text holds neither a ";" nor a "%" without two hexadecimal digits behind it: what the parser of
// the 0.x hub took for no form at all, and form_next takes as it stands.
bool form_is_strict(struct str text);

struct form {
    int err; // HUB_OK, or -ENOMEM: the walk has ended early
    struct str _rest;
    struct arena *_arena;
};

// Walks the pairs of `text`. Names and values without escapes are slices of it, decoded ones are in the
// arena.
void form_init(struct form *form, struct str text, struct arena *arena);
// The next pair; false at the end and on an error.
bool form_next(struct form *form, struct str *ret_name, struct str *ret_value);
// Appends a pair, encoded, with a "&" before it if there is something already.
void form_append(struct buf *buf, struct str name, struct str value);
