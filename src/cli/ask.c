#include "cli/ask.h"

#include "base/err.h"
#include "client/client.h"
#include "client/url.h"
#include "http/fields.h"
#include "loop/loop.h"

#include <errno.h>

#define BODY_MAX ((size_t)1 << 20)
#define CHALLENGE_MAX 4096U

struct ask {
    struct loop loop;
    struct timer timeout;
    struct answer *answer;
    int err;
};

void answer_init(struct answer *answer)
{
    *answer = (struct answer){0};
    buf_init(&answer->challenge, CHALLENGE_MAX);
    buf_init(&answer->body, BODY_MAX);
}

void answer_done(struct answer *answer)
{
    buf_done(&answer->challenge);
    buf_done(&answer->body);
}

static void on_head(void *arg, unsigned status, const struct http_fields *fields)
{
    struct ask *ask = arg;
    ask->answer->status = status;
    buf_append_str(&ask->answer->challenge, http_fields_get(fields, STR("WWW-Authenticate")));
}

static void on_body(void *arg, struct str piece)
{
    struct ask *ask = arg;
    buf_append_str(&ask->answer->body, piece);
}

static void on_ended(void *arg, int err)
{
    struct ask *ask = arg;
    ask->err = err;
    loop_stop(&ask->loop);
}

static void on_timeout(struct timer *timer)
{
    struct ask *ask = CONTAINER_OF(timer, struct ask, timeout);
    ask->err = -ETIMEDOUT;
    loop_stop(&ask->loop);
}

int ask_server(const struct client_url *url, struct str request, uint64_t timeout_ms, struct answer *answer)
{
    static const struct client_events events = {.head = on_head, .body = on_body, .ended = on_ended};
    struct ask ask = {.answer = answer};
    struct client *client = NULL;
    int err = loop_init(&ask.loop);
    if (err)
        return err;
    timer_init(&ask.timeout, on_timeout);
    timer_set(&ask.loop, &ask.timeout, loop_now_ms(&ask.loop) + timeout_ms);
    err = client_new(&client, &ask.loop, url, &events, &ask);
    if (!err)
        err = client_send(client, request);
    if (!err) {
        loop_run(&ask.loop);
        err = ask.err;
    }
    timer_cancel(&ask.timeout);
    client_free(client);
    loop_done(&ask.loop);
    return err ? err : answer->body.err;
}
