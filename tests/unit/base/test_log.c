#include "base/log.h"

#include "base/buf.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define CAPTURE_MAX ((size_t)64 << 20)

// stderr, led into a pipe or a file.
static int saved_stderr;
static struct buf captured;

static int open_file(void)
{
    char path[] = "/tmp/cinnabar-log-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(unlink(path), 0);
    return fd;
}

static void redirect(int fd)
{
    saved_stderr = dup(STDERR_FILENO);
    assert_true(saved_stderr >= 0);
    assert_true(dup2(fd, STDERR_FILENO) >= 0);
}

static void restore(void)
{
    assert_true(dup2(saved_stderr, STDERR_FILENO) >= 0);
    assert_int_equal(close(saved_stderr), 0);
}

static void read_all(int fd)
{
    ssize_t n;
    buf_init(&captured, CAPTURE_MAX);
    do {
        char *to = buf_reserve(&captured, 65536);
        assert_non_null(to);
        n = read(fd, to, 65536);
        assert_true(n >= 0);
        buf_commit(&captured, (size_t)n);
    } while (n > 0);
    assert_int_equal(close(fd), 0);
}

static int capture_start(void)
{
    int fd = open_file();
    redirect(fd);
    return fd;
}

// What was written since, with a terminating zero; the caller clears `captured` with buf_done.
static const char *capture_end(int fd)
{
    restore();
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    read_all(fd);
    return buf_c(&captured);
}

static void log_sample(void)
{
    LOG(LOG_LEVEL_INFO, "Listening", LOG_C("addr", "127.0.0.1:80"), LOG_U64("n", UINT64_MAX),
        LOG_STR("odd", STR("a \"b\"\\\n\x01")), LOG_STR("left_out", str_make(NULL, 0)),
        LOG_STR("empty", STR("")));
}

// Behind the time.
static void assert_line(const char *line, const char *expected)
{
    size_t len = strlen("2026-01-01T00:00:00.000Z");
    assert_true(strlen(line) > len);
    assert_int_equal(line[4], '-');
    assert_int_equal(line[10], 'T');
    assert_int_equal(line[len - 1], 'Z');
    assert_string_equal(line + len, expected);
}

static void text_is_for_people(void **state)
{
    (void)state;
    log_configure(LOG_LEVEL_INFO, false);
    int fd = capture_start();
    log_sample();
    const char *text = capture_end(fd);
    assert_line(text, " info  Listening addr=127.0.0.1:80 n=18446744073709551615 "
                      "odd=\"a \\\"b\\\"\\\\\\u000a\\u0001\" empty=\"\"\n");
    buf_done(&captured);
}

static void json_is_one_object_on_a_line(void **state)
{
    (void)state;
    log_configure(LOG_LEVEL_INFO, true);
    int fd = capture_start();
    log_sample();
    const char *text = capture_end(fd);
    assert_memory_equal(text, "{\"time\":\"", 9);
    assert_line(text + 9,
                "\",\"level\":\"info\",\"msg\":\"Listening\",\"addr\":\"127.0.0.1:80\","
                "\"n\":18446744073709551615,\"odd\":\"a \\\"b\\\"\\\\\\u000a\\u0001\",\"empty\":\"\"}\n");
    buf_done(&captured);
}

static void bytes_that_are_no_utf8_are_escaped(void **state)
{
    (void)state;
    log_configure(LOG_LEVEL_INFO, true);
    int fd = capture_start();
    LOG(LOG_LEVEL_INFO, "x", LOG_STR("good", STR("\xC3\xA9")), LOG_STR("bad", STR("\xC3\xA9\xFF")));
    const char *text = capture_end(fd);
    assert_non_null(strstr(text, "\"good\":\"\xC3\xA9\""));
    assert_non_null(strstr(text, "\"bad\":\"\\u00c3\\u00a9\\u00ff\""));
    buf_done(&captured);
}

static void what_a_terminal_would_obey_is_escaped(void **state)
{
    (void)state;
    log_configure(LOG_LEVEL_INFO, false);
    int fd = capture_start();
    LOG(LOG_LEVEL_INFO, "x", LOG_STR("esc", STR("\x1B[2J\x7F")),
        LOG_STR("csi", STR("\xC2\x9B"
                           "2J\xC2\xA0")));
    const char *text = capture_end(fd);
    assert_non_null(strstr(text, "esc=\"\\u001b[2J\\u007f\" csi=\"\\u009b2J\xC2\xA0\"\n"));
    buf_done(&captured);
}

static void levels_below_the_configured_are_left_out(void **state)
{
    (void)state;
    log_configure(LOG_LEVEL_WARN, false);
    assert_false(log_enabled(LOG_LEVEL_INFO));
    assert_true(log_enabled(LOG_LEVEL_WARN));
    int fd = capture_start();
    LOG(LOG_LEVEL_DEBUG, "a");
    LOG(LOG_LEVEL_INFO, "b");
    LOG(LOG_LEVEL_WARN, "c");
    LOG(LOG_LEVEL_ERROR, "d");
    const char *text = capture_end(fd);
    assert_null(strstr(text, " a\n"));
    assert_null(strstr(text, " b\n"));
    assert_non_null(strstr(text, " warn  c\n"));
    assert_non_null(strstr(text, " error d\n"));
    buf_done(&captured);
}

static void a_line_that_is_too_long_keeps_its_sentence(void **state)
{
    (void)state;
    log_configure(LOG_LEVEL_INFO, false);
    char *large = malloc(100000);
    assert_non_null(large);
    memset(large, 'x', 100000);
    int fd = capture_start();
    LOG(LOG_LEVEL_INFO, "Sentence", LOG_STR("large", str_make(large, 100000)));
    const char *text = capture_end(fd);
    free(large);
    assert_line(text, " info  Sentence\n");
    buf_done(&captured);
}

static void of_lines_that_are_limited_one_a_second_passes_and_tells_of_the_others(void **state)
{
    (void)state;
    struct log_limit limit = {0};
    uint64_t now_ms = 5000;
    assert_true(log_limit_pass(&limit, now_ms));
    assert_null(log_limit_field(&limit).text.ptr);
    for (unsigned i = 0; i < 10; i++)
        assert_false(log_limit_pass(&limit, now_ms + 999));
    assert_true(log_limit_pass(&limit, now_ms + 1000));
    struct log_field field = log_limit_field(&limit);
    assert_int_equal(field.kind, LOG_FIELD_U64);
    assert_int_equal(field.number, 10);
    assert_true(log_limit_pass(&limit, now_ms + 5000));
    assert_null(log_limit_field(&limit).text.ptr);
}

static void a_limited_line_is_one_like_others(void **state)
{
    (void)state;
    log_configure(LOG_LEVEL_INFO, false);
    struct log_limit limit = {.left_out = 3};
    int fd = capture_start();
    LOG_LIMITED(&limit, LOG_LEVEL_DEBUG, "Not written");
    LOG_LIMITED(&limit, LOG_LEVEL_WARN, "Full", LOG_C("reason", "max"));
    LOG_LIMITED(&limit, LOG_LEVEL_WARN, "Full", LOG_C("reason", "max"));
    const char *text = capture_end(fd);
    assert_line(text, " warn  Full left_out=3 reason=max\n");
    buf_done(&captured);
}

#define THREADS 4
#define LINES_EACH 500

static void *log_lines(void *arg)
{
    for (uint64_t i = 0; i < LINES_EACH; i++)
        LOG(LOG_LEVEL_INFO, "Line", LOG_U64("thread", *(const uint64_t *)arg), LOG_U64("n", i));
    return NULL;
}

// Every line is there, whole, and the lines of one thread are in their order.
static void assert_lines_of_threads(char *text)
{
    uint64_t next[THREADS] = {0};
    unsigned lines = 0;
    char *rest = text;
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        unsigned long long thread, n;
        assert_int_equal(sscanf(strstr(line, " Line "), " Line thread=%llu n=%llu", &thread, &n), 2);
        assert_true(thread < THREADS);
        assert_true(n == next[thread]);
        next[thread]++;
        lines++;
    }
    assert_int_equal(lines, THREADS * LINES_EACH);
}

static void lines_of_many_threads_are_whole_and_in_order(void **state)
{
    (void)state;
    log_configure(LOG_LEVEL_INFO, false);
    int fd = capture_start();
    assert_int_equal(log_start(), 0);
    pthread_t threads[THREADS];
    uint64_t numbers[THREADS];
    for (uint64_t i = 0; i < THREADS; i++) {
        numbers[i] = i;
        assert_int_equal(pthread_create(&threads[i], NULL, log_lines, &numbers[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    log_stop();
    (void)capture_end(fd);
    assert_lines_of_threads(captured.ptr);
    buf_done(&captured);
}

static void *read_later(void *arg)
{
    read_all(*(int *)arg);
    return NULL;
}

static unsigned count_lines(const char *text, const char *with)
{
    unsigned count = 0;
    for (const char *at = strstr(text, with); at; at = strstr(at + 1, with))
        count++;
    return count;
}

static unsigned long sum_dropped(const char *text)
{
    static const char line[] = "Log lines were dropped: stderr is read too slowly lines=";
    unsigned long sum = 0;
    for (const char *at = strstr(text, line); at; at = strstr(at + 1, line))
        sum += strtoul(at + sizeof(line) - 1, NULL, 10);
    return sum;
}

static void lines_that_nobody_reads_are_dropped_and_counted(void **state)
{
    (void)state;
    enum { LINES = 7000 };
    log_configure(LOG_LEVEL_INFO, false);
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    redirect(pipes[1]);
    assert_int_equal(close(pipes[1]), 0);
    assert_int_equal(log_start(), 0);
    char filler[1000];
    memset(filler, 'x', sizeof(filler));
    // 7 MB into a pipe that nobody reads: the writer is not held up.
    for (unsigned i = 0; i < LINES; i++)
        LOG(LOG_LEVEL_INFO, "Waits", LOG_STR("filler", str_make(filler, sizeof(filler))));
    pthread_t reader;
    assert_int_equal(pthread_create(&reader, NULL, read_later, &pipes[0]), 0);
    log_stop();
    restore();
    assert_int_equal(pthread_join(reader, NULL), 0);
    const char *text = buf_c(&captured);
    unsigned written = count_lines(text, " Waits ");
    assert_int_equal(written + sum_dropped(text), LINES);
    assert_in_range(written, 1000, LINES - 1);
    buf_done(&captured);
}

static void it_may_be_started_and_stopped_again(void **state)
{
    (void)state;
    log_configure(LOG_LEVEL_INFO, false);
    int fd = capture_start();
    log_stop();
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(log_start(), 0);
        for (uint64_t n = 0; n < 1000; n++)
            LOG(LOG_LEVEL_INFO, "Round", LOG_U64("n", n));
        log_stop();
        LOG(LOG_LEVEL_INFO, "Between");
    }
    const char *text = capture_end(fd);
    assert_int_equal(count_lines(text, " Round "), 3000);
    assert_int_equal(count_lines(text, " Between\n"), 3);
    buf_done(&captured);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_for_people),
        cmocka_unit_test(json_is_one_object_on_a_line),
        cmocka_unit_test(bytes_that_are_no_utf8_are_escaped),
        cmocka_unit_test(what_a_terminal_would_obey_is_escaped),
        cmocka_unit_test(levels_below_the_configured_are_left_out),
        cmocka_unit_test(a_line_that_is_too_long_keeps_its_sentence),
        cmocka_unit_test(of_lines_that_are_limited_one_a_second_passes_and_tells_of_the_others),
        cmocka_unit_test(a_limited_line_is_one_like_others),
        cmocka_unit_test(lines_of_many_threads_are_whole_and_in_order),
        cmocka_unit_test(lines_that_nobody_reads_are_dropped_and_counted),
        cmocka_unit_test(it_may_be_started_and_stopped_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
