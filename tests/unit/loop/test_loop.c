#include "base/err.h"
#include "base/wheel.h"
#include "loop/loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

// What happened, a letter each.
struct diary {
    struct loop loop;
    struct message message;
    struct timer timer;
    struct timer other;
    char text[64];
    size_t len;
    unsigned busy; // turns that the hook asks for
};

static void note(struct diary *diary, char letter)
{
    assert_true(diary->len + 1 < sizeof(diary->text));
    diary->text[diary->len++] = letter;
}

static bool first_hook(void *arg)
{
    note(arg, 'a');
    return false;
}

static bool second_hook(void *arg)
{
    struct diary *diary = arg;
    note(diary, 'b');
    return diary->busy > 0 && diary->busy-- > 0;
}

static void message_came(struct message *message)
{
    struct diary *diary = CONTAINER_OF(message, struct diary, message);
    note(diary, 'm');
    loop_stop(&diary->loop);
}

static void timer_fired(struct timer *timer)
{
    struct diary *diary = CONTAINER_OF(timer, struct diary, timer);
    note(diary, 't');
    mailbox_post(&diary->loop.mailbox, &diary->message);
}

static void other_fired(struct timer *timer)
{
    note(CONTAINER_OF(timer, struct diary, other), 'o');
}

static void begin(struct diary *diary)
{
    *diary = (struct diary){.message.handle = message_came};
    assert_int_equal(loop_init(&diary->loop), HUB_OK);
    loop_add_hook(&diary->loop, first_hook, diary);
    loop_add_hook(&diary->loop, second_hook, diary);
    timer_init(&diary->timer, timer_fired);
    timer_init(&diary->other, other_fired);
}

static void end(struct diary *diary, const char *expected)
{
    loop_run(&diary->loop);
    assert_string_equal(diary->text, expected);
    loop_done(&diary->loop);
}

static void hooks_run_in_order_at_the_end_of_each_turn(void **state)
{
    (void)state;
    struct diary diary;
    begin(&diary);
    mailbox_post(&diary.loop.mailbox, &diary.message);
    // The stop is a message of the turn after.
    end(&diary, "abmab");
}

static void what_a_timer_leaves_is_there_for_the_hooks_of_its_turn(void **state)
{
    (void)state;
    struct diary diary;
    begin(&diary);
    timer_set(&diary.loop, &diary.timer, loop_now_ms(&diary.loop));
    end(&diary, "abtabmab");
}

static void a_hook_with_more_to_do_is_not_kept_waiting(void **state)
{
    (void)state;
    struct diary diary;
    begin(&diary);
    diary.busy = 3;
    // Nothing else would wake the loop before the timer; the three turns need no event.
    timer_set(&diary.loop, &diary.timer, loop_now_ms(&diary.loop) + 20 * WHEEL_TICK_MS);
    end(&diary, "abababab"
                "tabmab");
}

static void a_cancelled_timer_does_not_fire_and_one_that_is_moved_fires_once(void **state)
{
    (void)state;
    struct diary diary;
    begin(&diary);
    uint64_t now = loop_now_ms(&diary.loop);
    timer_set(&diary.loop, &diary.other, now + WHEEL_TICK_MS);
    assert_true(timer_is_set(&diary.other));
    timer_cancel(&diary.other);
    assert_false(timer_is_set(&diary.other));
    timer_set(&diary.loop, &diary.timer, now + WHEEL_TICK_MS);
    timer_set(&diary.loop, &diary.timer, now + 4 * WHEEL_TICK_MS);
    loop_run(&diary.loop);
    assert_non_null(strchr(diary.text, 't'));
    assert_ptr_equal(strchr(diary.text, 't'), strrchr(diary.text, 't'));
    assert_null(strchr(diary.text, 'o'));
    assert_true(loop_now_ms(&diary.loop) >= now + 4 * WHEEL_TICK_MS);
    loop_done(&diary.loop);
}

static void messages_that_were_posted_before_a_stop_are_handled(void **state)
{
    (void)state;
    struct diary diary;
    begin(&diary);
    assert_int_equal(loop_spawn(&diary.loop, "test"), HUB_OK);
    mailbox_post(&diary.loop.mailbox, &diary.message);
    loop_stop(&diary.loop);
    loop_join(&diary.loop);
    assert_non_null(strchr(diary.text, 'm'));
    loop_done(&diary.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hooks_run_in_order_at_the_end_of_each_turn),
        cmocka_unit_test(what_a_timer_leaves_is_there_for_the_hooks_of_its_turn),
        cmocka_unit_test(a_hook_with_more_to_do_is_not_kept_waiting),
        cmocka_unit_test(a_cancelled_timer_does_not_fire_and_one_that_is_moved_fires_once),
        cmocka_unit_test(messages_that_were_posted_before_a_stop_are_handled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
