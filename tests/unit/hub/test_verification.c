#include "base/buf.h"
#include "base/err.h"
#include "base/hash.h"
#include "conf/conf.h"
#include "http/server.h"
#include "hub/hub.h"
#include "hub/sequencer.h"
#include "hub/worker.h"
#include "jwt/key.h"
#include "jwt/keyset.h"
#include "jwt/sign.h"
#include "loop/work.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define ISSUER STR("https://issuer.example")
#define AUDIENCE STR("https://hub.example/.well-known/mercure")
#define POOL 4U // threads of libuv's pool
#define PEM_MAX 8192U

// A whole worker whose pool of threads is held up, so that what is to be verified waits until the test lets
// it.
struct scene {
    char public[PEM_MAX];
    struct conf_issuer issuer;
    struct conf conf;
    struct hub *hub;
    struct loop hub_loop; // never runs: nothing gets as far
    struct list collecting;
    struct worker worker;
    struct http_shared shared;
    struct jwt_key *key; // private
    pthread_mutex_t gate;
    struct work holds[POOL];
    unsigned held;
};

static void have_gone(struct server *server)
{
    (void)server;
}

static size_t read_pem(const char *name, char text[PEM_MAX])
{
    char path[256];
    (void)snprintf(path, sizeof(path), TESTDATA "/keys/%s", name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t len = fread(text, 1, PEM_MAX - 1, file);
    (void)fclose(file);
    text[len] = '\0';
    return len;
}

static struct scene *current; // of the work that holds the pool

static void hold(struct work *work)
{
    (void)work;
    (void)pthread_mutex_lock(&current->gate);
    (void)pthread_mutex_unlock(&current->gate);
}

static void let_go(struct work *work, bool cancelled)
{
    (void)work;
    assert_false(cancelled);
    current->held--;
}

static void hold_pool(struct scene *scene)
{
    (void)pthread_mutex_lock(&scene->gate);
    for (size_t i = 0; i < POOL; i++) {
        scene->holds[i] = (struct work){.run = hold, .done = let_go};
        scene->held++;
        work_post(&scene->worker.loop, &scene->holds[i]);
    }
}

static void turn(struct scene *scene)
{
    (void)uv_run(&scene->worker.loop.uv, UV_RUN_NOWAIT);
}

static void release_pool(struct scene *scene)
{
    (void)pthread_mutex_unlock(&scene->gate);
    while (scene->held || scene->worker.verifications.count)
        turn(scene);
}

static int setup(void **state)
{
    struct scene *scene = current = calloc(1, sizeof(*scene));
    assert_non_null(scene);
    hash_init();
    char pem[PEM_MAX];
    const char *reason;
    size_t len = read_pem("p256.pem", pem);
    assert_int_equal(jwt_key_load(&scene->key, str_make(pem, len), STR("ES256"), STR(""), &reason), HUB_OK);
    len = read_pem("p256.pub.pem", scene->public);
    scene->issuer = (struct conf_issuer){
        .issuer = ISSUER,
        .publisher = {.jwt_key = str_make(scene->public, len), .jwt_algorithm = STR("ES256")},
        .subscriber = {.jwt_key = str_make(scene->public, len), .jwt_algorithm = STR("ES256")}};
    scene->conf = (struct conf){.issuers = &scene->issuer,
                                .issuer_count = 1,
                                .resource_identifier = AUDIENCE,
                                .cookie_name = STR("cookie"),
                                .token_cache_size = 100,
                                .read_header_timeout_ms = 60000,
                                .read_timeout_ms = 60000,
                                .max_header_size = 65536,
                                .max_pipelined = 2000,
                                .max_pending_bytes = 1 << 20,
                                .max_unsent_bytes = 1 << 20};
    assert_int_equal(hub_new(&scene->hub, 0, &scene->conf, 1), HUB_OK);
    assert_int_equal(loop_init(&scene->hub_loop), HUB_OK);
    list_init(&scene->collecting);
    struct sequencer_config sequencer = {
        .hub = scene->hub, .shard_count = 1, .loop = &scene->hub_loop, .collecting = &scene->collecting};
    assert_int_equal(sequencer_new(&scene->hub->sequencer, &sequencer), HUB_OK);
    struct worker_config config = {.conf = &scene->conf,
                                   .hubs = &scene->hub,
                                   .hub_count = 1,
                                   .http_shared = &scene->shared,
                                   .max_connections = 100,
                                   .crowded_at = 100,
                                   .connections_have_gone = have_gone};
    assert_int_equal(worker_init(&scene->worker, &config), HUB_OK);
    scene->hub->shards[0] = &scene->worker.shards[0];
    assert_int_equal(pthread_mutex_init(&scene->gate, NULL), 0);
    *state = scene;
    return 0;
}

static void note_closed(void *arg)
{
    *(bool *)arg = true;
}

static int teardown(void **state)
{
    struct scene *scene = *state;
    bool closed = false;
    http_server_close(scene->worker.http, note_closed, &closed);
    while (!closed)
        turn(scene);
    worker_done(&scene->worker);
    hub_free(scene->hub);
    loop_done(&scene->hub_loop);
    jwt_key_free(scene->key);
    (void)pthread_mutex_destroy(&scene->gate);
    free(scene);
    return 0;
}

// ---- Clients ----

static int connect_client(struct scene *scene)
{
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    http_server_adopt(scene->worker.http, ends[0]);
    return ends[1];
}

static void send_all(struct scene *scene, int fd, struct str bytes)
{
    while (bytes.len) {
        ssize_t sent = send(fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
        if (sent > 0)
            bytes = str_slice(bytes, (size_t)sent, bytes.len);
        turn(scene);
    }
}

// A request with a token over these claims. Signatures of ES256 differ each time: so do the tokens.
static void make_request_line(struct scene *scene, const char *line, struct str claims, struct buf *request)
{
    buf_init(request, 65536);
    buf_printf(request, "%s HTTP/1.1\r\nHost: hub.example\r\nContent-Length: 0\r\nAuthorization: Bearer ",
               line);
    assert_int_equal(jwt_sign(scene->key, JWT_TYPE_ACCESS, claims, request), HUB_OK);
    buf_append_str(request, STR("\r\n\r\n"));
}

static void make_request(struct scene *scene, struct str claims, struct buf *request)
{
    make_request_line(scene, "POST /.well-known/mercure", claims, request);
}

// One that gets 400, since it publishes nothing, if its token is good.
static void make_good_request(struct scene *scene, size_t padding, struct buf *request)
{
    struct buf claims;
    buf_init(&claims, 65536);
    buf_printf(&claims,
               "{\"iss\":\"%.*s\",\"aud\":\"%.*s\",\"exp\":4102444800,\"padding\":\"%0*u\","
               "\"authorization_details\":[{\"type\":\"https://mercure.rocks/authorization-detail\","
               "\"actions\":[\"publish\"],\"topics\":[{\"match\":\"*\"}]}]}",
               STR_ARG(ISSUER), STR_ARG(AUDIENCE), (int)padding, 0U);
    make_request(scene, buf_str(&claims), request);
    buf_done(&claims);
}

static void ask(struct scene *scene, int fd, size_t padding)
{
    struct buf request;
    make_good_request(scene, padding, &request);
    send_all(scene, fd, buf_str(&request));
    buf_done(&request);
}

// How many answers with that status there are among all that have come.
static size_t answers(const char *text, unsigned status)
{
    char line[32];
    (void)snprintf(line, sizeof(line), "HTTP/1.1 %u ", status);
    size_t count = 0;
    while ((text = strstr(text, line)) != NULL) {
        text += strlen(line);
        count++;
    }
    return count;
}

static void receive(struct scene *scene, int fd, char *text, size_t room)
{
    for (unsigned i = 0; i < 4; i++)
        turn(scene);
    size_t len = 0;
    ssize_t got;
    while (len < room - 1 && (got = recv(fd, text + len, room - 1 - len, 0)) > 0)
        len += (size_t)got;
    text[len] = '\0';
}

static void assert_answers(struct scene *scene, int fd, unsigned status, size_t count)
{
    char text[65536];
    receive(scene, fd, text, sizeof(text));
    assert_int_equal(answers(text, status), count);
}

static uint64_t verified(const struct scene *scene)
{
    return counter_read(&scene->worker.shards[0].metrics.verified);
}

// ---- Tests ----

static void a_request_waits_for_its_token_alone(void **state)
{
    struct scene *scene = *state;
    hold_pool(scene);
    int waiting = connect_client(scene);
    int other = connect_client(scene);
    ask(scene, waiting, 1);
    send_all(scene, other, STR("GET /healthz HTTP/1.1\r\nHost: hub.example\r\n\r\n"));
    turn(scene);
    assert_answers(scene, waiting, 400, 0);
    assert_answers(scene, other, 200, 1);
    release_pool(scene);
    assert_answers(scene, waiting, 400, 1);
    (void)close(waiting);
    (void)close(other);
}

static void equal_tokens_are_verified_once(void **state)
{
    struct scene *scene = *state;
    hold_pool(scene);
    int fds[8];
    struct buf request;
    make_good_request(scene, 1, &request);
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        fds[i] = connect_client(scene);
        send_all(scene, fds[i], buf_str(&request));
    }
    assert_int_equal(scene->worker.verifications.count, 1);
    release_pool(scene);
    send_all(scene, fds[0], buf_str(&request)); // it is remembered now
    assert_answers(scene, fds[0], 400, 2);
    for (size_t i = 1; i < ARRAY_LEN(fds); i++)
        assert_answers(scene, fds[i], 400, 1);
    assert_int_equal(verified(scene), 1);
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        (void)close(fds[i]);
    buf_done(&request);
}

static void a_bad_signature_is_refused(void **state)
{
    struct scene *scene = *state;
    int fd = connect_client(scene);
    struct buf request;
    make_request(scene, STR("{\"iss\":\"https://issuer.example\"}"), &request);
    request.ptr[request.len - 10] = request.ptr[request.len - 10] == 'A' ? 'B' : 'A';
    send_all(scene, fd, buf_str(&request));
    while (scene->worker.verifications.count)
        turn(scene);
    assert_answers(scene, fd, 401, 1);
    (void)close(fd);
    buf_done(&request);
}

static void a_token_that_nobody_waits_for_is_not_verified(void **state)
{
    struct scene *scene = *state;
    hold_pool(scene);
    int fd = connect_client(scene);
    ask(scene, fd, 1);
    assert_int_equal(scene->worker.verifications.count, 1);
    assert_int_equal(scene->worker.verifications.table.count, 1);
    (void)close(fd);
    while (scene->worker.verifications.count)
        turn(scene); // though the pool is still held
    assert_int_equal(scene->held, POOL);
    release_pool(scene);
}

static void what_waits_is_bounded_and_more_gets_503(void **state)
{
    struct scene *scene = *state;
    hold_pool(scene);
    int fd = connect_client(scene);
    size_t refused = 0;
    char text[65536];
    while (!refused) {
        ask(scene, fd, 11000);
        assert_in_range(scene->worker.verifications.bytes, 0, 16 << 20);
        refused = counter_read(&scene->worker.shards[0].metrics.unchecked_auth);
    }
    size_t waiting = scene->worker.verifications.count;
    assert_in_range(waiting, 900, 1200);
    int late = connect_client(scene);
    ask(scene, late, 11000);
    turn(scene);
    receive(scene, late, text, sizeof(text));
    assert_int_equal(answers(text, 503), 1);
    assert_non_null(strstr(text, "\r\nRetry-After: "));
    release_pool(scene);
    ask(scene, late, 11000);
    while (scene->worker.verifications.count)
        turn(scene);
    turn(scene);
    assert_answers(scene, late, 400, 1);
    (void)close(late);
    (void)close(fd);
}

static bool is_closed(int fd)
{
    char byte;
    return recv(fd, &byte, 1, 0) == 0;
}

// An EventSource would never come back from a status.
static void a_stream_over_the_bound_is_closed_without_a_status(void **state)
{
    struct scene *scene = *state;
    hold_pool(scene);
    int fd = connect_client(scene);
    while (counter_read(&scene->worker.shards[0].metrics.unchecked_auth) == 0)
        ask(scene, fd, 11000);
    int stream = connect_client(scene);
    struct buf request;
    char claims[12000];
    (void)snprintf(claims, sizeof(claims), "{\"iss\":\"%.*s\",\"padding\":\"%011000u\"}", STR_ARG(ISSUER),
                   0U);
    make_request_line(scene, "GET /.well-known/mercure?match=x", str_from_c(claims), &request);
    send_all(scene, stream, buf_str(&request));
    buf_done(&request);
    for (unsigned i = 0; i < 4; i++)
        turn(scene);
    assert_true(is_closed(stream));
    release_pool(scene);
    while (scene->worker.verifications.count)
        turn(scene);
    (void)close(stream);
    (void)close(fd);
}

static void a_key_that_goes_meanwhile_verifies_nothing(void **state)
{
    struct scene *scene = *state;
    hold_pool(scene);
    int fd = connect_client(scene);
    ask(scene, fd, 1);
    struct shard *shard = &scene->worker.shards[0];
    ref_put(&shard->keys->ref);
    shard->keys = jwt_keyset_new();
    assert_non_null(shard->keys);
    release_pool(scene);
    assert_answers(scene, fd, 401, 1);
    (void)close(fd);
}

int main(void)
{
    assert_int_equal(setenv("UV_THREADPOOL_SIZE", "4", 1), 0); // POOL; before the first work
    const struct CMUnitTest tests[] = {
#define SCENE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        SCENE(a_request_waits_for_its_token_alone),
        SCENE(equal_tokens_are_verified_once),
        SCENE(a_bad_signature_is_refused),
        SCENE(a_token_that_nobody_waits_for_is_not_verified),
        SCENE(what_waits_is_bounded_and_more_gets_503),
        SCENE(a_stream_over_the_bound_is_closed_without_a_status),
        SCENE(a_key_that_goes_meanwhile_verifies_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
