#include "sequencer_rig.h"

#include "base/log.h"
#include "hub/operations.h"
#include "net/listener.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

// Two hubs, each with a transport of its own, and the operations of the table of both.
struct desk {
    struct sequencer_rig rigs[2];
    struct hub *hubs[2];
    struct loop loop; // main's
    struct operations *operations;
    struct listener_group *group;
    bool closed;
};

static void start_hub(struct sequencer_rig *rig)
{
    rig_init(rig);
    assert_int_equal(rig_start(rig, &fake_driver, 1U << 20, 1U << 20), HUB_OK);
    rig_open_transport(rig);
}

static int setup(void **state)
{
    struct desk *desk = calloc(1, sizeof(*desk));
    assert_non_null(desk);
    for (size_t i = 0; i < 2; i++) {
        start_hub(&desk->rigs[i]);
        desk->hubs[i] = &desk->rigs[i].hub;
    }
    assert_int_equal(loop_init(&desk->loop), HUB_OK);
    static const struct conf conf = {.read_header_timeout_ms = 60000,
                                     .read_timeout_ms = 60000,
                                     .max_header_size = 4096,
                                     .max_pipelined = 1,
                                     .max_pending_bytes = 1 << 20,
                                     .max_unsent_bytes = 1 << 20};
    struct operations_config config = {
        .loop = &desk->loop,
        .conf = &conf,
        .hub_loop = &desk->rigs[0].hub_loop,
        .hubs = desk->hubs,
        .hub_count = 2,
    };
    assert_int_equal(operations_new(&desk->operations, &config), HUB_OK);
    assert_int_equal(listener_group_open(&desk->group, STR("127.0.0.1:0"), 1, NULL), HUB_OK);
    assert_int_equal(operations_listen(desk->operations, listener_group_at(desk->group, 0)), HUB_OK);
    *state = desk;
    return 0;
}

static void note_closed(void *arg)
{
    struct desk *desk = arg;
    desk->closed = true;
}

static int teardown(void **state)
{
    struct desk *desk = *state;
    operations_close(desk->operations, note_closed, desk);
    while (!desk->closed)
        turn(&desk->loop);
    for (size_t i = 0; i < 2; i++) {
        rig_stop(&desk->rigs[i]);
        rig_done(&desk->rigs[i]);
    }
    operations_free(desk->operations);
    loop_done(&desk->loop);
    listener_group_free(desk->group);
    free(desk);
    return 0;
}

// Sends the request; nobody has looked at it yet.
static int ask(struct desk *desk, const char *path)
{
    struct sockaddr_in address;
    socklen_t len = sizeof(address);
    struct listener *listener = listener_group_at(desk->group, 0);
    assert_int_equal(getsockname(listener->fd, (struct sockaddr *)&address, &len), 0);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, len), 0);
    char request[256];
    int size = snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", path);
    assert_int_equal(send(fd, request, (size_t)size, 0), size);
    return fd;
}

// The answer, when it comes while main turns, and the hub thread if it is to.
static const char *answer_of(struct desk *desk, int fd, bool hub_turns)
{
    static char answer[32768];
    ssize_t len;
    while ((len = recv(fd, answer, sizeof(answer) - 1, MSG_DONTWAIT)) < 0) {
        assert_int_equal(errno, EAGAIN);
        if (hub_turns)
            turn(&desk->rigs[0].hub_loop);
        else
            (void)uv_run(&desk->loop.uv, UV_RUN_ONCE); // until a timer fires, perhaps
        turn(&desk->loop);
    }
    answer[len] = 0;
    (void)close(fd);
    return answer;
}

static void assert_answer(struct desk *desk, const char *path, const char *status, const char *text)
{
    const char *answer = answer_of(desk, ask(desk, path), true);
    assert_memory_equal(answer, status, strlen(status));
    assert_non_null(strstr(answer, text));
}

static void every_hub_of_the_table_must_be_in_order(void **state)
{
    struct desk *desk = *state;
    assert_answer(desk, "/mercure/health/ready", "HTTP/1.1 200 ", "{\"status\":\"ok\"}");
    desk->rigs[1].fake.health = (struct transport_health){.live = true, .reason = "the disk is full"};
    assert_answer(desk, "/mercure/health/ready", "HTTP/1.1 503 ", "\"error\":\"the disk is full\"");
    assert_answer(desk, "/mercure/health/live", "HTTP/1.1 200 ", "{\"status\":\"ok\"}");
    // What ends the process is told before what only waits.
    desk->rigs[1].fake.health = (struct transport_health){.reason = "the file is broken"};
    desk->rigs[0].fake.health = (struct transport_health){.live = true, .reason = "the disk is full"};
    assert_answer(desk, "/mercure/health/live", "HTTP/1.1 503 ", "\"error\":\"the file is broken\"");
}

static void metrics_are_the_sums_of_all_hubs(void **state)
{
    struct desk *desk = *state;
    for (size_t i = 0; i < 2; i++) {
        fake_feed(&desk->rigs[i].fake, make_update("a", 1));
        turn_all(&desk->rigs[i]);
    }
    assert_answer(desk, "/metrics", "HTTP/1.1 200 ", "\nmercure_tail_updates 2\n");
}

// What is written to stderr meanwhile, until main has answered without the hub thread's help.
static const char *log_of_stuck(struct desk *desk, const char *path, const char *text)
{
    static char log[4096];
    int pipe_fds[2];
    assert_int_equal(pipe(pipe_fds), 0);
    int stderr_fd = dup(STDERR_FILENO);
    assert_true(dup2(pipe_fds[1], STDERR_FILENO) >= 0);
    const char *answer = answer_of(desk, ask(desk, path), false);
    assert_true(dup2(stderr_fd, STDERR_FILENO) >= 0);
    assert_memory_equal(answer, "HTTP/1.1 503 ", 13);
    assert_non_null(strstr(answer, text));
    ssize_t len = read(pipe_fds[0], log, sizeof(log) - 1);
    assert_true(len > 0);
    log[len] = 0;
    (void)close(pipe_fds[0]);
    (void)close(pipe_fds[1]);
    (void)close(stderr_fd);
    return log;
}

static void a_stuck_thread_is_told_of_by_what_was_asked(void **state)
{
    struct desk *desk = *state;
    static const char reason[] = "the hub thread does not answer";
    assert_non_null(strstr(log_of_stuck(desk, "/mercure/health/live", reason), "Health check failed"));
    assert_non_null(strstr(log_of_stuck(desk, "/metrics", reason), "Metrics cannot be read"));
    // Answers that come too late are for nobody.
    turn(&desk->rigs[0].hub_loop);
    turn(&desk->loop);
    assert_answer(desk, "/mercure/health/live", "HTTP/1.1 200 ", "{\"status\":\"ok\"}");
}

int main(void)
{
    log_configure(LOG_LEVEL_ERROR, false);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_hub_of_the_table_must_be_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(metrics_are_the_sums_of_all_hubs, setup, teardown),
        cmocka_unit_test_setup_teardown(a_stuck_thread_is_told_of_by_what_was_asked, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
