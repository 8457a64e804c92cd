// Percent-encoding (URL Standard, section 1.3): the sets of characters that each component of a URL may not
// hold as they are, and the two directions.
#pragma once

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct buf;

// A set of code points: one bit for each ASCII character; all others are always in it.
struct percent_set {
    uint64_t lo; // U+0000 to U+003F
    uint64_t hi; // U+0040 to U+007F
};

extern const struct percent_set percent_c0_set;
extern const struct percent_set percent_fragment_set;
extern const struct percent_set percent_query_set;
extern const struct percent_set percent_special_query_set;
extern const struct percent_set percent_path_set;
extern const struct percent_set percent_userinfo_set;
extern const struct percent_set percent_component_set; // as JavaScript's encodeURIComponent

bool percent_set_has(const struct percent_set *set, unsigned char byte);
// Appends UTF-8 text with each byte of a character in the set as %XX; "%" itself is in the component set
// only. The error is in the buffer.
void percent_encode(struct buf *to, struct str text, const struct percent_set *set);
// Appends the text with each %XX as the byte that it stands for; any other "%" stays. The error is in the
// buffer.
void percent_decode(struct buf *to, struct str text);
