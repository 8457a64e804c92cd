// What each update of a load carries in its data: a number that nothing else in the run has, and when it was
// due. Written in place, and found in a stream without reading the rest of it.
#pragma once

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// '@', 8 hexadecimal digits of the number, 16 of the time. Nothing else that a server sends holds an '@'.
#define STAMP_LEN 25U

struct stamp {
    uint32_t number;
    uint64_t due_ns;
};

// Where a reader stands in one stream of updates whose data has `size` bytes.
struct stamp_scan {
    uint32_t skip; // bytes of the current update's padding that are still to come
};

// Writes STAMP_LEN bytes.
void stamp_write(char *to, const struct stamp *stamp);
// Finds the next stamp in *bytes and moves *bytes behind it. False when no whole one is left: *bytes is then
// the start of one, to be given again in front of what comes next, or empty.
bool stamp_next(struct stamp_scan *scan, uint32_t size, struct str *bytes, struct stamp *ret_stamp);
