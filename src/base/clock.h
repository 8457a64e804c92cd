// The clocks. Pure code takes the time as an argument instead.
#pragma once

#include <stdint.h>

// Never goes back; for timeouts. Milliseconds or nanoseconds since some start.
uint64_t clock_mono_ms(void);
uint64_t clock_mono_ns(void);
// What this thread has had of a core.
uint64_t clock_thread_ns(void);
// Milliseconds since 1970; for stamps and tokens.
uint64_t clock_real_ms(void);
