// UUIDs as URNs (RFC 9562): "urn:uuid:" and 36 characters.
#pragma once

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define UUID_URN_LEN 45

// Version 7: time-ordered. Of one thread, ids of the same millisecond rise too (RFC 9562 §6.2, method 1:
// a counter in rand_a). Writes UUID_URN_LEN bytes without a terminating zero.
void uuid_urn_v7(char *to, uint64_t now_ms);
// Version 4: random.
void uuid_urn_v4(char *to);
// Whether it is a lower-case URN of version 7; the time that it carries on success.
bool uuid_urn_time(struct str urn, uint64_t *ret_time_ms);
