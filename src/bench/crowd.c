#include "bench/crowd.h"

#include "base/attr.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "bench/bench.h"
#include "bench/shape.h"
#include "bench/shared.h"
#include "bench/stamp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_SIZE (256U * 1024)
#define EVENTS_MAX 512
#define POLL_MS 50 // how soon a stop is seen
#define REQUEST_MAX 32768U
// One source address has 28,000 ports.
#define SOURCE_ADDRESSES 8U
#define HEAD_END "\r\n\r\n"

enum state {
    STATE_NEW,
    STATE_CONNECTING, // the request has not been sent
    STATE_STATUS,     // it has; nothing has come yet
    STATE_HEAD,       // the end of the response's head has not come
    STATE_STREAM,
    STATE_CLOSED,
};

// One cache line: with many thousands of them, memory is what a delivery costs most.
struct subscriber {
    struct tally tally;
    uint64_t started_ns;
    int fd;
    struct stamp_scan scan;
    uint8_t state;
    uint8_t head_matched; // bytes of HEAD_END
    uint8_t held;         // bytes of a stamp's start, in crowd.held
};

struct crowd {
    const struct crowd_task *task;
    struct crowd_result *result;
    int epoll;
    size_t started;
    size_t connecting;
    uint64_t delivered; // since the last look at the shared counter
    uint64_t last_delivery_ns;
    struct buf request;
    struct subscriber *subscribers;
    char (*held)[STAMP_LEN];
    char room[STAMP_LEN]; // directly in front of `read`: what was held is put before what comes
    char read[READ_SIZE];
};

unsigned crowd_topic(const struct bench_config *config, size_t i)
{
    size_t stride = config->topics > config->subscribers ? config->topics / config->subscribers : 1;
    return (unsigned)(i * stride % config->topics);
}

static void report_failure(struct crowd *crowd, const char *text)
{
    struct shared *shared = crowd->task->shared;
    if (atomic_flag_test_and_set(&shared->failing))
        return;
    (void)snprintf(shared->failure, sizeof(shared->failure), "%s", text);
    atomic_store(&shared->has_failure, true);
}

static void raise_to(_Atomic uint64_t *value, uint64_t to)
{
    uint64_t now = atomic_load(value);
    while (now < to && !atomic_compare_exchange_weak(value, &now, to))
        continue;
}

static void close_subscriber(struct crowd *crowd, struct subscriber *subscriber)
{
    if (subscriber->state < STATE_STREAM)
        crowd->connecting--;
    (void)close(subscriber->fd);
    subscriber->fd = -1;
    subscriber->state = STATE_CLOSED;
    (void)atomic_fetch_add(&crowd->task->shared->unserved, 1);
}

static void fail_subscriber(struct crowd *crowd, struct subscriber *subscriber, const char *text)
{
    report_failure(crowd, text);
    close_subscriber(crowd, subscriber);
}

// ---- Connecting ----

static struct str last_id_of(const struct crowd *crowd, size_t i)
{
    const struct bench_config *config = crowd->task->config;
    if (config->scenario == BENCH_REPLAY)
        return STR("earliest");
    if (!config->with_id)
        return STR("");
    // The history goes round the topics: its first round has each topic's first update.
    return str_from_c(crowd->task->shared->ids[crowd_topic(config, i)]);
}

static void watch(struct crowd *crowd, size_t i, int op, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.u64 = i};
    (void)epoll_ctl(crowd->epoll, op, crowd->subscribers[i].fd, &event);
}

// Returns whether it has been sent.
static bool send_request(struct crowd *crowd, size_t i)
{
    struct subscriber *subscriber = &crowd->subscribers[i];
    size_t number = crowd->task->first + i;
    buf_clear(&crowd->request);
    int err = shape_subscribe(crowd->task->config, crowd_topic(crowd->task->config, number),
                              last_id_of(crowd, number), &crowd->request);
    if (err) {
        fail_subscriber(crowd, subscriber, err_text(err));
        return false;
    }
    ssize_t sent = send(subscriber->fd, crowd->request.ptr, crowd->request.len, MSG_NOSIGNAL);
    if (sent == (ssize_t)crowd->request.len) {
        subscriber->state = STATE_STATUS;
        return true;
    }
    if (sent < 0 && errno != EAGAIN)
        fail_subscriber(crowd, subscriber, err_text(-errno));
    return false;
}

// Loopback sources are spread, so that ports do not run out.
static void bind_source(const struct bench_config *config, int fd, size_t number)
{
    const struct sockaddr_in *to = (const struct sockaddr_in *)(const void *)&config->address;
    if (config->address.ss_family != AF_INET || ntohl(to->sin_addr.s_addr) >> 24 != IN_LOOPBACKNET)
        return;
    struct sockaddr_in from = {.sin_family = AF_INET};
    from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + (uint32_t)(number % SOURCE_ADDRESSES));
    int yes = 1;
    (void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof(yes));
    (void)bind(fd, (struct sockaddr *)&from, sizeof(from));
}

// On loopback the connection is mostly there at once, and so the request is tried without waiting.
static void start_subscriber(struct crowd *crowd, size_t i)
{
    const struct bench_config *config = crowd->task->config;
    struct subscriber *subscriber = &crowd->subscribers[i];
    subscriber->started_ns = clock_mono_ns();
    subscriber->state = STATE_CONNECTING;
    crowd->connecting++;
    subscriber->fd = socket(config->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (subscriber->fd < 0) {
        fail_subscriber(crowd, subscriber, err_text(-errno));
        return;
    }
    bind_source(config, subscriber->fd, crowd->task->first + i);
    const struct sockaddr *to = (const struct sockaddr *)&config->address;
    if (connect(subscriber->fd, to, config->address_len) && errno != EINPROGRESS) {
        fail_subscriber(crowd, subscriber, err_text(-errno));
        return;
    }
    bool sent = send_request(crowd, i);
    if (subscriber->state != STATE_CLOSED)
        watch(crowd, i, EPOLL_CTL_ADD, sent ? EPOLLIN : EPOLLOUT);
}

static void start_more(struct crowd *crowd)
{
    if (crowd->started == 0) {
        uint64_t none = 0;
        (void)atomic_compare_exchange_strong(&crowd->task->shared->first_connect_ns, &none, clock_mono_ns());
    }
    while (crowd->started < crowd->task->count && crowd->connecting < crowd->task->config->parallel)
        start_subscriber(crowd, crowd->started++);
}

// ---- Reading ----

// Takes the head's bytes off; false when its end has not come.
static bool take_head(struct subscriber *subscriber, struct str *bytes)
{
    while (bytes->len && subscriber->head_matched < sizeof(HEAD_END) - 1) {
        char c = bytes->ptr[0];
        *bytes = str_slice(*bytes, 1, bytes->len);
        if (c == HEAD_END[subscriber->head_matched])
            subscriber->head_matched++;
        else
            subscriber->head_matched = c == '\r';
    }
    return subscriber->head_matched == sizeof(HEAD_END) - 1;
}

static bool check_status(struct crowd *crowd, struct subscriber *subscriber, struct str bytes)
{
    if (str_starts_with(bytes, STR("HTTP/1.1 200 ")))
        return true;
    char text[96];
    struct str line = str_slice(bytes, 0, str_find(bytes, 0, '\r'));
    (void)snprintf(text, sizeof(text), "a subscriber was answered: %.*s", STR_ARG(line));
    fail_subscriber(crowd, subscriber, text);
    return false;
}

static void note_connected(struct crowd *crowd, struct subscriber *subscriber, uint64_t now_ns)
{
    subscriber->state = STATE_STREAM;
    crowd->connecting--;
    histogram_add(&crowd->result->connect, now_ns - subscriber->started_ns);
    raise_to(&crowd->task->shared->last_connect_ns, now_ns);
    (void)atomic_fetch_add(&crowd->task->shared->connected, 1);
}

static void note_updates(struct crowd *crowd, struct subscriber *subscriber, struct str *bytes,
                         uint64_t now_ns)
{
    uint64_t from_ns = atomic_load_explicit(&crowd->task->shared->measure_from_ns, memory_order_acquire);
    uint32_t size = (uint32_t)crowd->task->config->size;
    struct stamp stamp;
    while (stamp_next(&subscriber->scan, size, bytes, &stamp)) {
        tally_add(&subscriber->tally, stamp.number);
        crowd->delivered++;
        crowd->last_delivery_ns = now_ns;
        if (stamp.due_ns >= from_ns)
            histogram_add(&crowd->result->delivery, now_ns > stamp.due_ns ? now_ns - stamp.due_ns : 0);
    }
}

static void take_bytes(struct crowd *crowd, size_t i, struct str bytes)
{
    struct subscriber *subscriber = &crowd->subscribers[i];
    uint64_t now_ns = clock_mono_ns();
    if (subscriber->state == STATE_STATUS) {
        if (!check_status(crowd, subscriber, bytes))
            return;
        subscriber->state = STATE_HEAD;
    }
    if (subscriber->state == STATE_HEAD) {
        if (!take_head(subscriber, &bytes))
            return;
        note_connected(crowd, subscriber, now_ns);
    }
    note_updates(crowd, subscriber, &bytes, now_ns);
    subscriber->held = (uint8_t)bytes.len;
    if (bytes.len)
        memcpy(crowd->held[i], bytes.ptr, bytes.len);
}

static void read_stream(struct crowd *crowd, size_t i)
{
    struct subscriber *subscriber = &crowd->subscribers[i];
    ssize_t len = recv(subscriber->fd, crowd->read, READ_SIZE, 0);
    if (len < 0 && errno == EAGAIN)
        return;
    if (len <= 0) {
        fail_subscriber(crowd, subscriber,
                        len ? err_text(-errno) : "the server closed a subscriber's connection");
        return;
    }
    char *from = crowd->read - subscriber->held;
    memcpy(from, crowd->held[i], subscriber->held);
    take_bytes(crowd, i, str_make(from, (size_t)len + subscriber->held));
}

static void handle_event(struct crowd *crowd, size_t i)
{
    struct subscriber *subscriber = &crowd->subscribers[i];
    if (subscriber->state == STATE_CLOSED)
        return;
    if (subscriber->state != STATE_CONNECTING)
        read_stream(crowd, i);
    else if (send_request(crowd, i))
        watch(crowd, i, EPOLL_CTL_MOD, EPOLLIN);
}

// ---- The process ----

static void publish_progress(struct crowd *crowd)
{
    if (crowd->delivered == 0)
        return;
    struct shared *shared = crowd->task->shared;
    raise_to(&shared->last_delivery_ns, crowd->last_delivery_ns);
    uint64_t before = atomic_fetch_add(&shared->delivered, crowd->delivered);
    uint64_t wake_at = atomic_load(&shared->wake_at);
    if (before < wake_at && before + crowd->delivered >= wake_at) {
        uint64_t one = 1;
        ssize_t written = write(shared->wake_fd, &one, sizeof(one));
        (void)written; // an eventfd that is full is readable all the same
    }
    crowd->delivered = 0;
}

// A reset leaves no port behind in TIME_WAIT.
static void reset_all(struct crowd *crowd)
{
    struct linger linger = {.l_onoff = 1};
    for (size_t i = 0; i < crowd->started; i++) {
        struct subscriber *subscriber = &crowd->subscribers[i];
        crowd->task->shared->tallies[crowd->task->first + i] = subscriber->tally;
        if (subscriber->state == STATE_CLOSED)
            continue;
        (void)setsockopt(subscriber->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
        (void)close(subscriber->fd);
    }
}

static int init(struct crowd *crowd, const struct crowd_task *task)
{
    crowd->task = task;
    crowd->result = &task->shared->crowds[task->index];
    buf_init(&crowd->request, REQUEST_MAX);
    crowd->subscribers = calloc(task->count, sizeof(*crowd->subscribers));
    crowd->held = calloc(task->count, sizeof(*crowd->held));
    crowd->epoll = epoll_create1(EPOLL_CLOEXEC);
    return crowd->subscribers && crowd->held && crowd->epoll >= 0 ? HUB_OK : -ENOMEM;
}

int crowd_run(const struct crowd_task *task)
{
    struct crowd *crowd = calloc(1, sizeof(*crowd));
    if (!crowd || init(crowd, task))
        return 1;
    struct epoll_event events[EVENTS_MAX];
    while (!atomic_load_explicit(&task->shared->stop, memory_order_relaxed)) {
        start_more(crowd);
        int count = epoll_wait(crowd->epoll, events, EVENTS_MAX, POLL_MS);
        for (int i = 0; i < count; i++)
            handle_event(crowd, (size_t)events[i].data.u64);
        publish_progress(crowd);
    }
    reset_all(crowd);
    (void)atomic_fetch_add(&task->shared->finished, 1);
    return 0;
}
