#include "base/log.h"

#include "base/buf.h"
#include "base/clock.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 16384U
#define QUEUE_MAX_BYTES (4U << 20)
#define LIMIT_MS 1000U

struct line {
    struct line *next;
    size_t len;
    char text[];
};

// The one piece of state of the process that is not reached through an argument: a log is where everything
// ends, and handing it through every call would hide more than it shows.
static struct {
    enum log_level level;
    bool json;
    bool started;
    pthread_t thread;
    sem_t wake;
    _Atomic(struct line *) newest; // a stack that the thread takes whole and turns round
    atomic_size_t bytes;
    atomic_uint_fast64_t dropped;
    atomic_bool stop;
} state = {.level = LOG_LEVEL_INFO};

static const char *const level_names[] = {"debug", "info", "warn", "error"};

void log_configure(enum log_level level, bool json)
{
    state.level = level;
    state.json = json;
}

bool log_enabled(enum log_level level)
{
    return level >= state.level;
}

static void write_all(const char *text, size_t len)
{
    while (len) {
        ssize_t n = write(STDERR_FILENO, text, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return; // nobody can be told
        text += n;
        len -= (size_t)n;
    }
}

static void append_stamp(struct buf *buf)
{
    uint64_t now_ms = clock_real_ms();
    time_t seconds = (time_t)(now_ms / 1000);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    char text[32];
    size_t len = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
    buf_append(buf, text, len);
    buf_printf(buf, ".%03uZ", (unsigned)(now_ms % 1000));
}

// U+0080 to U+009F, which some terminals obey as they do ESC.
static bool is_c1(struct str s, size_t i)
{
    return i + 1 < s.len && s.ptr[i] == '\xC2' && (unsigned char)s.ptr[i + 1] < 0xA0;
}

static void append_quoted(struct buf *buf, struct str s)
{
    buf_append_c(buf, '"');
    bool utf8 = str_is_utf8(s);
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c == '"' || c == '\\') {
            buf_append_c(buf, '\\');
            buf_append_c(buf, (char)c);
        } else if (utf8 && is_c1(s, i)) {
            buf_printf(buf, "\\u%04x", (unsigned char)s.ptr[++i]);
        } else if (c < 0x20 || c == 0x7f || (c >= 0x80 && !utf8)) {
            buf_printf(buf, "\\u%04x", c);
        } else {
            buf_append_c(buf, (char)c);
        }
    }
    buf_append_c(buf, '"');
}

static bool plain(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c <= ' ' || c >= 0x7f || c == '"' || c == '=' || c == '\\')
            return false;
    }
    return s.len > 0;
}

static void append_value(struct buf *buf, const struct log_field *field)
{
    if (field->kind == LOG_FIELD_U64)
        buf_append_u64(buf, field->number);
    else if (!state.json && plain(field->text))
        buf_append_str(buf, field->text);
    else
        append_quoted(buf, field->text);
}

static void append_line(struct buf *buf, enum log_level level, const char *text,
                        const struct log_field *fields, size_t count)
{
    const char *name = level_names[level];
    if (state.json)
        buf_printf(buf, "{\"time\":\"");
    append_stamp(buf);
    if (state.json) {
        buf_printf(buf, "\",\"level\":\"%s\",\"msg\":", name);
        append_quoted(buf, str_from_c(text));
    } else {
        buf_printf(buf, " %-5s %s", name, text);
    }
    for (size_t i = 0; i < count; i++) {
        const struct log_field *field = &fields[i];
        if (field->kind == LOG_FIELD_STR && !field->text.ptr)
            continue;
        buf_printf(buf, state.json ? ",\"%s\":" : " %s=", field->key);
        append_value(buf, field);
    }
    buf_printf(buf, state.json ? "}\n" : "\n");
}

// Never blocks: pushes and wakes the thread.
static void enqueue(const struct buf *buf)
{
    if (atomic_load_explicit(&state.bytes, memory_order_relaxed) + buf->len > QUEUE_MAX_BYTES) {
        atomic_fetch_add_explicit(&state.dropped, 1, memory_order_relaxed);
        return;
    }
    struct line *line = malloc(sizeof(*line) + buf->len);
    if (!line) {
        atomic_fetch_add_explicit(&state.dropped, 1, memory_order_relaxed);
        return;
    }
    line->len = buf->len;
    memcpy(line->text, buf->ptr, buf->len);
    atomic_fetch_add_explicit(&state.bytes, line->len, memory_order_relaxed);
    // Release pairs with the thread's exchange: it sees the line whole.
    line->next = atomic_load_explicit(&state.newest, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(&state.newest, &line->next, line, memory_order_release,
                                                  memory_order_relaxed)) {
    }
    (void)sem_post(&state.wake);
}

void log_event(enum log_level level, const char *text, const struct log_field *fields, size_t count)
{
    if (!log_enabled(level))
        return;
    struct buf buf;
    buf_init(&buf, LINE_MAX_BYTES);
    append_line(&buf, level, text, fields, count);
    if (buf.err) { // a field was too long: the sentence alone is better than nothing
        buf_clear(&buf);
        append_line(&buf, level, text, NULL, 0);
    }
    if (state.started)
        enqueue(&buf);
    else
        write_all(buf.ptr, buf.len);
    buf_done(&buf);
}

bool log_limit_pass(struct log_limit *limit, uint64_t now_ms)
{
    // The time alone is shared: of several threads the one that moves it on writes the line.
    uint_fast64_t next_ms = atomic_load_explicit(&limit->next_ms, memory_order_relaxed);
    if (now_ms >= next_ms &&
        atomic_compare_exchange_strong_explicit(&limit->next_ms, &next_ms, now_ms + LIMIT_MS,
                                                memory_order_relaxed, memory_order_relaxed))
        return true;
    atomic_fetch_add_explicit(&limit->left_out, 1, memory_order_relaxed);
    return false;
}

struct log_field log_limit_field(struct log_limit *limit)
{
    uint64_t left_out = atomic_exchange_explicit(&limit->left_out, 0, memory_order_relaxed);
    return left_out ? LOG_U64("left_out", left_out) : LOG_STR("left_out", str_make(NULL, 0));
}

static void drain(void)
{
    struct line *line = atomic_exchange_explicit(&state.newest, NULL, memory_order_acquire);
    struct line *oldest = NULL;
    while (line) {
        struct line *next = line->next;
        line->next = oldest;
        oldest = line;
        line = next;
    }
    while (oldest) {
        line = oldest;
        oldest = line->next;
        write_all(line->text, line->len);
        atomic_fetch_sub_explicit(&state.bytes, line->len, memory_order_relaxed);
        free(line);
    }
    uint64_t dropped = atomic_exchange_explicit(&state.dropped, 0, memory_order_relaxed);
    if (dropped) {
        struct buf buf;
        buf_init(&buf, LINE_MAX_BYTES);
        append_line(&buf, LOG_LEVEL_WARN, "Log lines were dropped: stderr is read too slowly",
                    &LOG_U64("lines", dropped), 1);
        write_all(buf.ptr, buf.len);
        buf_done(&buf);
    }
}

static void *thread_main(void *arg)
{
    (void)arg;
    do {
        while (sem_wait(&state.wake) != 0) {
        }
        drain();
    } while (!atomic_load_explicit(&state.stop, memory_order_acquire));
    drain();
    return NULL;
}

int log_start(void)
{
    if (sem_init(&state.wake, 0, 0) != 0)
        return -errno;
    atomic_store_explicit(&state.stop, false, memory_order_relaxed);
    int err = pthread_create(&state.thread, NULL, thread_main, NULL);
    if (err)
        return -err;
    state.started = true;
    return 0;
}

void log_stop(void)
{
    if (!state.started)
        return;
    atomic_store_explicit(&state.stop, true, memory_order_release);
    (void)sem_post(&state.wake);
    (void)pthread_join(state.thread, NULL);
    (void)sem_destroy(&state.wake);
    state.started = false;
}
