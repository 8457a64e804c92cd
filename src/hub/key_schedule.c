#include "hub/key_schedule.h"

void key_schedule_init(struct key_schedule *schedule, uint64_t refresh_ms, uint64_t now_ms)
{
    *schedule = (struct key_schedule){.refresh_ms = refresh_ms, .due_ms = now_ms, .may_ask_ms = now_ms};
}

bool key_schedule_may_ask(const struct key_schedule *schedule, uint64_t now_ms)
{
    return !schedule->under_way && now_ms >= schedule->may_ask_ms;
}

void key_schedule_begin(struct key_schedule *schedule, uint64_t now_ms)
{
    schedule->under_way = true;
    schedule->due_ms = UINT64_MAX;
    schedule->may_ask_ms = now_ms + KEY_ASK_GAP_MS;
}

static uint64_t retry_ms(const struct key_schedule *schedule)
{
    uint64_t wait_ms = KEY_RETRY_MIN_MS;
    for (unsigned i = 1; i < schedule->failures && wait_ms < KEY_RETRY_MAX_MS; i++)
        wait_ms *= 2;
    if (wait_ms > KEY_RETRY_MAX_MS)
        wait_ms = KEY_RETRY_MAX_MS;
    bool sooner = schedule->refresh_ms && schedule->refresh_ms < wait_ms;
    return sooner ? schedule->refresh_ms : wait_ms;
}

// Up to a tenth less, so that the hubs of a company do not all come at once.
static uint64_t spread(uint64_t wait_ms, uint64_t dice)
{
    return wait_ms - dice % (wait_ms / 10 + 1);
}

void key_schedule_end(struct key_schedule *schedule, uint64_t now_ms, bool good, uint64_t dice)
{
    schedule->under_way = false;
    schedule->failures = good ? 0 : schedule->failures + 1;
    uint64_t wait_ms = good ? schedule->refresh_ms : retry_ms(schedule);
    schedule->due_ms = wait_ms ? now_ms + spread(wait_ms, dice) : UINT64_MAX;
}
