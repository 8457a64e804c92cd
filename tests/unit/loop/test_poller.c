#include "base/err.h"
#include "loop/loop.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define MANY 400U

// One end of a pair of sockets that is watched; the test has the other.
struct pair {
    struct watch watch;
    int mine;
    int err;
    unsigned events; // all so far
    unsigned calls;
    struct pair *closes; // when it is told of something
    unsigned closed;
};

static void closed(struct watch *watch)
{
    CONTAINER_OF(watch, struct pair, watch)->closed++;
}

static void ready(struct watch *watch, int err, unsigned events)
{
    struct pair *pair = CONTAINER_OF(watch, struct pair, watch);
    pair->err = err;
    pair->events |= events;
    pair->calls++;
    if (pair->closes)
        watch_close(&pair->closes->watch, closed);
}

static void turn(struct loop *loop)
{
    (void)uv_run(&loop->uv, UV_RUN_NOWAIT);
}

static void open_pair(struct pair *pair, struct loop *loop, unsigned events)
{
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    *pair = (struct pair){.mine = fds[0]};
    watch_open(&pair->watch, loop, fds[1], ready);
    assert_int_equal(watch_set(&pair->watch, events), HUB_OK);
}

static void close_pair(struct pair *pair)
{
    if (!pair->closed)
        watch_close(&pair->watch, closed);
    (void)close(pair->watch.fd);
    (void)close(pair->mine);
}

static void say(const struct pair *pair)
{
    assert_int_equal(write(pair->mine, "x", 1), 1);
}

static void only_what_is_asked_for_is_told(void **state)
{
    (void)state;
    struct loop loop;
    struct pair pair;
    assert_int_equal(loop_init(&loop), HUB_OK);
    open_pair(&pair, &loop, WATCH_QUIET);
    say(&pair);
    turn(&loop);
    assert_int_equal(pair.calls, 0);
    assert_int_equal(watch_set(&pair.watch, WATCH_READABLE), HUB_OK);
    turn(&loop);
    assert_int_equal(pair.events, WATCH_READABLE);
    pair.events = 0;
    assert_int_equal(watch_set(&pair.watch, WATCH_READABLE | WATCH_WRITABLE), HUB_OK);
    turn(&loop);
    assert_int_equal(pair.events, WATCH_READABLE | WATCH_WRITABLE);
    assert_int_equal(pair.calls, 2);
    close_pair(&pair);
    loop_done(&loop);
    assert_int_equal(pair.closed, 1);
}

static void more_descriptors_than_one_question_asks_for_are_told_in_one_turn(void **state)
{
    (void)state;
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    struct loop loop;
    static struct pair pairs[MANY];
    assert_int_equal(loop_init(&loop), HUB_OK);
    for (unsigned i = 0; i < MANY; i++) {
        open_pair(&pairs[i], &loop, WATCH_READABLE);
        say(&pairs[i]);
    }
    turn(&loop);
    for (unsigned i = 0; i < MANY; i++)
        assert_true(pairs[i].calls > 0);
    for (unsigned i = 0; i < MANY; i++)
        close_pair(&pairs[i]);
    loop_done(&loop);
}

static void who_is_closed_by_a_handler_is_not_told_any_more(void **state)
{
    (void)state;
    struct loop loop;
    struct pair pairs[2];
    assert_int_equal(loop_init(&loop), HUB_OK);
    for (unsigned i = 0; i < 2; i++) {
        open_pair(&pairs[i], &loop, WATCH_READABLE);
        say(&pairs[i]);
    }
    // Whichever comes first closes the other.
    pairs[0].closes = &pairs[1];
    pairs[1].closes = &pairs[0];
    turn(&loop);
    assert_int_equal(pairs[0].calls + pairs[1].calls, 1);
    // It is told that it is closed at the end of the turn, which comes before the next events.
    assert_int_equal(pairs[0].closed + pairs[1].closed, 0);
    struct pair *open = pairs[0].calls ? &pairs[0] : &pairs[1];
    open->closes = NULL;
    turn(&loop);
    assert_int_equal(pairs[0].closed + pairs[1].closed, 1);
    assert_int_equal(open->closed, 0);
    for (unsigned i = 0; i < 2; i++)
        close_pair(&pairs[i]);
    loop_done(&loop);
}

static void a_broken_descriptor_is_told_once_even_to_who_wants_quiet(void **state)
{
    (void)state;
    struct loop loop;
    struct pair pair;
    assert_int_equal(loop_init(&loop), HUB_OK);
    open_pair(&pair, &loop, WATCH_QUIET);
    (void)shutdown(pair.mine, SHUT_RDWR);
    (void)close(pair.mine);
    turn(&loop);
    turn(&loop);
    assert_int_equal(pair.calls, 1);
    assert_int_equal(pair.err, -ECONNRESET);
    close_pair(&pair);
    loop_done(&loop);
}

static void count(struct watch *watch, void *arg)
{
    unsigned *seen = arg;
    (*seen)++;
    watch_close(watch, closed);
}

static void every_open_watch_is_visited_and_may_be_closed_then(void **state)
{
    (void)state;
    struct loop loop;
    struct pair pairs[3];
    unsigned seen = 0;
    assert_int_equal(loop_init(&loop), HUB_OK);
    for (unsigned i = 0; i < 3; i++)
        open_pair(&pairs[i], &loop, WATCH_READABLE);
    watch_close(&pairs[1].watch, closed);
    watch_each(&loop, count, &seen);
    assert_int_equal(seen, 2);
    turn(&loop);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(pairs[i].closed, 1);
        close_pair(&pairs[i]);
    }
    loop_done(&loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_is_asked_for_is_told),
        cmocka_unit_test(more_descriptors_than_one_question_asks_for_are_told_in_one_turn),
        cmocka_unit_test(who_is_closed_by_a_handler_is_not_told_any_more),
        cmocka_unit_test(a_broken_descriptor_is_told_once_even_to_who_wants_quiet),
        cmocka_unit_test(every_open_watch_is_visited_and_may_be_closed_then),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
