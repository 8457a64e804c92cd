// Asserts for our own bugs, never for input, peers or the disk. They stay on in release builds.
#pragma once

#define HUB_ASSERT(cond) ((cond) ? (void)0 : assert_failed(#cond, __FILE__, __LINE__))

// Writes the failed condition and its place to stderr and aborts.
_Noreturn void assert_failed(const char *cond, const char *file, int line);
