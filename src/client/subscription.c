#include "client/subscription.h"

#include "base/buf.h"
#include "base/err.h"
#include "client/client.h"
#include "client/url.h"
#include "http/fields.h"
#include "loop/loop.h"
#include "sse/parse.h"

#include <errno.h>
#include <stdlib.h>

#define REQUEST_MAX ((size_t)1 << 20)
#define REFUSAL_MAX 4096U
#define WAIT_MS 1000U // unless the server says otherwise
#define WAIT_MAX_MS 30000U

struct subscription {
    struct loop *loop;
    struct client_url url;
    struct str token;
    struct request_subscribe fields;
    const struct subscription_events *events;
    void *arg;
    struct client *client;
    struct sse_parser parser;
    struct timer retry;
    struct buf request;
    struct buf refusal;   // the body of an answer other than 200
    struct buf challenge; // and its WWW-Authenticate
    unsigned status;
    unsigned failures; // in a row
    bool was_open;
    bool has_failed;
    int parse_err;
};

static int ask(struct subscription *subscription)
{
    buf_clear(&subscription->request);
    buf_clear(&subscription->refusal);
    buf_clear(&subscription->challenge);
    struct request_subscribe fields = subscription->fields;
    if (subscription->parser.id.len)
        fields.last_event_id = buf_str(&subscription->parser.id);
    request_append_subscribe(&subscription->request, &subscription->url, subscription->token, &fields);
    if (subscription->request.err)
        return subscription->request.err;
    sse_parser_restart(&subscription->parser);
    subscription->status = 0;
    subscription->parse_err = HUB_OK;
    return client_send(subscription->client, buf_str(&subscription->request));
}

static uint64_t choose_wait_ms(const struct subscription *subscription)
{
    uint64_t wait_ms = subscription->parser.retry_ms ? subscription->parser.retry_ms : WAIT_MS;
    for (unsigned i = 1; i < subscription->failures && wait_ms < WAIT_MAX_MS; i++)
        wait_ms *= 2;
    return wait_ms < WAIT_MAX_MS ? wait_ms : WAIT_MAX_MS;
}

static void try_later(struct subscription *subscription, int err)
{
    subscription->failures++;
    uint64_t wait_ms = choose_wait_ms(subscription);
    timer_set(subscription->loop, &subscription->retry, loop_now_ms(subscription->loop) + wait_ms);
    subscription->events->lost(subscription->arg, err, subscription->status, wait_ms);
}

static void try_again(struct timer *timer)
{
    struct subscription *subscription = CONTAINER_OF(timer, struct subscription, retry);
    int err = ask(subscription);
    if (err)
        try_later(subscription, err);
}

static void give_up(struct subscription *subscription, int err)
{
    const struct subscription_failure failure = {
        .err = err,
        .status = subscription->status,
        .text = buf_str(&subscription->refusal),
        .challenge = buf_str(&subscription->challenge),
    };
    subscription->has_failed = true;
    subscription->events->failed(subscription->arg, &failure);
}

static bool is_event_stream(const struct http_fields *fields)
{
    struct str type = http_fields_get(fields, STR("Content-Type"));
    return str_eq_nocase(str_slice(type, 0, str_find(type, 0, ';')), STR("text/event-stream"));
}

static void on_head(void *arg, unsigned status, const struct http_fields *fields)
{
    struct subscription *subscription = arg;
    subscription->status = status;
    if (status != 200) {
        struct str challenge = http_fields_get(fields, STR("WWW-Authenticate"));
        buf_append_str(&subscription->challenge, str_slice(challenge, 0, REFUSAL_MAX));
        return;
    }
    if (!is_event_stream(fields)) {
        give_up(subscription, HUB_E_UNSUPPORTED); // its body may have no end
        return;
    }
    subscription->failures = 0;
    subscription->was_open = true;
    subscription->events->opened(subscription->arg, http_fields_get(fields, STR("Mercure-Last-Event-ID")));
}

static void on_body(void *arg, struct str piece)
{
    struct subscription *subscription = arg;
    if (subscription->has_failed)
        return;
    if (subscription->status != 200) {
        size_t room = REFUSAL_MAX - subscription->refusal.len;
        buf_append_str(&subscription->refusal, str_slice(piece, 0, room));
    } else if (!subscription->parse_err) {
        subscription->parse_err = sse_parser_feed(&subscription->parser, piece);
    }
}

// Overload and maintenance pass; every other answer is meant.
static bool is_final(unsigned status)
{
    return status != 0 && status != 200 && status != 429 && status < 500;
}

static void on_ended(void *arg, int err)
{
    struct subscription *subscription = arg;
    if (subscription->has_failed)
        return;
    bool refused = is_final(subscription->status);
    if (subscription->parse_err)
        err = subscription->parse_err;
    if (refused || subscription->parse_err || (!subscription->was_open && subscription->status == 0))
        give_up(subscription, err);
    else
        try_later(subscription, err);
}

static const struct client_events client_events = {.head = on_head, .body = on_body, .ended = on_ended};

static void forward(void *arg, const struct sse_event *event)
{
    struct subscription *subscription = arg;
    subscription->events->event(subscription->arg, event);
}

int subscription_new(struct subscription **ret_subscription, const struct subscription_config *config)
{
    struct subscription *subscription = calloc(1, sizeof(*subscription));
    if (!subscription)
        return -ENOMEM;
    *subscription = (struct subscription){
        .loop = config->loop,
        .url = *config->url,
        .token = config->token,
        .fields = config->fields,
        .events = config->events,
        .arg = config->arg,
    };
    timer_init(&subscription->retry, try_again);
    buf_init(&subscription->request, REQUEST_MAX);
    buf_init(&subscription->refusal, REFUSAL_MAX);
    buf_init(&subscription->challenge, REFUSAL_MAX);
    sse_parser_init(&subscription->parser, config->max_event, forward, subscription);
    int err = client_new(&subscription->client, config->loop, config->url, &client_events, subscription);
    if (!err)
        err = ask(subscription);
    if (err) {
        subscription_free(subscription);
        return err;
    }
    *ret_subscription = subscription;
    return HUB_OK;
}

void subscription_free(struct subscription *subscription)
{
    if (!subscription)
        return;
    timer_cancel(&subscription->retry);
    client_free(subscription->client);
    sse_parser_done(&subscription->parser);
    buf_done(&subscription->request);
    buf_done(&subscription->refusal);
    buf_done(&subscription->challenge);
    free(subscription);
}
