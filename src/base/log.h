// One line per event on stderr, as text or JSON. Only `hub`, `cli` and drivers through `hub` log; everything
// below returns its error.
//
// After log_start, lines go to a thread of their own through a queue of bounded size, so that a worker is
// never held up by whoever reads stderr; lines over the bound are dropped and counted in a later line.
// Thread-safe.
#pragma once

#include "base/attr.h"
#include "base/clock.h"
#include "base/str.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum log_level {
    LOG_LEVEL_DEBUG,
    LOG_LEVEL_INFO,
    LOG_LEVEL_WARN,
    LOG_LEVEL_ERROR,
};

enum log_field_kind {
    LOG_FIELD_STR,
    LOG_FIELD_U64,
};

struct log_field {
    const char *key;
    enum log_field_kind kind;
    struct str text;
    uint64_t number;
};

#define LOG_STR(k, s) ((struct log_field){.key = (k), .kind = LOG_FIELD_STR, .text = (s)})
#define LOG_C(k, c) LOG_STR(k, str_from_c(c))
#define LOG_U64(k, n) ((struct log_field){.key = (k), .kind = LOG_FIELD_U64, .number = (n)})

// The text is a constant sentence; what varies goes into fields. A field whose text has a NULL ptr is left
// out. Fields of a line that is not written are not evaluated. Secrets never go in.
#define LOG(level, text, ...) \
    (log_enabled(level) \
         ? log_event(level, text, (const struct log_field[]){{0}, __VA_ARGS__} + 1, \
                     sizeof((const struct log_field[]){{0}, __VA_ARGS__}) / sizeof(struct log_field) - 1) \
         : (void)0)

// For lines that anybody can bring about as often as they like: each place has a limit of its own, zeroed,
// that lets one line a second pass; how many were left out before it is a field of the next.
struct log_limit {
    atomic_uint_fast64_t next_ms;
    atomic_uint_fast64_t left_out;
};

#define LOG_LIMITED(limit, level, text, ...) \
    (log_enabled(level) && log_limit_pass(limit, clock_mono_ms()) \
         ? LOG(level, text, log_limit_field(limit), __VA_ARGS__) \
         : (void)0)

// Whether a line may be written now; counts it if not.
bool log_limit_pass(struct log_limit *limit, uint64_t now_ms);
// How many were left out, which are then told; nothing if none were.
struct log_field log_limit_field(struct log_limit *limit);

// Sets what is written; before that: info and above, as text. Called before threads start.
void log_configure(enum log_level level, bool json);
bool log_enabled(enum log_level level);
// Starts the thread. Without it lines are written at once. A negative errno on failure.
MUST_CHECK int log_start(void);
// Writes what waits and ends the thread. Harmless without log_start.
void log_stop(void);
void log_event(enum log_level level, const char *text, const struct log_field *fields, size_t count);
