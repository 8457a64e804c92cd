// When a set of keys is fetched: on a timer, sooner after a failure, and when a token names a key that the
// set does not have. The last is what anybody can bring about with made-up names, so it has a limit. Pure:
// the clock and the dice are the caller's.
#pragma once

#include "base/attr.h"

#include <stdbool.h>
#include <stdint.h>

// From one fetch to the next that is begun because a token asks for it, however many do.
#define KEY_ASK_GAP_MS 5000U
// After the first failure; doubled by each further one up to the second.
#define KEY_RETRY_MIN_MS 2000U
#define KEY_RETRY_MAX_MS 300000U

struct key_schedule {
    uint64_t refresh_ms; // of the timer; 0: it does not refresh
    uint64_t due_ms;     // the timer's next; UINT64_MAX: never, or one is under way
    uint64_t may_ask_ms; // before that no token begins a fetch
    unsigned failures;   // in a row
    bool under_way;
};

// The first fetch is due at once.
void key_schedule_init(struct key_schedule *schedule, uint64_t refresh_ms, uint64_t now_ms);
// Whether a fetch may be begun for a token now. None is under way.
bool key_schedule_may_ask(const struct key_schedule *schedule, uint64_t now_ms);
void key_schedule_begin(struct key_schedule *schedule, uint64_t now_ms);
// `dice`: any random number.
void key_schedule_end(struct key_schedule *schedule, uint64_t now_ms, bool good, uint64_t dice);
