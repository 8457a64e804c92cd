// Durations and sizes as people write them. Pure.
#pragma once

#include "base/attr.h"
#include "base/str.h"

#include <stdint.h>

struct buf;

// Go's syntax in whole milliseconds: "1h30m", "300ms", "1.5s", "0s". A number without a unit is refused with
// the unit to write; only "0" needs none. HUB_E_INVALID appends what is wrong to `reterr`, to be read after a
// name.
MUST_CHECK int duration_parse(struct str text, uint64_t *ret_ms, struct buf *reterr);
// "1MiB", "64 KiB", "1MB", "10B" or "1048576". HUB_E_INVALID as above.
MUST_CHECK int size_parse(struct str text, uint64_t *ret_bytes, struct buf *reterr);
// Appends it in the largest unit that needs no fraction: "10m", "1500ms", "0s".
void duration_print(uint64_t ms, struct buf *buf);
// The same: "64MiB", "1500", "0".
void size_print(uint64_t bytes, struct buf *buf);
