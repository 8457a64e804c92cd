#include "client.h"

#include "base/clock.h"

#define BUSY 8
#define SPIN_NS 3000000U // longer than one flush may take

// Beside the routes of the rig: /busy is a stream that has nothing to send and always more to look through
// (/busy-now likewise, with something new each time), /watch one that is woken by /tell. They belong to the
// server's thread, but for the counters.
struct watched {
    struct http_stream *stream;
    bool told;
};

static struct watched watched;
static unsigned turn;
static unsigned busy_turn; // in which a busy stream was asked
static unsigned told_at;   // so many looks had been taken when it was told
static unsigned asked[BUSY];
static unsigned busy_count;
static atomic_uint looks;
static atomic_uint looks_in_one_turn; // by streams that were woken
static atomic_uint looks_before_news;

struct busy {
    struct http_stream *stream;
    bool now; // it claims to have something new each time
    unsigned number;
};

static size_t busy_next(void *source, struct http_slice *slices, size_t max, size_t budget)
{
    (void)slices;
    (void)max;
    (void)budget;
    struct busy *busy = source;
    if (asked[busy->number]++) { // the first call is owed to its beginning
        if (busy_turn == turn)
            atomic_fetch_add(&looks_in_one_turn, 1);
        busy_turn = turn;
    }
    for (uint64_t until = clock_mono_ns() + SPIN_NS; clock_mono_ns() < until;)
        ;
    if (busy->now)
        http_stream_wake(busy->stream);
    else
        http_stream_wake_later(busy->stream);
    atomic_fetch_add(&looks, 1);
    return 0;
}

static size_t watched_next(void *source, struct http_slice *slices, size_t max, size_t budget)
{
    (void)source;
    (void)max;
    (void)budget;
    if (!watched.told)
        return 0;
    atomic_fetch_add(&looks_before_news, atomic_load(&looks) - told_at);
    watched.told = false;
    slices[0] = (struct http_slice){.bytes = STR("news\n")};
    return 1;
}

static void taken(void *source, size_t count, bool full)
{
    (void)source;
    (void)count;
    (void)full;
}

static void busy_closed(void *source, enum http_close_reason reason)
{
    (void)reason;
    free(source);
}

static void watched_closed(void *source, enum http_close_reason reason)
{
    (void)source;
    (void)reason;
}

static const struct http_source_ops busy_ops = {.next = busy_next, .taken = taken, .closed = busy_closed};
static const struct http_source_ops watched_ops = {
    .next = watched_next, .taken = taken, .closed = watched_closed};

static struct http_stream *start_stream(struct exchange *exchange, const struct http_source_ops *ops,
                                        void *source)
{
    return exchange_stream(exchange, 200, STR("text/event-stream"), ops, source);
}

static void handle(struct exchange *exchange, void *arg)
{
    struct str path = exchange_path(exchange);
    if (str_starts_with(path, STR("/busy"))) {
        struct busy *busy = calloc(1, sizeof(*busy));
        HUB_ASSERT(busy && busy_count < BUSY);
        busy->number = busy_count++;
        busy->now = str_eq(path, STR("/busy-now"));
        busy->stream = start_stream(exchange, &busy_ops, busy);
    } else if (str_eq(path, STR("/watch"))) {
        watched.stream = start_stream(exchange, &watched_ops, NULL);
    } else if (str_eq(path, STR("/tell"))) {
        watched.told = true;
        told_at = atomic_load(&looks);
        http_stream_wake(watched.stream);
        exchange_respond(exchange, 200, STR("text/plain"), STR("told\n"));
    } else {
        rig_handle(exchange, arg);
    }
}

static bool count_turn(void *arg)
{
    (void)arg;
    turn++;
    return false;
}

static int set_up(void **state)
{
    struct rig *rig = rig_new();
    rig->config.handle = handle;
    watched = (struct watched){0};
    turn = 1;
    busy_turn = busy_count = 0;
    memset(asked, 0, sizeof(asked));
    atomic_store(&looks, 0);
    atomic_store(&looks_in_one_turn, 0);
    atomic_store(&looks_before_news, 0);
    rig_start_with(rig, count_turn);
    *state = rig;
    return 0;
}

static void start_busy(const struct rig *rig, struct rig_client *clients[BUSY], const char *line)
{
    for (unsigned i = 0; i < BUSY; i++) {
        clients[i] = rig_client_new(rig);
        rig_get(clients[i], line);
        assert_int_equal(rig_read_head(clients[i], false), 200);
    }
}

static void streams_that_catch_up_take_turns_and_let_new_events_in_between(void **state)
{
    struct rig *rig = *state;
    struct rig_client *clients[BUSY];
    start_busy(rig, clients, "GET /busy");
    rig_await(&looks, atomic_load(&looks) + 5 * BUSY);
    rig_stop(rig);
    assert_int_equal(atomic_load(&looks_in_one_turn), 0);
    unsigned least = UINT_MAX;
    for (unsigned i = 0; i < BUSY; i++)
        least = asked[i] < least ? asked[i] : least;
    assert_true(least >= 2);
    for (unsigned i = 0; i < BUSY; i++)
        rig_client_free(clients[i]);
}

static void what_is_new_goes_out_before_streams_that_catch_up_are_asked(void **state)
{
    struct rig *rig = *state;
    struct rig_client *clients[BUSY];
    start_busy(rig, clients, "GET /busy");
    struct rig_client *watcher = rig_client_new(rig);
    rig_get(watcher, "GET /watch");
    assert_int_equal(rig_read_head(watcher, false), 200);
    struct rig_client *teller = rig_client_new(rig);
    for (unsigned i = 1; i <= 5; i++) {
        rig_get(teller, "GET /tell");
        assert_int_equal(rig_read_response(teller), 200);
        rig_read_body(watcher, i * strlen("news\n"));
    }
    rig_stop(rig);
    assert_int_equal(atomic_load(&looks_before_news), 0);
    rig_client_free(teller);
    rig_client_free(watcher);
    for (unsigned i = 0; i < BUSY; i++)
        rig_client_free(clients[i]);
}

static void who_sends_ahead_waits_for_its_flush_however_late_that_is(void **state)
{
    struct rig *rig = *state;
    struct rig_client *clients[BUSY];
    start_busy(rig, clients, "GET /busy-now");
    struct rig_client *client = rig_client_new(rig);
    struct buf requests;
    buf_init(&requests, SIZE_MAX / 2);
    for (unsigned i = 0; i < 400; i++)
        buf_printf(&requests, "GET /hello HTTP/1.1\r\nHost: a\r\nX-Filler: %01000d\r\n\r\n", 0);
    rig_send(client->fd, buf_str(&requests));
    for (unsigned i = 0; i < 400; i++)
        assert_int_equal(rig_read_response(client), 200);
    rig_stop(rig);
    buf_done(&requests);
    rig_client_free(client);
    for (unsigned i = 0; i < BUSY; i++)
        rig_client_free(clients[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(streams_that_catch_up_take_turns_and_let_new_events_in_between, set_up),
        cmocka_unit_test_setup(what_is_new_goes_out_before_streams_that_catch_up_are_asked, set_up),
        cmocka_unit_test_setup(who_sends_ahead_waits_for_its_flush_however_late_that_is, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
