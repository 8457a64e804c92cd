#include "hub/subscribe.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/random.h"
#include "base/uuid.h"
#include "conf/conf.h"
#include "http/exchange.h"
#include "http/form.h"
#include "hub/answer.h"
#include "hub/auth.h"
#include "hub/hub.h"
#include "hub/messages.h"
#include "hub/sequencer.h"
#include "hub/shard.h"
#include "hub/subscriber.h"
#include "hub/worker.h"
#include "mercure/topic_set.h"
#include "mercure/update.h"
#include "url/chars.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ERROR_MAX 4096
// A stream never outlives its token, not by the tick of a timer either.
#define EXPIRY_MARGIN_MS 50

// One subscription from its head to its stream; in the exchange's arena.
struct subscribing {
    struct shard *shard;
    struct credentials *credentials; // one reference, or NULL
    struct str *topics;
    size_t topic_count;
    bool wants_history; // there is a last event id, perhaps an empty one
    struct str last_event_id;
    uint64_t head_offset; // where this worker stood when the request came
    struct position head;
    unsigned beginnings; // of the worker's tail, likewise
};

// Where a stream begins, and what the answer says of it.
struct start {
    uint64_t offset; // 0: by position alone
    struct position position;
    struct str answer; // Mercure-Last-Event-ID
};

// ---- Parameters ----

static bool refuse(struct subscribing *subscribing, struct exchange *exchange, struct str text)
{
    LOG(LOG_LEVEL_INFO, "Subscription refused", LOG_STR("request_id", exchange_request_id(exchange)),
        LOG_STR("peer", exchange_peer(exchange)), LOG_STR("reason", text));
    counter_add(&subscribing->shard->metrics.rejected_request, 1);
    answer_text(exchange, 400, text);
    return false;
}

static bool refuse_unknown(struct subscribing *subscribing, struct exchange *exchange, struct str name)
{
    struct buf text;
    buf_init(&text, ERROR_MAX);
    buf_printf(&text, "unknown topic matcher query parameter: \"%.*s\"", STR_ARG(str_slice(name, 0, 256)));
    if (str_eq(name, STR("topic")))
        buf_append_str(&text, STR(" (use \"match\" or \"match_urlpattern\")"));
    refuse(subscribing, exchange, buf_str(&text));
    buf_done(&text);
    return false;
}

static bool refuse_limit(struct subscribing *subscribing, struct exchange *exchange, struct str what,
                         uint64_t max, struct str unit)
{
    struct buf text;
    buf_init(&text, ERROR_MAX);
    buf_append_str(&text, what);
    buf_append_str(&text, STR(" (max "));
    buf_append_u64(&text, max);
    buf_append_str(&text, unit);
    buf_append_c(&text, ')');
    refuse(subscribing, exchange, buf_str(&text));
    buf_done(&text);
    return false;
}

static bool add_exact(struct subscribing *subscribing, struct exchange *exchange, struct str value)
{
    const struct conf *conf = subscribing->shard->hub->conf;
    if (subscribing->topic_count == conf->max_matchers)
        return refuse_limit(subscribing, exchange, STR("too many matchers"), conf->max_matchers, STR(""));
    if (value.len > conf->max_matcher_length)
        return refuse_limit(subscribing, exchange, STR("pattern too long"), conf->max_matcher_length,
                            STR(" bytes"));
    if (!chars_valid(value))
        return refuse(subscribing, exchange,
                      STR("topic matcher values must be valid UTF-8 without control characters"));
    subscribing->topics[subscribing->topic_count++] = value;
    return true;
}

static bool is_matcher_name(struct str name)
{
    return str_eq_nocase(str_slice(name, 0, 5), STR("match")) || str_eq(name, STR("topic"));
}

static bool is_last_event_id(struct str name)
{
    return str_eq(name, STR("last_event_id")) || str_eq(name, STR("lastEventId"));
}

// False: refused.
static bool read_parameter(struct subscribing *subscribing, struct exchange *exchange, struct str name,
                           struct str value)
{
    if (str_eq(name, STR("match")) || str_eq(name, STR("match_exact")))
        return add_exact(subscribing, exchange, value);
    if (str_eq(name, STR("match_urlpattern")))
        return refuse(subscribing, exchange, STR("URL Pattern matchers are not supported yet"));
    if (is_matcher_name(name))
        return refuse_unknown(subscribing, exchange, name);
    if (is_last_event_id(name)) {
        subscribing->wants_history = true;
        if (subscribing->last_event_id.len == 0)
            subscribing->last_event_id = value;
    }
    return true;
}

// The header field wins over the parameter, unless it is empty.
static void read_header(struct subscribing *subscribing, const struct exchange *exchange)
{
    struct str header = exchange_header(exchange, STR("Last-Event-ID"));
    subscribing->wants_history = header.ptr != NULL;
    subscribing->last_event_id = header;
}

// Adds the parameters of a query or body to those read before. False: refused.
static bool read_form(struct subscribing *subscribing, struct exchange *exchange, struct str text)
{
    struct form form;
    form_init(&form, text, exchange_arena(exchange));
    struct str name;
    struct str value;
    while (form_next(&form, &name, &value)) {
        if (!read_parameter(subscribing, exchange, name, value))
            return false;
    }
    if (form.err)
        answer_unavailable(exchange, STR("Service Unavailable"));
    return form.err == HUB_OK;
}

static bool read_parameters(struct subscribing *subscribing, struct exchange *exchange, struct str body)
{
    size_t max = subscribing->shard->hub->conf->max_matchers;
    subscribing->topics = arena_calloc(exchange_arena(exchange), max, sizeof(*subscribing->topics));
    if (!subscribing->topics) {
        answer_unavailable(exchange, STR("Service Unavailable"));
        return false;
    }
    read_header(subscribing, exchange);
    if (!read_form(subscribing, exchange, exchange_query(exchange)) ||
        !read_form(subscribing, exchange, body))
        return false;
    if (subscribing->topic_count == 0)
        return refuse(subscribing, exchange, STR("missing \"match\" subscription parameter"));
    subscribing->topic_count = topic_set_sort(subscribing->topics, subscribing->topic_count);
    return true;
}

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

static void add_stream_headers(struct exchange *exchange, struct str last_event_id)
{
    exchange_add_constant_headers(exchange, stream_fields, ARRAY_LEN(stream_fields));
    if (last_event_id.ptr)
        exchange_add_header(exchange, STR("Mercure-Last-Event-ID"), last_event_id);
}

static void nothing_closed(void *source, enum http_close_reason reason)
{
    (void)source;
    (void)reason;
}

// HEAD: the head of the stream, and no subscription. Nothing is asked of it.
static const struct http_source_ops nothing_source_ops = {.closed = nothing_closed};

static int new_subscriber(struct subscribing *subscribing, const struct start *start,
                          struct subscriber **ret_subscriber)
{
    struct credentials *credentials = subscribing->credentials;
    struct subscriber_config config = {
        .shard = subscribing->shard,
        .topics = subscribing->topics,
        .topic_count = subscribing->topic_count,
        .authorization = credentials ? credentials->authorization : NULL,
        .end_ms = end_of_stream(subscribing),
        .offset = start->offset,
        .position = start->position,
    };
    return subscriber_new(ret_subscriber, &config);
}

static void release(struct subscribing *subscribing)
{
    if (subscribing->credentials)
        ref_put(&subscribing->credentials->ref);
    subscribing->credentials = NULL;
}

// Without a status: an EventSource comes back from this.
static void send_away(struct subscribing *subscribing, struct exchange *exchange, const char *reason)
{
    LOG(LOG_LEVEL_INFO, "Subscription refused", LOG_STR("request_id", exchange_request_id(exchange)),
        LOG_STR("peer", exchange_peer(exchange)), LOG_C("reason", reason));
    release(subscribing);
    exchange_abort(exchange);
}

static void turn_away(struct subscribing *subscribing, struct exchange *exchange)
{
    static struct log_limit limit;
    static const char reason[] = "max_subscribers or max_connections is reached";
    LOG_LIMITED(&limit, LOG_LEVEL_WARN, "Subscribers are turned away", LOG_C("reason", reason));
    send_away(subscribing, exchange, reason);
}

static void refuse_memory(struct exchange *exchange, int err)
{
    if (err != HUB_E_TOO_BIG) {
        answer_unavailable(exchange, STR("Service Unavailable"));
        return;
    }
    static struct log_limit limit;
    static const char reason[] = "max_matcher_bytes is reached";
    LOG_LIMITED(&limit, LOG_LEVEL_WARN, "Subscriptions are refused", LOG_C("reason", reason));
    LOG(LOG_LEVEL_INFO, "Subscription refused", LOG_STR("request_id", exchange_request_id(exchange)),
        LOG_STR("peer", exchange_peer(exchange)), LOG_C("reason", reason));
    answer_unavailable(exchange, STR("the matchers of all streams together take too much memory "
                                     "(max_matcher_bytes)"));
}

static void begin(struct subscribing *subscribing, struct exchange *exchange, const struct start *start)
{
    exchange_on_gone(exchange, NULL);
    if (exchange_method(exchange) == HTTP_METHOD_HEAD) {
        release(subscribing);
        add_stream_headers(exchange, start->answer);
        (void)exchange_stream(exchange, 200, STR("text/event-stream"), &nothing_source_ops, NULL);
        return;
    }
    const struct shard *shard = subscribing->shard;
    // The request came before, its body or its place in history only now: streams that were open then have
    // been ended, or cut.
    if (shard->draining || subscribing->beginnings != shard->beginnings) {
        release(subscribing);
        exchange_abort(exchange);
        return;
    }
    struct subscriber *subscriber;
    int err = new_subscriber(subscribing, start, &subscriber);
    if (err == HUB_E_FULL) {
        turn_away(subscribing, exchange);
        return;
    }
    release(subscribing);
    if (err) {
        refuse_memory(exchange, err);
        return;
    }
    LOG(LOG_LEVEL_DEBUG, "New subscriber", LOG_STR("request_id", exchange_request_id(exchange)),
        LOG_STR("peer", exchange_peer(exchange)), LOG_U64("matchers", subscribing->topic_count),
        LOG_STR("last_event_id", start->answer));
    add_stream_headers(exchange, start->answer);
    subscriber_attach(subscriber, exchange_stream(exchange, 200, STR("text/event-stream"),
                                                  &subscriber_source_ops, subscriber));
}

// ---- History ----

// From the place where this worker stood when the request came.
static struct start start_at_request(const struct subscribing *subscribing)
{
    return (struct start){
        .offset = subscribing->head_offset, .position = subscribing->head, .answer = STR("earliest")};
}

static struct start start_at_earliest(void)
{
    return (struct start){.answer = STR("earliest")};
}

static void begin_not_found(struct subscribing *subscribing, struct exchange *exchange)
{
    LOG(LOG_LEVEL_INFO, "The requested last event id is not in the history",
        LOG_STR("request_id", exchange_request_id(exchange)),
        LOG_STR("last_event_id", str_slice(subscribing->last_event_id, 0, 256)));
    struct start start = start_at_request(subscribing);
    begin(subscribing, exchange, &start);
}

static bool begin_in_tail(struct subscribing *subscribing, struct exchange *exchange, bool only_earliest)
{
    struct shard *shard = subscribing->shard;
    const struct tail_entry *entry = tail_find_id(&shard->tail, subscribing->last_event_id);
    if (!entry)
        return false;
    // An earlier update with the same id may be in the history, unless the id was made by the hub or nothing
    // lies behind the tail.
    bool earliest = (entry->update->record.flags & RECORD_GENERATED_ID) || shard->tail.before.len == 0 ||
                    !sequencer_has_history(shard->hub->sequencer);
    if (only_earliest && !earliest)
        return false;
    struct start start = {
        .offset = entry->offset, .position = entry->position, .answer = subscribing->last_event_id};
    begin(subscribing, exchange, &start);
    return true;
}

// Whether the id was made by a hub before the oldest update that is kept: it has been discarded.
static bool is_discarded(const struct subscribing *subscribing, const struct find_request *find)
{
    const struct tail *tail = &subscribing->shard->tail;
    uint64_t made_ms;
    if (!uuid_urn_time(subscribing->last_event_id, &made_ms))
        return false;
    if (sequencer_has_history(subscribing->shard->hub->sequencer))
        return !find->empty && made_ms < find->oldest_time_ms;
    return tail->first < tail->next && made_ms < tail_at(tail, tail->first)->update->record.time_ms;
}

static void begin_located(struct subscribing *subscribing, struct exchange *exchange,
                          const struct find_request *find)
{
    if (find->err) {
        static struct log_limit limit;
        LOG_LIMITED(&limit, LOG_LEVEL_ERROR, "The history cannot be searched",
                    LOG_C("reason", err_text(find->err)));
        send_away(subscribing, exchange, "the history cannot be searched");
        return;
    }
    if (find->found) {
        struct start start = {.position = find->position, .answer = subscribing->last_event_id};
        begin(subscribing, exchange, &start);
        return;
    }
    // Batches that came meanwhile have been applied: the id may be in the tail now.
    if (begin_in_tail(subscribing, exchange, false))
        return;
    if (is_discarded(subscribing, find)) {
        struct start start = start_at_earliest();
        begin(subscribing, exchange, &start);
        return;
    }
    begin_not_found(subscribing, exchange);
}

static void located(struct message *message)
{
    struct locate_request *request = CONTAINER_OF(message, struct locate_request, message);
    struct worker *worker = CONTAINER_OF(request->shard->loop, struct worker, loop);
    struct exchange *exchange = exchange_find(worker->http, request->exchange_id);
    if (exchange)
        begin_located(exchange_data(exchange), exchange, &request->find);
    free(request);
}

static void gone(struct exchange *exchange)
{
    release(exchange_data(exchange));
}

static void locate(struct subscribing *subscribing, struct exchange *exchange)
{
    struct str id = subscribing->last_event_id;
    struct locate_request *request = calloc(1, sizeof(*request) + id.len);
    if (!request) {
        release(subscribing);
        exchange_abort(exchange);
        return;
    }
    memcpy(request->text, id.ptr, id.len);
    request->message.handle = sequencer_handle_locate;
    request->located = located;
    request->sequencer = subscribing->shard->hub->sequencer;
    request->shard = subscribing->shard;
    request->find.id = str_make(request->text, id.len);
    request->exchange_id = exchange_id(exchange);
    exchange_set_data(exchange, subscribing);
    exchange_on_gone(exchange, gone);
    sequencer_post(request->sequencer, &request->message);
}

static void begin_with_history(struct subscribing *subscribing, struct exchange *exchange)
{
    struct str id = subscribing->last_event_id;
    if (str_eq(id, STR("earliest"))) {
        struct start start = start_at_earliest();
        begin(subscribing, exchange, &start);
    } else if (id.len == 0 || id.len > subscribing->shard->hub->conf->max_id_length) {
        begin_not_found(subscribing, exchange);
    } else if (!begin_in_tail(subscribing, exchange, true)) {
        locate(subscribing, exchange);
    }
}

// ---- The request ----

static void subscribe(struct subscribing *subscribing, struct exchange *exchange, struct str body)
{
    const struct shard *shard = subscribing->shard;
    if (!read_parameters(subscribing, exchange, body)) {
        release(subscribing);
        return;
    }
    subscribing->head_offset = shard->tail.next - 1;
    subscribing->head = *tail_head(&shard->tail);
    subscribing->beginnings = shard->beginnings;
    if (subscribing->wants_history) {
        begin_with_history(subscribing, exchange);
        return;
    }
    // Its connection may be busy with answers to earlier requests for a while: until it is asked for the
    // first time, it is a cursor that nothing need be kept for.
    struct start now = {.offset = subscribing->head_offset, .position = subscribing->head};
    begin(subscribing, exchange, &now);
}

static void body_read(struct exchange *exchange, int err, struct str body)
{
    struct subscribing *subscribing = exchange_data(exchange);
    exchange_on_gone(exchange, NULL);
    if (err) {
        release(subscribing);
        answer_text(exchange, 413, STR("Request Entity Too Large"));
        return;
    }
    subscribe(subscribing, exchange, body);
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

void subscribe_handle(struct worker *worker, struct shard *shard, struct exchange *exchange)
{
    struct credentials *credentials;
    if (!auth_check(worker, shard, exchange, JWT_ROLE_SUBSCRIBER, &credentials))
        return;
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
    if (exchange_is_crowded(exchange)) {
        turn_away(subscribing, exchange);
        return;
    }
    if (exchange_method(exchange) != HTTP_METHOD_QUERY) {
        subscribe(subscribing, exchange, STR(""));
        return;
    }
    exchange_set_data(exchange, subscribing);
    exchange_on_gone(exchange, gone);
    exchange_read_body(exchange, max_query_size(shard->hub->conf), body_read);
}
