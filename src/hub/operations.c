#include "hub/operations.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "http/exchange.h"
#include "http/server.h"
#include "hub/answer.h"
#include "hub/exposition.h"
#include "hub/http_settings.h"
#include "hub/hub.h"
#include "hub/sequencer.h"
#include "hub/worker.h"
#include "json/writer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// How long a thread may take to answer before it counts as stuck.
#define ANSWER_MAX_MS 2000
#define QUESTIONS_MAX 64
#define PAGE_MAX ((size_t)1 << 20)

enum question_kind {
    QUESTION_READY,
    QUESTION_LIVE,
    QUESTION_METRICS,
};

// What one request asks of the hub thread and, for liveness, of each worker. The asked threads write to
// members of their own; who has answered is counted on the main thread.
struct question {
    struct operations *operations;
    enum question_kind kind;
    uint64_t exchange_id;
    struct timer overdue;
    size_t unanswered;
    struct transport_health health; // the hub thread's: of the hub that is worst off
    struct buf metrics;             // the hub thread's
    struct list node;
    struct asked {
        struct message message;
        struct question *question;
        struct loop *loop; // of the thread that is asked
        bool answered;     // main's
    } asked[];             // the hub thread first
};

struct operations {
    struct operations_config config;
    struct http_server *http;
    struct http_shared shared;
    struct list questions;
    size_t question_count;
    bool draining;
};

// ---- Answers ----

// An object with those of the two members that are not NULL.
static void answer_json(struct exchange *exchange, unsigned code, const char *status, const char *error)
{
    struct buf body;
    buf_init(&body, PAGE_MAX);
    struct json_writer json;
    json_writer_init(&json, &body, JSON_STYLE_COMPACT);
    json_begin_object(&json);
    if (status)
        json_write_member(&json, STR("status"), str_from_c(status));
    if (error)
        json_write_member(&json, STR("error"), str_from_c(error));
    json_end_object(&json);
    buf_append_c(&body, '\n');
    exchange_respond(exchange, code, STR("application/json"), buf_str(&body));
    buf_done(&body);
}

static void answer_health(struct exchange *exchange, const char *error)
{
    exchange_add_header(exchange, STR("Cache-Control"), STR("no-store"));
    answer_json(exchange, error ? 503 : 200, error ? "error" : "ok", error);
}

static void answer_metrics(struct question *question, struct exchange *exchange)
{
    const struct operations_config *config = &question->operations->config;
    struct buf page;
    buf_init(&page, PAGE_MAX);
    exposition_append(&page, config->workers, config->worker_count, config->hubs, config->hub_count);
    buf_append_str(&page, buf_str(&question->metrics));
    if (page.err)
        answer_text(exchange, 500, STR("Internal Server Error"));
    else
        exchange_respond(exchange, 200, EXPOSITION_TYPE, buf_str(&page));
    buf_done(&page);
}

static void answer_ready(const struct question *question, struct exchange *exchange)
{
    const struct transport_health *health = &question->health;
    if (question->operations->draining)
        answer_health(exchange, "the hub is draining");
    else
        answer_health(exchange, health->ready ? NULL : health->reason);
}

static void answer_live(const struct question *question, struct exchange *exchange)
{
    answer_health(exchange, question->health.live ? NULL : question->health.reason);
}

static void answer(struct question *question)
{
    struct exchange *exchange = exchange_find(question->operations->http, question->exchange_id);
    question->exchange_id = 0;
    if (!exchange)
        return;
    switch (question->kind) {
    case QUESTION_READY:
        answer_ready(question, exchange);
        return;
    case QUESTION_LIVE:
        answer_live(question, exchange);
        return;
    case QUESTION_METRICS:
        answer_metrics(question, exchange);
        return;
    }
}

// ---- Questions ----

static void free_question(struct question *question)
{
    list_remove(&question->node);
    question->operations->question_count--;
    timer_cancel(&question->overdue);
    buf_done(&question->metrics);
    free(question);
}

static void receive_answer(struct message *message)
{
    struct asked *asked = CONTAINER_OF(message, struct asked, message);
    struct question *question = asked->question;
    asked->answered = true;
    if (--question->unanswered > 0)
        return;
    if (question->exchange_id)
        answer(question);
    free_question(question);
}

static unsigned trouble(const struct transport_health *health)
{
    return !health->live ? 2 : !health->ready ? 1 : 0;
}

static void look_at_hubs(struct question *question)
{
    const struct operations_config *config = &question->operations->config;
    question->health = (struct transport_health){.ready = true, .live = true};
    for (size_t i = 0; i < config->hub_count; i++) {
        const struct sequencer *sequencer = config->hubs[i]->sequencer;
        struct transport_health health;
        sequencer_health(sequencer, &health);
        if (trouble(&health) > trouble(&question->health))
            question->health = health;
        if (question->kind == QUESTION_METRICS)
            sequencer_transport_metrics(sequencer, &question->metrics);
    }
}

// On the hub thread or a worker.
static void answer_asked(struct message *message)
{
    struct asked *asked = CONTAINER_OF(message, struct asked, message);
    struct question *question = asked->question;
    const struct operations_config *config = &question->operations->config;
    if (asked->loop == config->hub_loop)
        look_at_hubs(question);
    message->handle = receive_answer;
    mailbox_post(&config->loop->mailbox, message);
}

// Some thread has not answered in time. The question itself stays until it does: the thread may still hold
// it.
static void overdue(struct timer *timer)
{
    struct question *question = CONTAINER_OF(timer, struct question, overdue);
    struct exchange *exchange = exchange_find(question->operations->http, question->exchange_id);
    question->exchange_id = 0;
    const char *error = "the hub thread does not answer";
    if (question->asked[0].answered)
        error = "a worker does not answer";
    if (question->kind == QUESTION_METRICS)
        LOG(LOG_LEVEL_ERROR, "Metrics cannot be read", LOG_C("reason", error));
    else
        LOG(LOG_LEVEL_ERROR, "Health check failed", LOG_C("reason", error));
    if (exchange)
        answer_health(exchange, error);
}

static void ask(struct operations *operations, struct exchange *exchange, enum question_kind kind)
{
    const struct operations_config *config = &operations->config;
    size_t count = kind == QUESTION_LIVE ? 1 + config->worker_count : 1;
    struct question *question = NULL;
    if (operations->question_count < QUESTIONS_MAX)
        question = calloc(1, sizeof(*question) + count * sizeof(question->asked[0]));
    if (!question) {
        answer_health(exchange, "too many requests wait for an answer");
        return;
    }
    question->operations = operations;
    question->kind = kind;
    question->exchange_id = exchange_id(exchange);
    question->unanswered = count;
    buf_init(&question->metrics, PAGE_MAX);
    list_append(&operations->questions, &question->node);
    operations->question_count++;
    timer_init(&question->overdue, overdue);
    timer_set(config->loop, &question->overdue, loop_now_ms(config->loop) + ANSWER_MAX_MS);
    for (size_t i = 0; i < count; i++) {
        struct asked *asked = &question->asked[i];
        asked->question = question;
        asked->loop = i == 0 ? config->hub_loop : &config->workers[i - 1].loop;
        asked->message.handle = answer_asked;
        mailbox_post(&asked->loop->mailbox, &asked->message);
    }
}

// ---- Routes ----

static struct str without_slash(struct str path)
{
    return path.len > 1 && path.ptr[path.len - 1] == '/' ? str_slice(path, 0, path.len - 1) : path;
}

static void handle(struct exchange *exchange, void *arg)
{
    struct operations *operations = arg;
    struct str path = without_slash(exchange_path(exchange));
    enum http_method method = exchange_method(exchange);
    bool ready =
        str_eq(path, STR("/mercure/health/ready")) || str_eq(path, STR("/mercure/health/default/ready"));
    bool live =
        str_eq(path, STR("/mercure/health/live")) || str_eq(path, STR("/mercure/health/default/live"));
    bool metrics = str_eq(path, STR("/metrics"));
    bool healthz = str_eq(path, STR("/healthz")); // of the second listener of 0.x
    if (!ready && !live && !metrics && !healthz) {
        answer_json(exchange, 404, NULL, "not found");
    } else if (method != HTTP_METHOD_GET && method != HTTP_METHOD_HEAD) {
        exchange_add_header(exchange, STR("Allow"), STR("GET, HEAD"));
        answer_json(exchange, 405, NULL, "method not allowed");
    } else if (healthz) {
        answer_text(exchange, 200, STR("ok"));
    } else {
        ask(operations, exchange, ready ? QUESTION_READY : live ? QUESTION_LIVE : QUESTION_METRICS);
    }
}

// ---- Life ----

int operations_new(struct operations **ret_operations, const struct operations_config *config)
{
    struct operations *operations = calloc(1, sizeof(*operations));
    if (!operations)
        return -ENOMEM;
    operations->config = *config;
    list_init(&operations->questions);
    struct http_server_config http = http_settings(config->conf);
    http.max_connections = QUESTIONS_MAX;
    http.crowded_at = SIZE_MAX;
    http.shared = &operations->shared;
    http.handle = handle;
    http.arg = operations;
    int err = http_server_new(&operations->http, config->loop, &http);
    if (err) {
        free(operations);
        return err;
    }
    *ret_operations = operations;
    return HUB_OK;
}

int operations_listen(struct operations *operations, struct listener *listener)
{
    return http_server_listen(operations->http, listener);
}

void operations_drain(struct operations *operations)
{
    operations->draining = true;
}

void operations_close(struct operations *operations, void (*closed)(void *arg), void *arg)
{
    http_server_close(operations->http, closed, arg);
}

void operations_free(struct operations *operations)
{
    if (!operations)
        return;
    struct list *node;
    while ((node = list_first(&operations->questions)) != NULL)
        free_question(CONTAINER_OF(node, struct question, node));
    http_server_free(operations->http);
    free(operations);
}
