// Header fields of one message: slices into its head, in the order in which they came.
#pragma once

#include "base/attr.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

struct arena;

struct http_field {
    struct str name;
    struct str value; // without white space around it
};

// A constant field, of two string literals.
#define HTTP_FIELD(name, value) \
    { \
        {"" name, sizeof(name) - 1}, \
        { \
            "" value, sizeof(value) - 1 \
        } \
    }

struct http_fields {
    struct http_field *list;
    size_t count;
};

// The value of the first field with that name, in any case; ptr is NULL when there is none.
struct str http_fields_get(const struct http_fields *fields, struct str name);
size_t http_fields_count(const struct http_fields *fields, struct str name);
// Whether one of the fields with that name has `token`, in any case, in its list separated by commas.
bool http_fields_have_token(const struct http_fields *fields, struct str name, struct str token);
// Whether every byte may stand in a field value.
bool http_is_field_value(struct str s);
// Whether it is a token (RFC 9110 §5.6.2): what methods and field names are made of.
bool http_is_token(struct str s);

// Checks a complete head, of a request behind its method or a whole one of a response, with llhttp in its
// strict mode, and lists its fields in memory of the arena. `lines` as http_head_scan has counted them.
// HUB_E_INVALID with a constant sentence in *reterr, or -ENOMEM.
MUST_CHECK int http_fields_parse_request(struct http_fields *ret_fields, struct str head, size_t lines,
                                         struct arena *arena, const char **reterr);
// The same; *ret_status is the status code.
MUST_CHECK int http_fields_parse_response(struct http_fields *ret_fields, unsigned *ret_status,
                                          struct str head, size_t lines, struct arena *arena,
                                          const char **reterr);
