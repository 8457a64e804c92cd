#include "hub/subscriptions.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/unescape.h"
#include "conf/conf.h"
#include "http/entity_tag.h"
#include "http/exchange.h"
#include "http/fields.h"
#include "hub/answer.h"
#include "hub/auth.h"
#include "hub/hub.h"
#include "hub/listing.h"
#include "hub/presence.h"
#include "hub/presence_document.h"
#include "hub/sequencer.h"
#include "hub/shard.h"
#include "hub/worker.h"
#include "mercure/subscription.h"
#include "mercure/update.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX ((size_t)1 << 20)
#define SEGMENTS_MAX 3U

// One request; in its exchange's arena.
struct asking {
    struct shard *shard;
    enum generation generation;
    enum presence_question question;
    bool one_kind;
    uint8_t kind;
    struct str match;
    struct str subscriber;
};

static void log_refused(struct asking *asking, struct exchange *exchange, unsigned status, struct str reason)
{
    LOG(LOG_LEVEL_INFO, "Request for subscriptions refused",
        LOG_STR("request_id", exchange_request_id(exchange)), LOG_STR("peer", exchange_peer(exchange)),
        LOG_U64("status", status), LOG_STR("reason", reason), LOG_STR("path", exchange_path(exchange)));
    counter_add(&asking->shard->metrics.rejected_request, 1);
}

static void refuse(struct asking *asking, struct exchange *exchange, unsigned status, struct str text)
{
    log_refused(asking, exchange, status, text);
    answer_text(exchange, status, text);
}

// The path is none of the API's.
static void refuse_path(struct asking *asking, struct exchange *exchange)
{
    log_refused(asking, exchange, 404,
                asking->generation == GENERATION_LEGACY
                    ? STR("behind /subscriptions there may be a topic, and a subscriber")
                    : STR("behind /subscriptions there may be a match_type with a match, and a subscriber"));
    answer_not_found(exchange);
}

// ---- The path ----

// The segments behind the API's path; how many, or SEGMENTS_MAX + 1 for what cannot be one of its paths.
static size_t split(struct str path, struct str segments[SEGMENTS_MAX])
{
    struct str rest = str_slice(path, sizeof(SUBSCRIPTIONS_PATH) - 1, path.len);
    size_t count = 0;
    if (rest.len == 0)
        return 0;
    rest = str_slice(rest, 1, rest.len); // the slash
    struct str segment;
    while (str_split(&rest, '/', &segment)) {
        if (count == SEGMENTS_MAX || segment.len == 0)
            return SEGMENTS_MAX + 1;
        segments[count++] = segment;
    }
    return count;
}

static bool decode_or_refuse(struct asking *asking, struct exchange *exchange, struct str segment,
                             struct str *ret_text)
{
    int err = unescape(segment, asking->generation == GENERATION_LEGACY, exchange_arena(exchange), ret_text);
    if (err == HUB_E_INVALID)
        refuse(
            asking, exchange, 400,
            STR("the path has a \"%\" without two hexadecimal digits after it; write %25 for the character"));
    else if (err)
        answer_unavailable(exchange, STR("Service Unavailable"));
    return err == HUB_OK;
}

static bool read_type(struct asking *asking, struct exchange *exchange, struct str segment)
{
    struct str type;
    if (!decode_or_refuse(asking, exchange, segment, &type))
        return false;
    asking->one_kind = true;
    if (subscription_type_find(type, &asking->kind))
        return true;
    refuse(asking, exchange, 400, STR("unsupported topic matcher type"));
    return false;
}

// What the path asks for. False: it has been answered.
static bool read_path(struct asking *asking, struct exchange *exchange)
{
    struct str segments[SEGMENTS_MAX] = {0};
    struct str *next = segments;
    size_t count = split(exchange_path(exchange), segments);
    size_t types = asking->generation == GENERATION_MODERN && count > 0; // segments with a type
    if (count > types + 2 || (count == 1 && types)) {
        refuse_path(asking, exchange);
        return false;
    }
    asking->question = count == 0 ? PRESENCE_ALL : count == types + 1 ? PRESENCE_MATCH : PRESENCE_ONE;
    if (types && !read_type(asking, exchange, *next++))
        return false;
    if (count > 0 && !decode_or_refuse(asking, exchange, *next++, &asking->match))
        return false;
    return asking->question != PRESENCE_ONE || decode_or_refuse(asking, exchange, *next, &asking->subscriber);
}

// In 0.x the target stands with its query, as it was sent.
static struct str target_of(const struct exchange *exchange, enum generation generation)
{
    struct str path = exchange_path(exchange);
    struct str query = exchange_query(exchange);
    return generation == GENERATION_LEGACY && query.ptr
               ? str_make(path.ptr, (size_t)(query.ptr + query.len - path.ptr))
               : path;
}

// ---- The answer ----

static struct str last_event_id_of(const struct presence_request *request)
{
    return request->newest ? request->newest->record.id : STR("earliest");
}

// Whatever could end or confuse a quoted tag is percent-encoded. In 0.x the id stands as it is.
static void write_tag(struct buf *buf, struct str id, enum generation generation)
{
    if (generation == GENERATION_LEGACY) {
        buf_append_str(buf, id);
        return;
    }
    buf_append_c(buf, '"');
    for (size_t i = 0; i < id.len; i++) {
        unsigned char c = (unsigned char)id.ptr[i];
        if (c < 0x21 || c == '"' || c == '%' || c == 0x7F)
            buf_printf(buf, "%%%02X", c);
        else
            buf_append_c(buf, id.ptr[i]);
    }
    buf_append_c(buf, '"');
}

// Where the events go on.
static void write_link(struct buf *buf, struct str id)
{
    buf_append_str(buf, STR("<" HUB_PATH ">; rel=\"mercure\"; last-event-id=\""));
    for (size_t i = 0; i < id.len; i++) {
        if (id.ptr[i] == '"' || id.ptr[i] == '\\')
            buf_append_c(buf, '\\');
        buf_append_c(buf, id.ptr[i]);
    }
    buf_append_str(buf, STR("\"; type=\"mercure\"; content-type=\"application/json\""));
}

static const struct http_field fields[] = {
    HTTP_FIELD("Cache-Control", "private, no-cache, must-revalidate"),
    HTTP_FIELD("Vary", "Authorization, Cookie"),
    ANSWER_SECURITY_FIELDS,
};

static bool has_current(const struct exchange *exchange, struct str tag)
{
    struct str name;
    struct str value;
    for (size_t i = 0; exchange_header_at(exchange, i, &name, &value); i++) {
        if (str_eq_nocase(name, STR("If-None-Match")) && entity_tag_is_named(value, tag))
            return true;
    }
    return false;
}

// Adds the header fields; whether the client has this answer already.
static bool add_headers(struct exchange *exchange, struct str id, enum generation generation)
{
    struct buf tag;
    struct buf link;
    buf_init(&tag, TEXT_MAX);
    buf_init(&link, TEXT_MAX);
    write_tag(&tag, id, generation);
    exchange_add_header(exchange, STR("ETag"), buf_str(&tag));
    if (generation == GENERATION_MODERN) {
        write_link(&link, id);
        exchange_add_header(exchange, STR("Link"), buf_str(&link));
    }
    exchange_add_constant_headers(exchange, fields, ARRAY_LEN(fields));
    bool current = has_current(exchange, buf_str(&tag));
    if (!current && generation == GENERATION_LEGACY) { // in quotes, as proxies and libraries want tags to be
        buf_clear(&tag);
        write_tag(&tag, id, GENERATION_MODERN);
        current = has_current(exchange, buf_str(&tag));
    }
    buf_done(&tag);
    buf_done(&link);
    return current;
}

static void answer_document(const struct asking *asking, struct exchange *exchange,
                            const struct presence_request *request)
{
    bool is_legacy = asking->generation == GENERATION_LEGACY;
    struct record_subscription subscription;
    struct subscription_view view = {.generation = asking->generation, .active = true, .context = true};
    if (is_legacy)
        view.last_event_id = last_event_id_of(request);
    struct buf body;
    buf_init(&body, 16 * TEXT_MAX);
    (void)record_subscription(&request->document->update->record, &subscription);
    subscription_append_document(&body, &subscription, &view);
    if (body.err)
        exchange_respond(exchange, 503, TEXT_PLAIN, STR("Service Unavailable\n"));
    else
        exchange_respond(exchange, 200, is_legacy ? STR("application/ld+json") : STR("application/json"),
                         buf_str(&body));
    buf_done(&body);
}

static void answer_list(const struct asking *asking, struct exchange *exchange,
                        const struct presence_request *request)
{
    struct listing_config config = {
        .shard = asking->shard,
        .view = request->view,
        .generation = asking->generation,
        .one_kind = asking->one_kind,
        .kind = asking->kind,
        .id = target_of(exchange, asking->generation),
        .last_event_id = last_event_id_of(request),
    };
    int err = listing_send(exchange, &config);
    if (!err)
        return;
    exchange_add_header(exchange, STR("Retry-After"), STR("1"));
    exchange_respond(exchange, 503, TEXT_PLAIN,
                     err == HUB_E_FULL
                         ? STR("Service Unavailable: too many lists of subscriptions are being sent\n")
                         : STR("Service Unavailable\n"));
}

static void answer(const struct asking *asking, struct exchange *exchange,
                   const struct presence_request *request)
{
    if (request->err) {
        answer_unavailable(exchange, STR("Service Unavailable"));
        return;
    }
    bool is_there = asking->question != PRESENCE_ONE || request->document;
    bool current = add_headers(exchange, last_event_id_of(request), asking->generation);
    if (!is_there)
        exchange_respond(exchange, 404, TEXT_PLAIN, STR("404 page not found\n"));
    else if (current)
        exchange_respond(exchange, 304, STR(""), STR(""));
    else if (asking->question == PRESENCE_ONE)
        answer_document(asking, exchange, request);
    else
        answer_list(asking, exchange, request);
}

static void answered(struct message *message)
{
    struct presence_request *request = CONTAINER_OF(message, struct presence_request, message);
    struct exchange *exchange = exchange_find(worker_of(request->shard)->http, request->exchange_id);
    if (exchange)
        answer(exchange_data(exchange), exchange, request);
    if (request->view)
        ref_put(&request->view->ref);
    if (request->document)
        ref_put(&request->document->ref);
    if (request->newest)
        ref_put(&request->newest->ref);
    free(request);
}

// ---- The request ----

// The ids under which a document may be listed: one that the path names whole, or any type of matcher, as 0.x
// knows none.
static size_t write_ids(const struct asking *asking, struct buf *text, size_t ends[SUBSCRIPTION_SELECTOR + 1])
{
    size_t count = 0;
    for (unsigned kind = 0; kind <= SUBSCRIPTION_SELECTOR; kind++) {
        if (asking->one_kind && kind != asking->kind)
            continue;
        struct record_subscription subscription = {
            .kind = (uint8_t)kind, .match = asking->match, .subscriber = asking->subscriber};
        subscription_append_id(text, &subscription, GENERATION_MODERN);
        ends[count++] = text->len;
    }
    return count;
}

static struct presence_request *new_request(const struct asking *asking, struct exchange *exchange)
{
    struct buf text;
    size_t ends[SUBSCRIPTION_SELECTOR + 1];
    size_t count = 0;
    buf_init(&text, TEXT_MAX);
    if (asking->question == PRESENCE_ONE)
        count = write_ids(asking, &text, ends);
    else
        buf_append_str(&text, asking->match);
    struct presence_request *request = text.err ? NULL : calloc(1, sizeof(*request) + text.len);
    if (request) {
        request->message.handle = sequencer_handle_presence;
        request->sequencer = asking->shard->hub->sequencer;
        request->shard = asking->shard;
        request->answered = answered;
        request->exchange_id = exchange_id(exchange);
        request->question = asking->question;
        if (text.len)
            memcpy(request->text, text.ptr, text.len);
        request->match = str_make(request->text, text.len);
        for (size_t start = 0; request->id_count < count; start = ends[request->id_count++])
            request->ids[request->id_count] =
                str_make(request->text + start, ends[request->id_count] - start);
    }
    buf_done(&text);
    return request;
}

static void ask(struct asking *asking, struct exchange *exchange)
{
    struct presence_request *request = new_request(asking, exchange);
    if (!request) {
        answer_unavailable(exchange, STR("Service Unavailable"));
        return;
    }
    exchange_set_data(exchange, asking);
    exchange_on_gone(exchange, NULL); // it all is in the exchange's memory
    outbox_add(&asking->shard->requests, &request->message);
}

// A token of 0.x may grant the target with its query, which with a token in it no selector but "*" matches.
static bool is_granted(const struct authorization *authorization, const struct exchange *exchange,
                       enum generation generation)
{
    return authorization_grants_subscribe(authorization, exchange_path(exchange)) ||
           authorization_grants_subscribe(authorization, target_of(exchange, generation));
}

static void authorized(struct shard *shard, struct exchange *exchange, struct credentials *credentials)
{
    if (!credentials) {
        auth_require(shard, exchange);
        return;
    }
    enum generation generation = credentials->claims->legacy ? GENERATION_LEGACY : GENERATION_MODERN;
    bool granted = is_granted(credentials->authorization, exchange, generation);
    if (!granted)
        auth_forbid(shard, exchange, credentials->claims,
                    "the token does not grant subscribing to the path of the API", exchange_path(exchange));
    ref_put(&credentials->ref);
    if (!granted)
        return;
    struct asking *asking = arena_calloc(exchange_arena(exchange), 1, sizeof(*asking));
    if (!asking) {
        answer_unavailable(exchange, STR("Service Unavailable"));
        return;
    }
    asking->shard = shard;
    asking->generation = generation;
    if (read_path(asking, exchange))
        ask(asking, exchange);
}

bool subscriptions_handle(struct worker *worker, struct exchange *exchange)
{
    struct str path = exchange_path(exchange);
    struct str rest = str_slice(path, sizeof(SUBSCRIPTIONS_PATH) - 1, path.len);
    if (!worker->conf->subscriptions || !str_starts_with(path, STR(SUBSCRIPTIONS_PATH)) ||
        (rest.len && rest.ptr[0] != '/'))
        return false;
    struct shard *shard = worker_shard(worker, exchange);
    // What can be said of the path before it is known who asks, which is read again afterwards: with 0.x it
    // depends on the token.
    struct asking asking = {.shard = shard};
    if (answer_if_allowed(exchange, ANSWER_READ) &&
        (shard->hub->serves_legacy || read_path(&asking, exchange)))
        auth_check(shard, exchange, JWT_ROLE_SUBSCRIBER, authorized);
    return true;
}
