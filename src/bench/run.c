#include "bench/bench.h"

#include "base/clock.h"
#include "base/err.h"
#include "bench/crowd.h"
#include "bench/load.h"
#include "bench/shared.h"
#include "bench/target.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_MS UINT64_C(1000000)
#define SETTLE_MS 300 // for what is still on its way or being set up

const char *const bench_scenario_names[] = {"idle",  "broadcast", "burst",  "unicast", "private",
                                            "match", "publish",   "replay", "storm"};
const char *const bench_protocol_names[] = {"mercure", "nchan", "bare"};
const char *const bench_own_names[] = {"pattern", "grant", "grant_pattern", NULL};

static atomic_bool interrupted;

void bench_interrupt(void)
{
    atomic_store(&interrupted, true);
}

struct session {
    const struct bench_config *config;
    struct bench_result *result;
    struct shared *shared;
    size_t shared_size;
    pid_t *crowds;
    size_t crowd_count;
    struct load load;
    struct target target;
    uint64_t started_ns; // of the measured phase
};

static void fail(struct session *session, const char *text)
{
    if (session->result->failure[0] == '\0')
        (void)snprintf(session->result->failure, sizeof(session->result->failure), "%s", text);
}

// ---- Shared memory ----

static size_t align_up(size_t size)
{
    return (size + 63) / 64 * 64;
}

// One mapping: the head, then the arrays.
static int map_shared(struct session *session)
{
    const struct bench_config *config = session->config;
    session->crowd_count = (config->subscribers + config->per_process - 1) / config->per_process;
    size_t crowds_at = align_up(sizeof(struct shared));
    size_t tallies_at = crowds_at + align_up(session->crowd_count * sizeof(struct crowd_result));
    size_t ids_at = tallies_at + align_up(config->subscribers * sizeof(struct tally));
    session->shared_size = ids_at + (config->with_id ? (size_t)config->history * BENCH_ID_MAX : 0);
    char *at = mmap(NULL, session->shared_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED)
        return -errno;
    struct shared *shared = (struct shared *)(void *)at;
    shared->crowd_count = session->crowd_count;
    shared->crowds = (struct crowd_result *)(void *)(at + crowds_at);
    shared->tallies = (struct tally *)(void *)(at + tallies_at);
    shared->ids = config->with_id ? (char(*)[BENCH_ID_MAX])(void *)(at + ids_at) : NULL;
    atomic_store(&shared->measure_from_ns, UINT64_MAX);
    session->shared = shared;
    shared->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return shared->wake_fd < 0 ? -errno : HUB_OK;
}

// ---- Crowds ----

// The child ignores Ctrl-C, which the terminal sends to all: the run says when to stop.
static void be_crowd(const struct crowd_task *task, pid_t parent)
{
    (void)signal(SIGINT, SIG_IGN);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    _exit(crowd_run(task));
}

static int start_crowds(struct session *session)
{
    const struct bench_config *config = session->config;
    pid_t parent = getpid();
    session->crowds = calloc(session->crowd_count + 1, sizeof(*session->crowds));
    if (!session->crowds)
        return -ENOMEM;
    for (size_t i = 0; i < session->crowd_count; i++) {
        size_t first = i * config->per_process;
        size_t left = config->subscribers - first;
        struct crowd_task task = {config, session->shared, i, first, left};
        if (left > config->per_process)
            task.count = config->per_process;
        session->crowds[i] = fork();
        if (session->crowds[i] == 0)
            be_crowd(&task, parent);
        if (session->crowds[i] < 0)
            return -errno;
    }
    return HUB_OK;
}

static void stop_crowds(struct session *session)
{
    if (!session->crowds)
        return;
    atomic_store(&session->shared->stop, true);
    for (size_t i = 0; i < session->crowd_count; i++) {
        if (session->crowds[i] > 0)
            (void)waitpid(session->crowds[i], NULL, 0);
    }
    free(session->crowds);
    session->crowds = NULL;
}

static void sleep_ms(uint64_t ms)
{
    struct timespec time = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000 * NS_PER_MS)};
    (void)nanosleep(&time, NULL); // a signal ends it early, as it should
}

static void show_connecting(const struct session *session, uint64_t connected)
{
    if (!session->config->progress)
        return;
    char text[96];
    (void)snprintf(text, sizeof(text), "%llu of %u subscribers are connected", (unsigned long long)connected,
                   session->config->subscribers);
    session->config->progress(text);
}

// Waits until each subscriber is connected or has failed. -EINTR, -ETIMEDOUT.
static int wait_connected(struct session *session)
{
    struct shared *shared = session->shared;
    uint64_t before = 0;
    uint64_t moved_ms = clock_mono_ms();
    for (uint64_t looks = 1;; looks++) {
        uint64_t connected = atomic_load(&shared->connected);
        if (connected + atomic_load(&shared->unserved) >= session->config->subscribers)
            return HUB_OK;
        if (atomic_load(&interrupted))
            return -EINTR;
        if (connected != before)
            moved_ms = clock_mono_ms();
        if (clock_mono_ms() - moved_ms > session->config->timeout_ms) {
            fail(session, "the server accepts no more subscribers");
            return -ETIMEDOUT;
        }
        before = connected;
        if (looks % 500 == 0)
            show_connecting(session, connected);
        sleep_ms(2);
    }
}

// ---- Phases ----

static struct target_usage usage_of(const struct session *session)
{
    struct target_usage usage = {0};
    if (session->result->has_server)
        target_read(&session->target, &usage);
    return usage;
}

static int publish_some(struct session *session, uint64_t count)
{
    const struct load_phase phase = {
        .name = "history",
        .count = count,
        .group = 1,
        .round_robin = true,
        .keep_ids = session->config->with_id,
    };
    return count ? load_run(&session->load, &phase) : HUB_OK;
}

// With ids, each topic's first update must stand before its second: the rounds do not overlap.
static int publish_history(struct session *session)
{
    const struct bench_config *config = session->config;
    uint64_t first = config->with_id ? config->topics : 0;
    int err = publish_some(session, first);
    if (!err)
        err = publish_some(session, config->history - first);
    load_reset(&session->load);
    return err;
}

// With history each subscriber receives what its topic has behind the id: everything, or all but the first.
// Those of BENCH_MATCH receive nothing.
static void expect_history(struct session *session)
{
    const struct bench_config *config = session->config;
    struct load *load = &session->load;
    if (config->with_id) {
        for (unsigned topic = 0; topic < config->topics; topic++) {
            struct tally first = {0};
            tally_add(&first, topic);
            load->topics[topic].expected.count -= 1;
            load->topics[topic].expected.sum -= first.sum;
        }
    }
    for (unsigned i = 0; config->scenario != BENCH_MATCH && i < config->subscribers; i++) {
        struct load_topic *topic = &load->topics[crowd_topic(config, i)];
        topic->subscribers++;
        load->expected += topic->expected.count;
    }
}

static int connect_subscribers(struct session *session)
{
    struct bench_result *result = session->result;
    struct target_usage before = usage_of(session);
    result->memory_before = before.anon_bytes;
    result->kernel_before = before.kernel_bytes;
    expect_history(session);
    int err = start_crowds(session);
    if (!err)
        err = wait_connected(session);
    if (err)
        return err;
    err = load_settle(&session->load);
    if (session->config->subscribers)
        sleep_ms(SETTLE_MS);
    struct target_usage after = usage_of(session);
    result->connect_cpu_ns = after.cpu_ns - before.cpu_ns;
    result->memory_connected = after.anon_bytes;
    result->kernel_connected = after.kernel_bytes;
    return err;
}

static struct load_phase publishing(const struct bench_config *config)
{
    return (struct load_phase){
        .name = "measuring",
        .count = config->count,
        .duration_ns = config->count ? 0 : config->duration_ms * NS_PER_MS,
        .rate = config->rate,
        .in_flight = config->in_flight,
        .group = config->group,
    };
}

static int warm_up(struct session *session)
{
    if (session->config->warmup_ms == 0)
        return HUB_OK;
    struct load_phase phase = publishing(session->config);
    phase.name = "warm-up";
    phase.count = 0;
    phase.duration_ns = session->config->warmup_ms * NS_PER_MS;
    int err = load_run(&session->load, &phase);
    if (!err)
        err = load_settle(&session->load);
    load_reset(&session->load);
    return err;
}

static int measure_publishing(struct session *session)
{
    struct load *load = &session->load;
    int err = warm_up(session);
    if (err)
        return err;
    struct target_usage before = usage_of(session);
    struct load_phase phase = publishing(session->config);
    uint64_t delivered = atomic_load(&session->shared->delivered);
    session->started_ns = clock_mono_ns();
    atomic_store(&session->shared->measure_from_ns, session->started_ns);
    err = load_run(load, &phase);
    if (!err)
        err = load_settle(load);
    uint64_t last_ns = atomic_load(&session->shared->last_delivery_ns);
    if (load->last_answer_ns > last_ns)
        last_ns = load->last_answer_ns;
    struct bench_result *result = session->result;
    result->cpu_ns = usage_of(session).cpu_ns - before.cpu_ns;
    result->elapsed_ns = last_ns > session->started_ns ? last_ns - session->started_ns : 0;
    result->delivered = atomic_load(&session->shared->delivered) - delivered;
    return err;
}

static void show_idling(const struct bench_config *config, uint64_t elapsed_ms)
{
    if (!config->progress)
        return;
    char text[96];
    (void)snprintf(text, sizeof(text), "measuring: %llu of %llu s", (unsigned long long)elapsed_ms / 1000,
                   (unsigned long long)config->duration_ms / 1000);
    config->progress(text);
}

static int measure_idling(struct session *session)
{
    struct target_usage before = usage_of(session);
    uint64_t started_ns = clock_mono_ns();
    uint64_t end_ns = started_ns + session->config->duration_ms * NS_PER_MS;
    for (uint64_t looks = 1; clock_mono_ns() < end_ns && !atomic_load(&interrupted); looks++) {
        sleep_ms(100);
        if (looks % 10 == 0)
            show_idling(session->config, (clock_mono_ns() - started_ns) / NS_PER_MS);
    }
    session->result->cpu_ns = usage_of(session).cpu_ns - before.cpu_ns;
    session->result->elapsed_ns = clock_mono_ns() - started_ns;
    return atomic_load(&interrupted) ? -EINTR : HUB_OK;
}

// The connecting was the measurement; a replay goes on until the last update has come.
static void note_connecting(struct session *session)
{
    struct bench_result *result = session->result;
    const struct shared *shared = session->shared;
    bool replay = session->config->scenario == BENCH_REPLAY;
    uint64_t end_ns = atomic_load(replay ? &shared->last_delivery_ns : &shared->last_connect_ns);
    uint64_t start_ns = atomic_load(&shared->first_connect_ns);
    result->delivered = atomic_load(&shared->delivered);
    result->cpu_ns = result->connect_cpu_ns;
    result->elapsed_ns = end_ns > start_ns ? end_ns - start_ns : 0;
}

static int run_phases(struct session *session)
{
    int err = publish_history(session);
    if (!err)
        err = connect_subscribers(session);
    switch (session->config->scenario) {
    case BENCH_IDLE:
        return err ? err : measure_idling(session);
    case BENCH_REPLAY:
    case BENCH_STORM:
        note_connecting(session);
        return err;
    case BENCH_BROADCAST:
    case BENCH_BURST:
    case BENCH_UNICAST:
    case BENCH_PRIVATE:
    case BENCH_MATCH:
    case BENCH_PUBLISH:
        break;
    }
    return err ? err : measure_publishing(session);
}

// ---- Results ----

static void check_tally(struct bench_result *result, const struct tally *expected, const struct tally *seen)
{
    if (seen->count < expected->count)
        result->lost += expected->count - seen->count;
    else if (seen->count > expected->count)
        result->repeated += seen->count - expected->count;
    else if (seen->sum != expected->sum) {
        result->lost++; // one that is missing hides behind one that came twice
        result->repeated++;
    }
}

// Every subscriber of a topic must have seen the same updates in the order of the first that has seen them
// all.
static int check_subscribers(struct session *session)
{
    const struct bench_config *config = session->config;
    const struct load_topic *topics = session->load.topics;
    const struct tally none = {0};
    bool is_match = config->scenario == BENCH_MATCH;
    uint64_t *orders = calloc(config->topics, sizeof(*orders));
    if (!orders)
        return -ENOMEM;
    for (size_t i = 0; i < config->subscribers; i++) {
        const struct tally *seen = &session->shared->tallies[i];
        unsigned topic = crowd_topic(config, i);
        const struct tally *expected = is_match ? &none : &topics[topic].expected;
        check_tally(session->result, expected, seen);
        if (is_match || seen->count != expected->count)
            continue;
        if (orders[topic] == 0)
            orders[topic] = seen->order;
        else if (orders[topic] != seen->order)
            session->result->disordered++;
    }
    free(orders);
    return HUB_OK;
}

static void collect(struct session *session)
{
    struct bench_result *result = session->result;
    struct shared *shared = session->shared;
    result->memory_after = usage_of(session).anon_bytes;
    // The count may be complete only because something has come twice: let what is on its way arrive.
    if (!result->interrupted)
        sleep_ms(SETTLE_MS);
    stop_crowds(session);
    for (size_t i = 0; i < session->crowd_count; i++) {
        histogram_merge(&result->delivery, &shared->crowds[i].delivery);
        histogram_merge(&result->connect, &shared->crowds[i].connect);
    }
    result->publish = session->load.latency;
    result->published = session->load.published;
    result->refused = session->load.refused;
    result->connected = atomic_load(&shared->connected);
    result->unserved = atomic_load(&shared->unserved);
    // An interruption may have reached the server as well.
    if (result->interrupted)
        return;
    if (atomic_load(&shared->has_failure))
        fail(session, shared->failure);
    else
        fail(session, session->load.failure);
}

static int open_session(struct session *session)
{
    const struct bench_config *config = session->config;
    int err = map_shared(session);
    if (err)
        return err;
    if (config->server) {
        err = target_find(&session->target, config->server);
        if (err) {
            fail(session, "there is no server process of that number");
            return err;
        }
        session->result->has_server = true;
    }
    return load_open(&session->load, config, session->shared, &interrupted);
}

static void close_session(struct session *session)
{
    stop_crowds(session);
    load_close(&session->load);
    if (!session->shared)
        return;
    if (session->shared->wake_fd >= 0)
        (void)close(session->shared->wake_fd);
    (void)munmap(session->shared, session->shared_size);
}

// Once there are subscribers, there is something to report even when it did not go well: what was lost says
// why.
int bench_run(const struct bench_config *config, struct bench_result *result)
{
    *result = (struct bench_result){0};
    struct session session = {.config = config, .result = result};
    int err = open_session(&session);
    if (!err)
        err = run_phases(&session);
    bool reportable = session.crowds && (err == HUB_OK || err == -ETIMEDOUT || err == -EPIPE);
    result->interrupted = err == -EINTR;
    if (session.crowds)
        collect(&session);
    if (reportable && check_subscribers(&session))
        reportable = false;
    if (config->progress)
        config->progress(NULL);
    if (err && err != -EINTR)
        fail(&session, session.load.failure[0] ? session.load.failure : err_text(err));
    close_session(&session);
    return reportable || result->interrupted ? HUB_OK : err;
}
