// Reads JSON (RFC 8259), strictly: UTF-8 only, no duplicate keys, nothing after the value, and bounds on size
// and depth. Pure and thread-safe.
//
// A parsed text is one tree that the caller frees at its root. All values inside are borrowed from it, and so
// is every slice. Asking a value for what it is not, or NULL for anything, is harmless: the answer is NULL,
// zero or false, so that a path can be followed without a test at each step.
#pragma once

#include "base/attr.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct json;

#define JSON_TEXT_MAX ((size_t)1 << 20)
#define JSON_DEPTH_MAX 64U

enum json_kind {
    JSON_KIND_NONE, // of NULL: there is no value
    JSON_KIND_NULL,
    JSON_KIND_BOOL,
    JSON_KIND_NUMBER,
    JSON_KIND_STRING,
    JSON_KIND_ARRAY,
    JSON_KIND_OBJECT,
};

struct json_error {
    unsigned line;   // from 1; 0 when no place is to blame
    unsigned column; // from 1
    char text[160];
};

// Any value may stand at the root. HUB_E_INVALID, HUB_E_TOO_BIG (over one of the bounds), -ENOMEM; `reterr`
// may be NULL and is written on failure only.
MUST_CHECK int json_parse(struct json **ret_root, struct str text, struct json_error *reterr);
// The same with another bound on the size than JSON_TEXT_MAX.
MUST_CHECK int json_parse_up_to(struct json **ret_root, struct str text, size_t max,
                                struct json_error *reterr);
// Frees the whole tree. Accepts NULL.
void json_free(struct json *root);

enum json_kind json_kind(const struct json *value);
// The member of an object, or NULL.
const struct json *json_get(const struct json *object, struct str key);
// The number of elements of an array or members of an object; otherwise 0.
size_t json_count(const struct json *value);
// The element of an array, or NULL.
const struct json *json_at(const struct json *array, size_t index);
// Walks an object's members in the order of the text: start with *iter = NULL; false at the end.
bool json_next(const struct json *object, void **iter, struct str *ret_key, const struct json **ret_value);
// The text of a string (it may hold zero bytes, and ends with one more); otherwise a NULL ptr.
struct str json_str(const struct json *value);
// Whether it is `true`.
bool json_bool(const struct json *value);
// False unless it is a number.
bool json_to_double(const struct json *value, double *ret_number);
// Appends the value as compact JSON: members in their order, numbers with the digits that they need.
void json_dump(const struct json *value, struct buf *buf);
