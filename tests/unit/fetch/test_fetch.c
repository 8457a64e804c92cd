#include "base/attr.h"
#include "base/err.h"
#include "fetch/fetch.h"
#include "loop/loop.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define BODY_MAX 1000U

#define TEN "0123456789"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

// What the server answers to a path.
struct page {
    const char *path;
    const char *answer; // NULL: nothing, for as long as the client stays
};

static const struct page pages[] = {
    {"/good", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood"},
    {"/empty", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
    {"/missing", "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngood"},
    {"/broken", "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"},
    {"/no-content", "HTTP/1.1 204 No Content\r\n\r\n"},
    {"/short", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\ngood"},
    {"/announced", "HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n"},
    {"/chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n" HUNDRED HUNDRED HUNDRED
                     HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED "x\r\n0\r\n\r\n"},
    {"/nonsense", "nonsense\r\n\r\n"},
    {"/moved", "HTTP/1.1 302 Found\r\nLocation: /good\r\nContent-Length: 0\r\n\r\n"},
    {"/circle", "HTTP/1.1 302 Found\r\nLocation: /circle\r\nContent-Length: 0\r\n\r\n"},
    {"/file", "HTTP/1.1 302 Found\r\nLocation: file:///etc/hostname\r\nContent-Length: 0\r\n\r\n"},
    {"/silent", NULL},
};

struct scene {
    struct loop loop;
    struct fetcher *fetcher;
    int listener;
    unsigned port;
    pthread_t server;
    size_t requests;

    size_t wanted; // answers
    size_t done;
    char reason[512]; // "" : it is good
    char body[BODY_MAX + 1];
    const char *next; // a path that is fetched after the first answer
};

// ---- The server ----

static void answer(int fd, const char *request)
{
    char head[64];
    for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
        (void)snprintf(head, sizeof(head), "GET %s HTTP/1.1\r\n", pages[i].path);
        if (strncmp(request, head, strlen(head)) != 0)
            continue;
        char byte;
        if (pages[i].answer)
            (void)send(fd, pages[i].answer, strlen(pages[i].answer), MSG_NOSIGNAL);
        else
            (void)recv(fd, &byte, 1, 0); // the client's end
    }
}

static void *serve(void *arg)
{
    struct scene *scene = arg;
    int fd;
    while ((fd = accept(scene->listener, NULL, NULL)) >= 0) {
        char request[4096] = "";
        size_t len = 0;
        ssize_t got;
        while (!strstr(request, "\r\n\r\n") &&
               (got = recv(fd, request + len, sizeof(request) - 1 - len, 0)) > 0)
            len += (size_t)got;
        scene->requests++;
        answer(fd, request);
        (void)close(fd);
    }
    return NULL;
}

static int setup(void **state)
{
    struct scene *scene = calloc(1, sizeof(*scene));
    assert_non_null(scene);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    struct sockaddr *generic = (struct sockaddr *)&address;
    scene->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(scene->listener, generic, len), 0);
    assert_int_equal(listen(scene->listener, 16), 0);
    assert_int_equal(getsockname(scene->listener, generic, &len), 0);
    scene->port = ntohs(address.sin_port);
    assert_int_equal(loop_init(&scene->loop), HUB_OK);
    assert_int_equal(fetcher_new(&scene->fetcher, &scene->loop), HUB_OK);
    assert_int_equal(pthread_create(&scene->server, NULL, serve, scene), 0);
    *state = scene;
    return 0;
}

static int teardown(void **state)
{
    struct scene *scene = *state;
    fetcher_free(scene->fetcher);
    loop_done(&scene->loop);
    (void)shutdown(scene->listener, SHUT_RDWR);
    (void)pthread_join(scene->server, NULL);
    (void)close(scene->listener);
    free(scene);
    return 0;
}

// ---- The client ----

static struct fetch *begin(struct scene *scene, const char *path, uint64_t timeout_ms);

static void done(void *arg, const struct fetch_result *result)
{
    struct scene *scene = arg;
    scene->done++;
    (void)snprintf(scene->reason, sizeof(scene->reason), "%s", result->reason ? result->reason : "");
    (void)snprintf(scene->body, sizeof(scene->body), "%.*s", STR_ARG(result->body));
    const char *next = scene->next;
    scene->next = NULL;
    if (next)
        (void)begin(scene, next, 60000);
    if (scene->done == scene->wanted)
        loop_stop(&scene->loop);
}

static struct fetch *begin(struct scene *scene, const char *path, uint64_t timeout_ms)
{
    char url[128];
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u%s", scene->port, path);
    struct fetch_config config = {
        .url = url, .accept = "text/plain", .timeout_ms = timeout_ms, .max_bytes = BODY_MAX};
    struct fetch *fetch;
    assert_int_equal(fetch_begin(&fetch, scene->fetcher, &config, done, scene), HUB_OK);
    return fetch;
}

static void get(struct scene *scene, const char *path)
{
    scene->wanted = 1;
    (void)begin(scene, path, 60000);
    assert_int_equal(scene->done, 0); // not from inside the call
    loop_run(&scene->loop);
}

static void assert_good(struct scene *scene, const char *path, const char *body)
{
    get(scene, path);
    assert_string_equal(scene->reason, "");
    assert_string_equal(scene->body, body);
}

static void assert_bad(struct scene *scene, const char *path, const char *reason)
{
    get(scene, path);
    assert_non_null(strstr(scene->reason, reason));
    assert_string_equal(scene->body, "");
}

static void a_document_is_fetched(void **state)
{
    assert_good(*state, "/good", "good");
}

static void a_document_may_be_empty(void **state)
{
    assert_good(*state, "/empty", "");
}

static void a_redirect_is_followed(void **state)
{
    assert_good(*state, "/moved", "good");
}

static void a_status_other_than_200_is_a_failure(void **state)
{
    assert_bad(*state, "/missing", "the answer's status is 404");
}

static void so_is_a_status_without_a_document(void **state)
{
    assert_bad(*state, "/no-content", "the answer's status is 204");
}

static void a_document_that_ends_early_is_a_failure(void **state)
{
    assert_bad(*state, "/short", "bytes");
}

static void what_is_not_http_is_a_failure(void **state)
{
    assert_bad(*state, "/nonsense", "");
    assert_string_not_equal(((struct scene *)*state)->reason, "");
}

static void a_length_over_the_bound_is_refused(void **state)
{
    assert_bad(*state, "/announced", "the answer is larger than 1000 bytes");
}

static void so_is_a_body_that_does_not_say_its_length(void **state)
{
    assert_bad(*state, "/chunked", "the answer is larger than 1000 bytes");
}

static void redirects_are_bounded(void **state)
{
    struct scene *scene = *state;
    get(scene, "/circle");
    assert_string_not_equal(scene->reason, "");
    assert_int_equal(scene->requests, FETCH_REDIRECTS_MAX + 1);
}

static void a_redirect_leads_to_no_file(void **state)
{
    assert_bad(*state, "/file", "it redirects to an address that is not allowed");
}

static void a_server_that_says_nothing_is_left_in_time(void **state)
{
    struct scene *scene = *state;
    scene->wanted = 1;
    (void)begin(scene, "/silent", 50);
    loop_run(&scene->loop);
    assert_string_not_equal(scene->reason, "");
}

static void a_cancelled_fetch_tells_nobody(void **state)
{
    struct scene *scene = *state;
    struct fetch *silent = begin(scene, "/silent", 60000);
    (void)uv_run(&scene->loop.uv, UV_RUN_NOWAIT);
    fetch_cancel(silent);
    get(scene, "/good");
    assert_int_equal(scene->done, 1);
    assert_string_equal(scene->body, "good");
}

static void what_is_under_way_ends_with_the_fetcher(void **state)
{
    struct scene *scene = *state;
    (void)begin(scene, "/silent", 60000);
    (void)uv_run(&scene->loop.uv, UV_RUN_NOWAIT);
}

static void an_answer_may_begin_the_next_fetch(void **state)
{
    struct scene *scene = *state;
    scene->next = "/good";
    scene->wanted = 2;
    (void)begin(scene, "/missing", 60000);
    loop_run(&scene->loop);
    assert_string_equal(scene->body, "good");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define SCENE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        SCENE(a_document_is_fetched),
        SCENE(a_document_may_be_empty),
        SCENE(a_redirect_is_followed),
        SCENE(a_status_other_than_200_is_a_failure),
        SCENE(so_is_a_status_without_a_document),
        SCENE(a_document_that_ends_early_is_a_failure),
        SCENE(what_is_not_http_is_a_failure),
        SCENE(a_length_over_the_bound_is_refused),
        SCENE(so_is_a_body_that_does_not_say_its_length),
        SCENE(redirects_are_bounded),
        SCENE(a_redirect_leads_to_no_file),
        SCENE(a_server_that_says_nothing_is_left_in_time),
        SCENE(a_cancelled_fetch_tells_nobody),
        SCENE(what_is_under_way_ends_with_the_fetcher),
        SCENE(an_answer_may_begin_the_next_fetch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
