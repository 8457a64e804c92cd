#include "bench/load.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "bench/bench.h"
#include "bench/stamp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS_MAX 256
#define NS_PER_S UINT64_C(1000000000)
#define LOOK_NS (NS_PER_S / 4) // how often interruptions, progress and the time limit are looked at
#define WAKE_EVENT UINT64_MAX

struct run {
    struct load *load;
    const struct load_phase *phase;
    uint64_t started_ns;
    uint64_t sent;
    uint64_t in_group; // that may still be sent of this group
    uint64_t moved_ns; // the last time at which something came
    uint64_t seen_delivered;
    uint64_t shown_ns;
    int err;
};

// ---- Opening ----

static int watch(struct load *load, int op, size_t i, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.u64 = i};
    int fd = i == WAKE_EVENT ? load->shared->wake_fd : load->publishers[i].fd;
    return epoll_ctl(load->epoll, op, fd, &event) ? -errno : HUB_OK;
}

static int open_publishers(struct load *load, struct str request)
{
    for (size_t i = 0; i < load->count; i++)
        load->publishers[i].fd = -1;
    for (size_t i = 0; i < load->count; i++) {
        int err = publisher_open(&load->publishers[i], load->config, request);
        if (!err)
            err = watch(load, EPOLL_CTL_ADD, i, EPOLLIN);
        if (err) {
            (void)snprintf(load->failure, sizeof(load->failure), "cannot connect: %s", err_text(err));
            return err;
        }
        load->idle[load->idle_count++] = (uint32_t)i;
    }
    return HUB_OK;
}

int load_open(struct load *load, const struct bench_config *config, struct shared *shared,
              const atomic_bool *interrupted)
{
    *load = (struct load){
        .config = config, .shared = shared, .interrupted = interrupted, .random = 88172645463325252};
    struct buf request;
    buf_init(&request, BENCH_SIZE_MAX + 65536);
    int err = shape_publish(config, &request, &load->shape);
    load->publishers = calloc(config->publishers, sizeof(*load->publishers));
    load->idle = calloc(config->publishers, sizeof(*load->idle));
    load->topics = calloc(config->topics, sizeof(*load->topics));
    load->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (!load->publishers || !load->idle || !load->topics)
        err = -ENOMEM;
    else if (load->epoll < 0)
        err = -errno;
    if (!err) {
        load->count = config->publishers;
        err = open_publishers(load, buf_str(&request));
    }
    if (!err)
        err = watch(load, EPOLL_CTL_ADD, WAKE_EVENT, EPOLLIN);
    buf_done(&request);
    return err;
}

void load_close(struct load *load)
{
    for (size_t i = 0; i < load->count; i++)
        publisher_close(&load->publishers[i]);
    if (load->epoll > 0)
        (void)close(load->epoll);
    free(load->publishers);
    free(load->idle);
    free(load->topics);
    *load = (struct load){0};
}

void load_reset(struct load *load)
{
    load->published = 0;
    load->refused = 0;
    load->first_due_ns = 0;
    load->latency = (struct histogram){0};
}

// ---- Sending ----

static void fail(struct run *run, int err, const char *text)
{
    if (run->err)
        return;
    run->err = err;
    (void)snprintf(run->load->failure, sizeof(run->load->failure), "%s", text);
}

// Counts an update in or, with sign -1, out of what its topic's subscribers must receive.
static void expect(struct load *load, const struct publisher *publisher, uint64_t sign)
{
    struct load_topic *topic = &load->topics[publisher->topic];
    struct tally one = {0};
    tally_add(&one, publisher->number);
    topic->expected.count += sign;
    topic->expected.sum += sign * one.sum;
    load->expected += sign * topic->subscribers;
}

static uint32_t choose_topic(struct run *run)
{
    struct load *load = run->load;
    if (run->phase->round_robin)
        return load->next_number % load->config->topics;
    load->random ^= load->random << 13;
    load->random ^= load->random >> 7;
    load->random ^= load->random << 17;
    return (uint32_t)(load->random % load->config->topics);
}

// A connection is gone. A server may close one that idles just when a request is on its way: that request is
// sent once more, as every HTTP client does.
static void lose(struct run *run, size_t i)
{
    struct load *load = run->load;
    struct publisher *publisher = &load->publishers[i];
    bool resend = publisher->busy && publisher->reused && publisher->got == 0;
    int err = publisher_reconnect(publisher, load->config);
    if (!err)
        err = watch(load, EPOLL_CTL_ADD, i, resend ? EPOLLIN | EPOLLOUT : EPOLLIN);
    if (publisher->busy && !resend)
        fail(run, -EPIPE, "the server closed a publisher's connection without an answer");
    else if (err)
        fail(run, -EPIPE, "the server does not accept publishers any more");
}

static void go_on_sending(struct run *run, size_t i)
{
    enum publisher_state state = publisher_send(&run->load->publishers[i]);
    if (state == PUBLISHER_LOST)
        lose(run, i);
    else
        (void)watch(run->load, EPOLL_CTL_MOD, i, state == PUBLISHER_SENDS ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

static void publish(struct run *run, uint64_t due_ns)
{
    struct load *load = run->load;
    size_t i = load->idle[--load->idle_count];
    struct publisher *publisher = &load->publishers[i];
    publisher->busy = true;
    publisher->topic = choose_topic(run);
    publisher->number = load->next_number++;
    publisher->due_ns = due_ns;
    publisher->sent = publisher->got = 0;
    shape_set_topic(publisher->request, &load->shape, publisher->topic);
    stamp_write(publisher->request + load->shape.stamp_at,
                &(struct stamp){.number = publisher->number, .due_ns = due_ns});
    expect(load, publisher, 1);
    if (load->first_due_ns == 0)
        load->first_due_ns = due_ns;
    enum publisher_state state = publisher_send(publisher);
    if (state == PUBLISHER_LOST)
        lose(run, i);
    else if (state == PUBLISHER_SENDS)
        (void)watch(load, EPOLL_CTL_MOD, i, EPOLLIN | EPOLLOUT);
}

// Whether the subscribers have come far enough for one more update. If not, they will wake us.
static bool subscribers_allow(struct run *run)
{
    struct load *load = run->load;
    if (run->phase->in_flight == 0 || run->in_group > 0)
        return true;
    uint64_t may_wait =
        (uint64_t)(run->phase->in_flight - 1) * run->phase->group * load->topics[0].subscribers;
    uint64_t wanted = load->expected > may_wait ? load->expected - may_wait : 0;
    atomic_store(&load->shared->wake_at, wanted);
    if (atomic_load(&load->shared->delivered) < wanted)
        return false;
    run->in_group = run->phase->group;
    return true;
}

static bool is_over(const struct run *run, uint64_t now_ns)
{
    const struct load_phase *phase = run->phase;
    bool whole_group = run->in_group == 0 || run->in_group == phase->group;
    return run->err || (phase->count && run->sent >= phase->count) ||
           (phase->duration_ns && whole_group && now_ns - run->started_ns >= phase->duration_ns);
}

static uint64_t next_due_ns(const struct run *run, uint64_t now_ns)
{
    if (run->phase->rate <= 0)
        return now_ns;
    return run->started_ns + (uint64_t)((double)run->sent * (double)NS_PER_S / run->phase->rate);
}

// Sends what is due and allowed. An update that has to wait for a free connection keeps its due time.
static void send_more(struct run *run, uint64_t now_ns)
{
    struct load *load = run->load;
    uint64_t due_ns;
    while (load->idle_count && !is_over(run, now_ns) && (due_ns = next_due_ns(run, now_ns)) <= now_ns &&
           subscribers_allow(run)) {
        publish(run, due_ns);
        run->sent++;
        if (run->in_group)
            run->in_group--;
        if (run->phase->rate <= 0)
            now_ns = clock_mono_ns();
    }
}

// ---- Answers ----

static void keep_id(struct run *run, const struct publisher *publisher, struct str body)
{
    struct str id = shape_published_id(run->load->config, body);
    if (id.len == 0 || id.len >= BENCH_ID_MAX) {
        fail(run, -EPIPE, "the server answers a publish without the update's id");
        return;
    }
    char *to = run->load->shared->ids[publisher->number];
    memcpy(to, id.ptr, id.len);
    to[id.len] = '\0';
}

static void note_answer(struct run *run, struct publisher *publisher, unsigned status, struct str body)
{
    struct load *load = run->load;
    run->moved_ns = load->last_answer_ns = clock_mono_ns();
    if (status / 100 == 2) {
        load->published++;
        histogram_add(&load->latency, load->last_answer_ns - publisher->due_ns);
        if (run->phase->keep_ids)
            keep_id(run, publisher, body);
        return;
    }
    load->refused++;
    expect(load, publisher, UINT64_MAX);
    if (status != 503 && status != 429) {
        char text[128];
        struct str line = str_slice(body, 0, str_find(body, 0, '\n'));
        (void)snprintf(text, sizeof(text), "a publish was answered with %u: %.*s", status, STR_ARG(line));
        fail(run, -EPIPE, text);
    }
}

static void receive(struct run *run, size_t i)
{
    struct load *load = run->load;
    struct publisher *publisher = &load->publishers[i];
    unsigned status;
    struct str body;
    switch (publisher_receive(publisher, &status, &body)) {
    case PUBLISHER_LOST:
        lose(run, i);
        break;
    case PUBLISHER_ANSWERED:
        note_answer(run, publisher, status, body);
        publisher->busy = false;
        publisher->reused = true;
        load->idle[load->idle_count++] = (uint32_t)i;
        break;
    case PUBLISHER_WAITS:
    case PUBLISHER_SENDS:
        break;
    }
}

static void handle_event(struct run *run, const struct epoll_event *event)
{
    if (event->data.u64 == WAKE_EVENT) {
        uint64_t value;
        ssize_t len = read(run->load->shared->wake_fd, &value, sizeof(value));
        (void)len; // it is the wake-up that counts
        return;
    }
    size_t i = (size_t)event->data.u64;
    if (event->events & EPOLLOUT)
        go_on_sending(run, i);
    if (event->events & ~(uint32_t)EPOLLOUT)
        receive(run, i);
}

// ---- Waiting ----

static void show_progress(struct run *run, uint64_t now_ns)
{
    const struct bench_config *config = run->load->config;
    if (!config->progress || now_ns - run->shown_ns < NS_PER_S)
        return;
    run->shown_ns = now_ns;
    const struct load *load = run->load;
    uint64_t delivered = atomic_load(&load->shared->delivered);
    uint64_t missing = load->expected > delivered ? load->expected - delivered : 0;
    char text[128];
    (void)snprintf(text, sizeof(text), "%s: %llu published, %llu deliveries to come", run->phase->name,
                   (unsigned long long)load->published, (unsigned long long)missing);
    config->progress(text);
}

// Looks at what does not come as an event.
static void look_around(struct run *run, uint64_t now_ns)
{
    struct load *load = run->load;
    uint64_t delivered = atomic_load(&load->shared->delivered);
    if (delivered != run->seen_delivered) {
        run->seen_delivered = delivered;
        run->moved_ns = now_ns;
    }
    if (atomic_load(load->interrupted))
        run->err = -EINTR;
    else if (now_ns - run->moved_ns > load->config->timeout_ms * UINT64_C(1000000))
        fail(run, -ETIMEDOUT, "nothing has come from the server any more");
    show_progress(run, now_ns);
}

static void wait_for_events(struct run *run, uint64_t until_ns)
{
    struct epoll_event events[EVENTS_MAX];
    uint64_t now_ns = clock_mono_ns();
    uint64_t wait_ns = until_ns > now_ns ? until_ns - now_ns : 0;
    if (wait_ns > LOOK_NS)
        wait_ns = LOOK_NS;
    struct timespec timeout = {.tv_sec = 0, .tv_nsec = (long)wait_ns};
    int count = epoll_pwait2(run->load->epoll, events, EVENTS_MAX, &timeout, NULL);
    for (int i = 0; i < count; i++)
        handle_event(run, &events[i]);
    look_around(run, clock_mono_ns());
}

// When the next update is due by the clock; far away if nothing but an event can bring it.
static uint64_t wake_time(const struct run *run, uint64_t now_ns)
{
    const struct load_phase *phase = run->phase;
    uint64_t end_ns = phase->duration_ns ? run->started_ns + phase->duration_ns : UINT64_MAX;
    if (phase->rate <= 0 || run->load->idle_count == 0)
        return end_ns;
    uint64_t due_ns = next_due_ns(run, now_ns);
    return due_ns < end_ns ? due_ns : end_ns;
}

static struct run start(struct load *load, const struct load_phase *phase)
{
    uint64_t now_ns = clock_mono_ns();
    return (struct run){
        .load = load, .phase = phase, .started_ns = now_ns, .moved_ns = now_ns, .shown_ns = now_ns};
}

// Before a phase, connections that the server has closed meanwhile are opened again.
static void refresh_connections(struct run *run)
{
    for (size_t i = 0; i < run->load->count; i++) {
        char byte;
        if (recv(run->load->publishers[i].fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0 || errno != EAGAIN)
            lose(run, i);
    }
}

int load_run(struct load *load, const struct load_phase *phase)
{
    struct run run = start(load, phase);
    refresh_connections(&run);
    for (;;) {
        uint64_t now_ns = clock_mono_ns();
        send_more(&run, now_ns);
        if (run.err || (is_over(&run, now_ns) && load->idle_count == load->count))
            return run.err;
        // A rate may be slower than the time limit for stand-still.
        if (load->idle_count == load->count && phase->rate > 0)
            run.moved_ns = now_ns;
        wait_for_events(&run, is_over(&run, now_ns) ? UINT64_MAX : wake_time(&run, now_ns));
    }
}

int load_settle(struct load *load)
{
    const struct load_phase nothing = {.name = "waiting"};
    struct run run = start(load, &nothing);
    while (!run.err) {
        atomic_store(&load->shared->wake_at, load->expected);
        if (atomic_load(&load->shared->delivered) >= load->expected)
            return HUB_OK;
        wait_for_events(&run, UINT64_MAX);
    }
    return run.err;
}
