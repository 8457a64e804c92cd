#include "hub/subscribe.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/random.h"
#include "conf/conf.h"
#include "http/exchange.h"
#include "http/form.h"
#include "hub/answer.h"
#include "hub/auth.h"
#include "hub/hub.h"
#include "hub/shard.h"
#include "hub/subscribe_priv.h"
#include "hub/subscriber.h"
#include "mercure/matcher.h"

// A stream never outlives its token, not by the tick of a timer either.
#define EXPIRY_MARGIN_MS 50

// ---- The stream ----

// In the last tenth of write_timeout at random, so that clients do not come back all at once, and never after
// the token has expired.
static uint64_t end_of_stream(const struct subscribing *subscribing)
{
    uint64_t life_ms = subscribing->shard->hub->conf->write_timeout_ms;
    uint64_t left_ms = life_ms ? life_ms - random_below(life_ms / 10 + 1) : UINT64_MAX;
    if (subscribing->credentials) {
        uint64_t now_ms = clock_real_ms() + EXPIRY_MARGIN_MS;
        uint64_t expires_ms = subscribing->credentials->claims->expires_ms;
        uint64_t valid_ms = expires_ms > now_ms ? expires_ms - now_ms : 0;
        if (valid_ms < left_ms)
            left_ms = valid_ms;
    }
    uint64_t now_ms = loop_now_ms(subscribing->shard->loop);
    return left_ms < UINT64_MAX - now_ms ? now_ms + left_ms : UINT64_MAX;
}

static const struct http_field stream_fields[] = {
    HTTP_FIELD("Cache-Control", "private, no-cache, no-store, must-revalidate, max-age=0"),
    HTTP_FIELD("Pragma", "no-cache"),
    HTTP_FIELD("Expires", "0"),
    HTTP_FIELD("X-Accel-Buffering", "no"),
    ANSWER_SECURITY_FIELDS,
};

// Clients of either protocol know one of the two names.
static void add_stream_headers(const struct subscribing *subscribing, struct exchange *exchange,
                               struct str last_event_id)
{
    exchange_add_constant_headers(exchange, stream_fields, ARRAY_LEN(stream_fields));
    if (last_event_id.ptr)
        exchange_add_header(exchange, STR("Mercure-Last-Event-ID"), last_event_id);
    if (last_event_id.ptr && subscribing->legacy)
        exchange_add_header(exchange, STR("Last-Event-ID"), last_event_id);
}

static void nothing_closed(void *source, enum http_close_reason reason)
{
    (void)source;
    (void)reason;
}

// HEAD: the head of the stream, and no subscription. Nothing is asked of it.
static const struct http_source_ops nothing_source_ops = {.closed = nothing_closed};

static int new_subscriber(struct subscribing *subscribing, const struct stream_start *start,
                          struct subscriber **ret_subscriber)
{
    struct credentials *credentials = subscribing->credentials;
    struct subscriber_config config = {
        .shard = subscribing->shard,
        .matchers = subscribing->matchers,
        .matcher_count = subscribing->matcher_count,
        .legacy = subscribing->legacy,
        .authorization = credentials ? credentials->authorization : NULL,
        .end_ms = end_of_stream(subscribing),
        .offset = start->offset,
        .position = start->position,
    };
    return subscriber_new(ret_subscriber, &config);
}

void subscribe_release(struct subscribing *subscribing)
{
    if (subscribing->credentials)
        ref_put(&subscribing->credentials->ref);
    subscribing->credentials = NULL;
    matchers_done(subscribing->matchers, subscribing->matcher_count);
}

static void log_refused(struct exchange *exchange, struct str reason)
{
    LOG(LOG_LEVEL_INFO, "Subscription refused", LOG_STR("request_id", exchange_request_id(exchange)),
        LOG_STR("peer", exchange_peer(exchange)), LOG_STR("reason", reason));
}

void subscribe_refuse(struct subscribing *subscribing, struct exchange *exchange, unsigned status,
                      struct str text)
{
    subscribe_refuse_for(subscribing, exchange, status, text, text);
}

void subscribe_refuse_for(struct subscribing *subscribing, struct exchange *exchange, unsigned status,
                          struct str text, struct str reason)
{
    log_refused(exchange, reason);
    counter_add(&subscribing->shard->metrics.rejected_request, 1);
    answer_text(exchange, status, text);
}

static void drop(struct subscribing *subscribing, struct exchange *exchange)
{
    subscribe_release(subscribing);
    exchange_abort(exchange);
}

void subscribe_send_away(struct subscribing *subscribing, struct exchange *exchange, const char *reason)
{
    log_refused(exchange, str_from_c(reason));
    drop(subscribing, exchange);
}

static void turn_away(struct subscribing *subscribing, struct exchange *exchange)
{
    static struct log_limit limit;
    static const char reason[] = "max_subscribers or max_connections is reached";
    LOG_LIMITED(&limit, LOG_LEVEL_WARN, "Subscribers are turned away", LOG_C("reason", reason));
    subscribe_send_away(subscribing, exchange, reason);
}

void subscribe_refuse_memory(struct exchange *exchange, int err)
{
    static struct log_limit limit;
    const char *reason = err == HUB_E_TOO_BIG ? "max_matcher_bytes is reached" : err_text(err);
    LOG_LIMITED(&limit, LOG_LEVEL_WARN, "Subscriptions are refused", LOG_C("reason", reason));
    log_refused(exchange, str_from_c(reason));
    exchange_abort(exchange);
}

// The request came before, its body, its place in history or its announcement only now.
static bool is_in_time(const struct subscribing *subscribing)
{
    const struct shard *shard = subscribing->shard;
    return !shard->draining && subscribing->beginnings == shard->beginnings;
}

bool subscribe_stream(struct subscribing *subscribing, struct exchange *exchange)
{
    if (!is_in_time(subscribing)) {
        exchange_abort(exchange);
        return false;
    }
    LOG(LOG_LEVEL_DEBUG, "New subscriber", LOG_STR("request_id", exchange_request_id(exchange)),
        LOG_STR("peer", exchange_peer(exchange)), LOG_U64("matchers", subscribing->matcher_count),
        LOG_STR("last_event_id", subscribing->answer), LOG_C("protocol", subscribing->legacy ? "0.x" : NULL));
    struct subscriber *subscriber = subscribing->subscriber; // the subscription goes with the request
    add_stream_headers(subscribing, exchange, subscribing->answer);
    subscriber_attach(subscriber, exchange_stream(exchange, 200, STR("text/event-stream"),
                                                  &subscriber_source_ops, subscriber));
    return true;
}

void subscribe_begin(struct subscribing *subscribing, struct exchange *exchange,
                     const struct stream_start *start)
{
    exchange_on_gone(exchange, NULL);
    if (exchange_method(exchange) == HTTP_METHOD_HEAD) {
        subscribe_release(subscribing);
        add_stream_headers(subscribing, exchange, start->answer);
        (void)exchange_stream(exchange, 200, STR("text/event-stream"), &nothing_source_ops, NULL);
        return;
    }
    if (!is_in_time(subscribing)) {
        drop(subscribing, exchange);
        return;
    }
    int err = new_subscriber(subscribing, start, &subscribing->subscriber);
    if (err == HUB_E_FULL) {
        turn_away(subscribing, exchange);
        return;
    }
    if (err) {
        subscribe_release(subscribing);
        subscribe_refuse_memory(exchange, err);
        return;
    }
    subscribing->answer = start->answer;
    if (subscribing->shard->hub->conf->subscriptions) {
        subscribe_announce(subscribing, exchange);
        return;
    }
    subscribe_release(subscribing);
    (void)subscribe_stream(subscribing, exchange); // it is in time
}

// ---- The request ----

static void gone(struct exchange *exchange)
{
    subscribe_release(exchange_data(exchange));
}

void subscribe_wait(struct subscribing *subscribing, struct exchange *exchange)
{
    exchange_set_data(exchange, subscribing);
    exchange_on_gone(exchange, gone);
}

static void subscribe(struct subscribing *subscribing, struct exchange *exchange, struct str body)
{
    const struct shard *shard = subscribing->shard;
    if (!subscribe_read_parameters(subscribing, exchange, body)) {
        subscribe_release(subscribing);
        return;
    }
    if (subscribing->wants_explanation) {
        subscribe_explain(subscribing, exchange);
        subscribe_release(subscribing);
        return;
    }
    subscribing->head_offset = shard->tail.next - 1;
    subscribing->head = *tail_head(&shard->tail);
    subscribing->beginnings = shard->beginnings;
    if (subscribing->wants_history) {
        subscribe_begin_with_history(subscribing, exchange);
        return;
    }
    // Its connection may be busy with answers to earlier requests for a while: until it is asked for the
    // first time, it is a cursor that nothing need be kept for.
    struct stream_start now = {.offset = subscribing->head_offset, .position = subscribing->head};
    subscribe_begin(subscribing, exchange, &now);
}

static void body_read(struct exchange *exchange, int err, struct str body)
{
    struct subscribing *subscribing = exchange_data(exchange);
    exchange_on_gone(exchange, NULL);
    if (err) {
        subscribe_refuse(subscribing, exchange, 413, STR("Request Entity Too Large"));
        subscribe_release(subscribing);
        return;
    }
    subscribe(subscribing, exchange, body);
}

// A QUERY whose body has no type, or another than we read, must not be guessed at (RFC 10008).
static void refuse_type(struct subscribing *subscribing, struct exchange *exchange)
{
    log_refused(exchange, STR("the Content-Type of the QUERY is not " FORM_MEDIA_TYPE));
    counter_add(&subscribing->shard->metrics.rejected_request, 1);
    subscribe_release(subscribing);
    answer_not_a_form(exchange);
}

// What as many matchers as there may be take, each as long as it may be and with every byte escaped, and a
// last event id.
static size_t max_query_size(const struct conf *conf)
{
    size_t matcher = 3 * conf->max_matcher_length + sizeof("match_urlpattern=&");
    size_t id = 3 * conf->max_id_length + sizeof("last_event_id=&");
    size_t size = conf->max_matchers * matcher + id;
    size_t max = conf->max_request_body_size;
    return max && max < size ? max : size;
}

static void authorized(struct shard *shard, struct exchange *exchange, struct credentials *credentials)
{
    if (!credentials && !shard->hub->conf->anonymous) {
        auth_require(shard, exchange);
        return;
    }
    struct subscribing *subscribing = arena_calloc(exchange_arena(exchange), 1, sizeof(*subscribing));
    if (!subscribing) {
        if (credentials)
            ref_put(&credentials->ref);
        answer_unavailable(exchange, STR("Service Unavailable"));
        return;
    }
    subscribing->shard = shard;
    subscribing->credentials = credentials;
    subscribing->legacy = credentials && credentials->claims->legacy;
    if (exchange_is_crowded(exchange)) {
        turn_away(subscribing, exchange);
        return;
    }
    if (exchange_method(exchange) != HTTP_METHOD_QUERY) {
        subscribe(subscribing, exchange, STR(""));
        return;
    }
    if (form_type_of(exchange_header(exchange, STR("Content-Type"))) != FORM_TYPE_FORM) {
        refuse_type(subscribing, exchange);
        return;
    }
    subscribe_wait(subscribing, exchange);
    exchange_read_body(exchange, max_query_size(shard->hub->conf), body_read);
}

void subscribe_handle(struct shard *shard, struct exchange *exchange)
{
    auth_check(shard, exchange, JWT_ROLE_SUBSCRIBER, authorized);
}
