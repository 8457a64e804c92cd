#include "base/wheel.h"

#include "base/attr.h"

// Level 0 has one slot per tick; a slot of level n spans WHEEL_SLOTS slots of level n - 1 and is spread over
// them when its time comes. What lies beyond the last level waits in its last slot and is spread again.
#define LEVEL_BITS 6
#define SLOT_MASK (WHEEL_SLOTS - 1U)

_Static_assert(1 << LEVEL_BITS == WHEEL_SLOTS, "a slot index has LEVEL_BITS bits");

static struct wheel_entry *entry_of(struct list *node)
{
    return CONTAINER_OF(node, struct wheel_entry, _node);
}

void wheel_init(struct wheel *wheel, uint64_t now_ms)
{
    *wheel = (struct wheel){._tick = now_ms / WHEEL_TICK_MS};
    for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
        for (unsigned slot = 0; slot < WHEEL_SLOTS; slot++)
            list_init(&wheel->_slots[level][slot]);
    }
}

void wheel_entry_init(struct wheel_entry *entry)
{
    *entry = (struct wheel_entry){0};
    list_init(&entry->_node);
}

static unsigned shift_of(unsigned level)
{
    return level * LEVEL_BITS;
}

static void place(struct wheel *wheel, struct wheel_entry *entry)
{
    // Rounded up, so that nothing fires early.
    uint64_t tick = (entry->deadline_ms + WHEEL_TICK_MS - 1) / WHEEL_TICK_MS;
    if (tick < wheel->_tick)
        tick = wheel->_tick;
    unsigned top = shift_of(WHEEL_LEVELS - 1);
    uint64_t last_slot = (wheel->_tick >> top) + WHEEL_SLOTS - 1;
    if (tick >> top > last_slot)
        tick = last_slot << top;

    // The lowest level that reaches the tick within one turn.
    unsigned level = 0;
    while ((tick >> shift_of(level)) - (wheel->_tick >> shift_of(level)) >= WHEEL_SLOTS)
        level++;
    unsigned slot = (unsigned)(tick >> shift_of(level)) & SLOT_MASK;
    list_append(&wheel->_slots[level][slot], &entry->_node);
    wheel->_used[level] |= UINT64_C(1) << slot;
}

void wheel_set(struct wheel *wheel, struct wheel_entry *entry, uint64_t deadline_ms)
{
    list_remove(&entry->_node);
    entry->deadline_ms = deadline_ms;
    place(wheel, entry);
}

void wheel_cancel(struct wheel_entry *entry)
{
    list_remove(&entry->_node);
}

bool wheel_is_set(const struct wheel_entry *entry)
{
    return !list_empty(&entry->_node);
}

// Ticks from the wheel's time to the start of the next used slot of the level, or UINT64_MAX. Bits of slots
// that cancelling has emptied are cleared on the way.
static uint64_t level_distance(struct wheel *wheel, unsigned level)
{
    uint64_t now = wheel->_tick >> shift_of(level);
    for (;;) {
        unsigned at = (unsigned)now & SLOT_MASK;
        uint64_t used = wheel->_used[level];
        if (!used)
            return UINT64_MAX;
        uint64_t turned = at ? used >> at | used << (WHEEL_SLOTS - at) : used;
        unsigned ahead = (unsigned)__builtin_ctzll(turned);
        unsigned slot = (at + ahead) & SLOT_MASK;
        if (list_empty(&wheel->_slots[level][slot])) {
            wheel->_used[level] &= ~(UINT64_C(1) << slot);
            continue;
        }
        uint64_t start = (now + ahead) << shift_of(level);
        return start > wheel->_tick ? start - wheel->_tick : 0;
    }
}

static uint64_t distance(struct wheel *wheel)
{
    uint64_t least = UINT64_MAX;
    for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
        uint64_t ticks = level_distance(wheel, level);
        if (ticks < least)
            least = ticks;
    }
    return least;
}

uint64_t wheel_next_ms(struct wheel *wheel)
{
    uint64_t ticks = distance(wheel);
    return ticks == UINT64_MAX ? UINT64_MAX : (wheel->_tick + ticks) * WHEEL_TICK_MS;
}

// Spreads the slots of the upper levels that begin at the wheel's time.
static void cascade(struct wheel *wheel)
{
    for (unsigned level = WHEEL_LEVELS - 1; level > 0; level--) {
        unsigned slot = (unsigned)(wheel->_tick >> shift_of(level)) & SLOT_MASK;
        struct list entries;
        list_init(&entries);
        list_splice(&entries, &wheel->_slots[level][slot]);
        wheel->_used[level] &= ~(UINT64_C(1) << slot);
        struct list *node;
        while ((node = list_first(&entries)) != NULL) {
            list_remove(node);
            place(wheel, entry_of(node));
        }
    }
}

void wheel_advance(struct wheel *wheel, uint64_t now_ms, wheel_fire_fn *fire)
{
    uint64_t until = now_ms / WHEEL_TICK_MS;
    struct list due;
    list_init(&due);
    while (wheel->_tick <= until) {
        uint64_t ahead = distance(wheel);
        if (ahead > until - wheel->_tick) {
            wheel->_tick = until + 1;
            cascade(wheel);
            break;
        }
        wheel->_tick += ahead;
        cascade(wheel);
        unsigned slot = (unsigned)wheel->_tick & SLOT_MASK;
        list_splice(&due, &wheel->_slots[0][slot]);
        wheel->_used[0] &= ~(UINT64_C(1) << slot);
        wheel->_tick++;
    }
    // From a list of their own, so that an entry that fire sets anew waits for the next advance.
    struct list *node;
    while ((node = list_first(&due)) != NULL) {
        list_remove(node);
        fire(entry_of(node), now_ms);
    }
}
