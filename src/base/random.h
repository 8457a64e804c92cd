// Random bytes from the system.
#pragma once

#include <stddef.h>
#include <stdint.h>

// Fills the memory. Aborts when the system has no randomness to give, which Linux never answers once it
// has started. Thread-safe; a thread draws from a buffer of its own, so that most calls are no system call.
void random_bytes(void *to, size_t len);
// Uniform in [0, bound); 0 when bound is 0.
uint64_t random_below(uint64_t bound);
