#include "hub/publish.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/quota.h"
#include "base/uuid.h"
#include "conf/conf.h"
#include "http/exchange.h"
#include "http/form.h"
#include "hub/answer.h"
#include "hub/auth.h"
#include "hub/hub.h"
#include "hub/messages.h"
#include "hub/publish_form.h"
#include "hub/sequencer.h"
#include "hub/shard.h"
#include "hub/worker.h"
#include "mercure/authorization.h"
#include "mercure/publication.h"
#include "mercure/update.h"
#include "sse/encode.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define ERROR_MAX 4096

// How long the topics of one update beyond the first few may be checked, and then compared with grants.
#define TOPICS_AT_ONCE 8
#define TOPICS_MAX_NS (UINT64_C(50) * 1000 * 1000)

// One publish from its head to its answer; in the exchange's arena.
struct publishing {
    struct shard *shard;
    struct credentials *credentials; // one reference, until the body has been read
    struct str event_id; // for the answer: the update is the hub thread's once it has been handed over
};

// ---- Refusals ----

// The log tells more than the answer, whose text is what clients know.
static void refuse_because(struct shard *shard, struct exchange *exchange, unsigned status, struct str text,
                           struct str reason)
{
    LOG(LOG_LEVEL_INFO, "Publication refused", LOG_STR("request_id", exchange_request_id(exchange)),
        LOG_STR("peer", exchange_peer(exchange)), LOG_U64("status", status), LOG_STR("reason", reason));
    counter_add(&shard->metrics.rejected_request, 1);
    answer_text(exchange, status, text);
}

static void refuse(struct shard *shard, struct exchange *exchange, unsigned status, struct str text)
{
    refuse_because(shard, exchange, status, text, text);
}

static void refuse_body(struct shard *shard, struct exchange *exchange)
{
    char reason[96];
    (void)snprintf(reason, sizeof(reason), "the body is larger than max_request_body_size, %" PRIu64 " bytes",
                   shard->hub->conf->max_request_body_size);
    refuse_because(shard, exchange, 413, STR("Request Entity Too Large"), str_from_c(reason));
}

static void refuse_unavailable(struct shard *shard, struct exchange *exchange, const char *reason,
                               struct str text)
{
    LOG(LOG_LEVEL_WARN, "Publication not stored", LOG_STR("request_id", exchange_request_id(exchange)),
        LOG_C("reason", reason));
    counter_add(&shard->metrics.publish_failed, 1);
    answer_unavailable(exchange, text);
}

// ---- The update ----

static int encode(const struct publication *publication, struct update **ret_update)
{
    uint64_t now_ms = clock_real_ms();
    char generated[UUID_URN_LEN];
    struct str id = publication->id;
    if (id.len == 0) {
        uuid_urn_v7(generated, now_ms);
        id = str_make(generated, sizeof(generated));
    }
    struct sse_event event = {
        .type = publication->type, .id = id, .data = publication->data, .retry_ms = publication->retry_ms};
    struct record_fields fields = {
        .flags = (uint8_t)((publication->private ? RECORD_PRIVATE : 0) |
                           (publication->id.len == 0 ? RECORD_GENERATED_ID : 0)),
        .time_ms = now_ms,
        .topics = publication->topics,
        .topic_count = publication->topic_count,
        .id = id,
        .frame_size = sse_frame_size(&event),
    };
    char *frame;
    int err = update_new(ret_update, &fields, &frame);
    if (!err)
        sse_frame_write(frame, &event);
    return err;
}

// ---- Settling ----

static void give_pending(struct hub *hub, size_t memory)
{
    quota_give(&hub->pending_publishes, 1);
    quota_give(&hub->pending_bytes, memory);
}

// The request's exchange, unless its client has gone or it has been answered.
static struct exchange *exchange_of(const struct publish_request *request)
{
    return request->exchange_id ? exchange_find(worker_of(request->shard)->http, request->exchange_id) : NULL;
}

static void answer_settled(const struct publish_request *request, struct exchange *exchange)
{
    if (request->queued.result == PUBLISH_STORED) {
        const struct publishing *publishing = exchange_data(exchange);
        answer_add_security_headers(exchange);
        exchange_respond(exchange, 200, TEXT_PLAIN, publishing->event_id);
        return;
    }
    LOG(LOG_LEVEL_WARN, "Publication not stored", LOG_STR("request_id", exchange_request_id(exchange)),
        LOG_C("reason", request->queued.reason));
    answer_unavailable(exchange, request->queued.result == PUBLISH_REFUSED
                                     ? STR("Service Unavailable: the update was not stored")
                                     : STR("Service Unavailable: the update may still appear"));
}

static void settled(struct message *message)
{
    struct publish_request *request = CONTAINER_OF(message, struct publish_request, message);
    struct shard_metrics *metrics = &request->shard->metrics;
    timer_cancel(&request->deadline);
    give_pending(request->shard->hub, request->memory);
    counter_add(request->queued.result == PUBLISH_STORED ? &metrics->published : &metrics->publish_failed, 1);
    histogram_record(&metrics->publish_us, (clock_mono_ns() - request->started_ns) / 1000);
    struct exchange *exchange = exchange_of(request);
    if (exchange)
        answer_settled(request, exchange);
    free(request);
}

static void overdue(struct timer *timer)
{
    struct publish_request *request = CONTAINER_OF(timer, struct publish_request, deadline);
    struct exchange *exchange = exchange_of(request);
    request->exchange_id = 0;
    if (!exchange)
        return;
    LOG(LOG_LEVEL_WARN, "Publication not settled within publish_timeout",
        LOG_STR("request_id", exchange_request_id(exchange)));
    answer_unavailable(exchange, STR("Service Unavailable: the update may still appear"));
}

// ---- Handing over ----

// Counts the update against what may wait; false when that is full.
static bool take_pending(struct hub *hub, size_t memory)
{
    // A single update may always pass, however large it is.
    size_t max_bytes = memory > hub->conf->max_pending_bytes ? memory : hub->conf->max_pending_bytes;
    if (!quota_take(&hub->pending_publishes, 1, hub->conf->max_pending_publishes))
        return false;
    if (quota_take(&hub->pending_bytes, memory, max_bytes))
        return true;
    quota_give(&hub->pending_publishes, 1);
    return false;
}

static struct publish_request *new_request(struct publishing *publishing, struct exchange *exchange,
                                           struct update *update)
{
    struct publish_request *request = calloc(1, sizeof(*request));
    if (!request)
        return NULL;
    struct shard *shard = publishing->shard;
    request->message.handle = sequencer_handle_publish;
    request->settled = settled;
    request->sequencer = shard->hub->sequencer;
    request->shard = shard;
    request->queued.update = update;
    request->memory = update_memory(update);
    request->exchange_id = exchange_id(exchange);
    request->started_ns = clock_mono_ns();
    list_init(&request->queued.node);
    timer_init(&request->deadline, overdue);
    return request;
}

// Takes over the update.
static void hand_over(struct publishing *publishing, struct exchange *exchange, struct update *update)
{
    struct shard *shard = publishing->shard;
    size_t memory = update_memory(update);
    if (!take_pending(shard->hub, memory)) {
        ref_put(&update->ref);
        refuse_unavailable(shard, exchange, "max_pending_publishes or max_pending_bytes is reached",
                           STR("Service Unavailable: too many updates wait to be stored"));
        return;
    }
    publishing->event_id = arena_dup(exchange_arena(exchange), update->record.id);
    struct publish_request *request = new_request(publishing, exchange, update);
    if (!request || !publishing->event_id.ptr) {
        give_pending(shard->hub, memory);
        ref_put(&update->ref);
        free(request);
        answer_unavailable(exchange, STR("Service Unavailable"));
        return;
    }
    timer_set(shard->loop, &request->deadline,
              loop_now_ms(shard->loop) + shard->hub->conf->publish_timeout_ms);
    outbox_add(&shard->requests, &request->message);
}

// ---- The request ----

// Thousands of topics against a token full of templates that nearly match, or with hosts that take long to be
// written in ASCII, would take seconds of this thread, which others wait for. Its own time counts, not that
// of whoever has the core meanwhile, and is looked at once for a few topics, of which the first are never
// held against anybody.
static bool is_too_slow(size_t index, uint64_t *begun_ns)
{
    if (index == 0 || index % TOPICS_AT_ONCE)
        return false;
    uint64_t now_ns = clock_thread_ns();
    if (index == TOPICS_AT_ONCE)
        *begun_ns = now_ns;
    return now_ns - *begun_ns > TOPICS_MAX_NS;
}

// Version 7 of the 0.x protocol: whoever may publish at all may publish what is public anywhere.
static bool is_free(const struct publishing *publishing, const struct publication *publication)
{
    const struct credentials *credentials = publishing->credentials;
    return publishing->shard->hub->conf->legacy.version == 7 && credentials->claims->legacy &&
           credentials->authorization->publishes && !publication->private;
}

static bool is_granted(struct publishing *publishing, struct exchange *exchange,
                       const struct publication *publication)
{
    const struct credentials *credentials = publishing->credentials;
    const struct authorization *authorization = credentials->authorization;
    if (is_free(publishing, publication))
        return true;
    struct str slow = STR("the topics take too long to be checked against the grants of the token");
    uint64_t begun_ns = 0;
    for (size_t i = 0; i < publication->topic_count; i++) {
        if (is_too_slow(i, &begun_ns)) {
            refuse(publishing->shard, exchange, 413, slow);
            return false;
        }
        if (authorization_grants_publish(authorization, publication->topics[i]))
            continue;
        auth_forbid(publishing->shard, exchange, credentials->claims,
                    "the token does not grant publishing on the topic", publication->topics[i]);
        return false;
    }
    return true;
}

// The 0.x protocol reads the query as well, and neither "%zz" nor ";" as anything.
static bool is_well_formed(const struct publishing *publishing, const struct exchange *exchange,
                           struct str body)
{
    return !publishing->credentials->claims->legacy ||
           (form_is_strict(body) && form_is_strict(exchange_query(exchange)));
}

static bool check(struct publishing *publishing, struct exchange *exchange, struct publication *publication)
{
    const struct hub *hub = publishing->shard->hub;
    struct publication_limits limits = {
        .max_topics = hub->conf->max_topics,
        .max_topic_length = hub->conf->max_topic_length,
        .max_id_length = hub->conf->max_id_length,
        .is_too_slow = is_too_slow,
    };
    struct buf reason;
    buf_init(&reason, ERROR_MAX);
    int err = publication_check(publication, &limits, &hub->url, &reason);
    if (err)
        refuse(publishing->shard, exchange, err == HUB_E_TOO_BIG ? 413 : 400, buf_str(&reason));
    buf_done(&reason);
    return !err && is_granted(publishing, exchange, publication);
}

static void publish_body(struct publishing *publishing, struct exchange *exchange, struct str body)
{
    size_t max_topics = publishing->shard->hub->conf->max_topics;
    struct publication publication;
    struct update *update;
    if (!is_well_formed(publishing, exchange, body)) {
        refuse_because(publishing->shard, exchange, 400, STR("Bad Request"),
                       STR("the body or the query has a \";\" or a \"%\" without two digits"));
        return;
    }
    if (publish_form_read(&publication, body, max_topics, exchange_arena(exchange)) != HUB_OK) {
        answer_unavailable(exchange, STR("Service Unavailable"));
        return;
    }
    if (!check(publishing, exchange, &publication))
        return;
    int err = encode(&publication, &update);
    if (err == HUB_E_TOO_BIG)
        refuse(publishing->shard, exchange, 413, STR("Request Entity Too Large"));
    else if (err)
        answer_unavailable(exchange, STR("Service Unavailable"));
    else
        hand_over(publishing, exchange, update);
}

static void body_read(struct exchange *exchange, int err, struct str body)
{
    struct publishing *publishing = exchange_data(exchange);
    struct credentials *credentials = publishing->credentials;
    exchange_on_gone(exchange, NULL);
    if (err)
        refuse_body(publishing->shard, exchange);
    else
        publish_body(publishing, exchange, body);
    ref_put(&credentials->ref);
}

static void gone(struct exchange *exchange)
{
    struct publishing *publishing = exchange_data(exchange);
    ref_put(&publishing->credentials->ref);
}

static void start(struct shard *shard, struct exchange *exchange, struct credentials *credentials)
{
    struct publishing *publishing = arena_alloc(exchange_arena(exchange), sizeof(*publishing));
    if (!publishing) {
        ref_put(&credentials->ref);
        answer_unavailable(exchange, STR("Service Unavailable"));
        return;
    }
    *publishing = (struct publishing){.shard = shard, .credentials = credentials};
    exchange_set_data(exchange, publishing);
    exchange_on_gone(exchange, gone);
    exchange_read_body(exchange, shard->hub->conf->max_request_body_size, body_read);
}

static void authorized(struct shard *shard, struct exchange *exchange, struct credentials *credentials)
{
    if (!credentials) {
        auth_require(shard, exchange);
        return;
    }
    const struct authorization *authorization = credentials->authorization;
    if (topic_set_is_empty(&authorization->publish) && !authorization->publishes) { // whatever the body says
        auth_forbid(shard, exchange, credentials->claims, "the token does not grant publishing on any topic",
                    str_make(NULL, 0));
        ref_put(&credentials->ref);
        return;
    }
    enum form_type form = form_type_of(exchange_header(exchange, STR("Content-Type")));
    if (form == FORM_TYPE_FORM) {
        start(shard, exchange, credentials);
        return;
    }
    ref_put(&credentials->ref);
    if (form == FORM_TYPE_MALFORMED)
        refuse_because(shard, exchange, 400, STR("Bad Request"), STR("the Content-Type is malformed"));
    else
        refuse_because(
            shard, exchange, 400, STR("Missing \"topic\" parameter"),
            STR("the Content-Type is not application/x-www-form-urlencoded: the body is not read"));
}

void publish_handle(struct shard *shard, struct exchange *exchange)
{
    auth_check(shard, exchange, JWT_ROLE_PUBLISHER, authorized);
}
