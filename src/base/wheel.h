// A timer wheel: deadlines in milliseconds, with the caller's clock as an argument. Setting, moving and
// cancelling cost the same with one entry and with a million. An entry never fires early and at most
// WHEEL_TICK_MS late. Not thread-safe.
#pragma once

#include "base/list.h"

#include <stdbool.h>
#include <stdint.h>

#define WHEEL_TICK_MS 16U
#define WHEEL_LEVELS 4
#define WHEEL_SLOTS 64

struct wheel_entry;
typedef void wheel_fire_fn(struct wheel_entry *entry, uint64_t now_ms);

struct wheel_entry {
    struct list _node;
    uint64_t deadline_ms;
};

struct wheel {
    uint64_t _tick;               // every slot before it has fired
    uint64_t _used[WHEEL_LEVELS]; // a bit for each slot that is not empty
    struct list _slots[WHEEL_LEVELS][WHEEL_SLOTS];
};

void wheel_init(struct wheel *wheel, uint64_t now_ms);
// A new entry is not set.
void wheel_entry_init(struct wheel_entry *entry);
// Sets or moves the entry. A deadline in the past fires at the next wheel_advance.
void wheel_set(struct wheel *wheel, struct wheel_entry *entry, uint64_t deadline_ms);
// Harmless when it is not set.
void wheel_cancel(struct wheel_entry *entry);
bool wheel_is_set(const struct wheel_entry *entry);
// Calls fire for each entry that is due; it is no longer set then, and fire may set, cancel or free any.
void wheel_advance(struct wheel *wheel, uint64_t now_ms, wheel_fire_fn *fire);
// When wheel_advance wants to be called next; it may be earlier than any deadline. UINT64_MAX when empty.
uint64_t wheel_next_ms(struct wheel *wheel);
