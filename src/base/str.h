// A slice of bytes that somebody else owns. There is no terminating zero unless a comment says so.
#pragma once

#include "base/attr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct str {
    const char *ptr;
    size_t len;
};

// A slice of a string literal.
#define STR(literal) ((struct str){"" literal, sizeof(literal) - 1})
// The two arguments of printf's "%.*s".
#define STR_ARG(s) (int)(s).len, (s).ptr ? (s).ptr : ""

static inline struct str str_make(const char *ptr, size_t len)
{
    return (struct str){ptr, len};
}

// The slice of a zero-terminated string; NULL gives the empty slice.
struct str str_from_c(const char *c);
bool str_eq(struct str a, struct str b);
// Equal when ASCII letters are compared without case.
bool str_eq_nocase(struct str a, struct str b);
// Order of the bytes, the shorter first when one is the start of the other; as memcmp.
int str_cmp(struct str a, struct str b);
bool str_starts_with(struct str s, struct str prefix);
bool str_ends_with(struct str s, struct str suffix);
// The index of the first `c` at or after `from`, or s.len.
size_t str_find(struct str s, size_t from, char c);
// s[from, to), both cut to the length.
struct str str_slice(struct str s, size_t from, size_t to);
// Without spaces and tabs at both ends.
struct str str_trim(struct str s);
// Takes the part before the first `sep` off the front of *s. False when *s was the last part and is used up
// (*s.ptr is NULL then). An empty slice gives one empty part.
bool str_split(struct str *s, char sep, struct str *ret_part);
// Decimal digits only, no sign, no space. HUB_E_INVALID when it is anything else or does not fit.
MUST_CHECK int str_to_u64(struct str s, uint64_t *ret_value);
// The value of a hexadecimal digit in either case, or -1.
int str_hex_value(char c);
// The byte that %XX at `at` stands for, or -1 when there is none.
int str_percent_byte(struct str s, size_t at);
// A zero-terminated copy for free(), or NULL when memory is out.
char *str_dup_c(struct str s);
// Whether the bytes are valid UTF-8 (RFC 3629: no surrogates, no overlong forms).
bool str_is_utf8(struct str s);
