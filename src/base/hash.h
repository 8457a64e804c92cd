// Two hash functions. hash_keyed is for tables in memory: SipHash-1-3 under a secret of this process, so
// that nobody can choose keys that collide. hash_stable is the same everywhere and for ever (FNV-1a, 32
// bits): it stands in stored records as a filter and decides nothing alone.
#pragma once

#include "base/str.h"

#include <stdint.h>

// Draws the secret. Called once by main before any thread starts; before that the secret is zero.
void hash_init(void);
uint64_t hash_keyed(struct str s);
uint32_t hash_stable(struct str s);
