#include "hub/key_wait.h"

#include "base/err.h"
#include "hub/auth_request.h"
#include "hub/hub.h"
#include "hub/keyring.h"
#include "hub/shard.h"

#include <errno.h>
#include <stdlib.h>

#define WAITING_MAX 1000U
#define PATIENCE_MS 5000U

static struct auth_request *first(const struct key_wait *wait)
{
    struct list *node = list_first(&wait->waiting);
    return node ? CONTAINER_OF(node, struct auth_request, node) : NULL;
}

static void resume(struct key_wait *wait, struct auth_request *request)
{
    auth_resume(request);
    wait->count--;
}

static void left(struct auth_request *request)
{
    struct key_wait *wait = request->waits_for;
    wait->count--;
}

// Those who came later have a little less: one timer does for all.
static void patience_over(struct timer *timer)
{
    struct key_wait *wait = CONTAINER_OF(timer, struct key_wait, patience);
    struct auth_request *request;
    while ((request = first(wait)) != NULL) {
        resume(wait, request);
        auth_give_up(request->shard, request->exchange,
                     "the keys of the token's issuer take too long to come");
    }
}

static void answered(struct message *message)
{
    struct key_question *question = CONTAINER_OF(message, struct key_question, message);
    struct key_wait *wait = CONTAINER_OF(question, struct key_wait, question);
    wait->asked = false;
    wait->closed_until_ms = question->again_ms;
    timer_cancel(&wait->patience);
    struct auth_request *request;
    while ((request = first(wait)) != NULL) {
        resume(wait, request);
        auth_begin(request);
    }
}

int key_waits_new(struct shard *shard, size_t count)
{
    shard->key_waits = calloc(count + 1, sizeof(*shard->key_waits));
    if (!shard->key_waits)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        struct key_wait *wait = &shard->key_waits[i];
        wait->question.shard = shard;
        wait->question.source = (unsigned)i + 1;
        wait->question.answered = answered;
        list_init(&wait->waiting);
        timer_init(&wait->patience, patience_over);
    }
    return HUB_OK;
}

static void ask(struct key_wait *wait)
{
    wait->asked = true;
    wait->question.message.handle = keyring_handle_question;
    mailbox_post(keyring_mailbox(wait->question.shard->hub->keyring), &wait->question.message);
}

bool key_wait_begin(const struct auth_request *request, unsigned source)
{
    struct shard *shard = request->shard;
    struct key_wait *wait = &shard->key_waits[source - 1];
    uint64_t now_ms = loop_now_ms(shard->loop);
    if (request->has_waited || now_ms < wait->closed_until_ms || wait->count >= WAITING_MAX)
        return false;
    struct auth_request waiting = *request;
    waiting.has_waited = true;
    if (auth_wait(&waiting, &wait->waiting, left, wait) != HUB_OK)
        return false;
    wait->count++;
    if (!timer_is_set(&wait->patience))
        timer_set(shard->loop, &wait->patience, now_ms + PATIENCE_MS);
    if (!wait->asked)
        ask(wait);
    return true;
}
