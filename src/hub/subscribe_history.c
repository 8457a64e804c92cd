// Where in the history a stream begins. A last event id is looked for in the tail, then by the hub thread in
// the transport, and then once more in the tail, which may have got it meanwhile.
#include "base/err.h"
#include "base/log.h"
#include "base/uuid.h"
#include "conf/conf.h"
#include "http/exchange.h"
#include "hub/hub.h"
#include "hub/messages.h"
#include "hub/sequencer.h"
#include "hub/shard.h"
#include "hub/subscribe_priv.h"
#include "hub/worker.h"
#include "mercure/update.h"

#include <stdlib.h>
#include <string.h>

// From the place where this worker stood when the request came.
static struct stream_start start_at_request(const struct subscribing *subscribing)
{
    return (struct stream_start){
        .offset = subscribing->head_offset, .position = subscribing->head, .answer = STR("earliest")};
}

static struct stream_start start_at_earliest(void)
{
    return (struct stream_start){.answer = STR("earliest")};
}

static void begin_not_found(struct subscribing *subscribing, struct exchange *exchange)
{
    LOG(LOG_LEVEL_INFO, "The requested last event id is not in the history",
        LOG_STR("request_id", exchange_request_id(exchange)),
        LOG_STR("last_event_id", str_slice(subscribing->last_event_id, 0, 256)));
    struct stream_start start = start_at_request(subscribing);
    subscribe_begin(subscribing, exchange, &start);
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
    struct stream_start start = {
        .offset = entry->offset, .position = entry->position, .answer = subscribing->last_event_id};
    subscribe_begin(subscribing, exchange, &start);
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
        subscribe_send_away(subscribing, exchange, "the history cannot be searched");
        return;
    }
    if (find->found) {
        struct stream_start start = {.position = find->position, .answer = subscribing->last_event_id};
        subscribe_begin(subscribing, exchange, &start);
        return;
    }
    // Batches that came meanwhile have been applied: the id may be in the tail now.
    if (begin_in_tail(subscribing, exchange, false))
        return;
    if (is_discarded(subscribing, find)) {
        struct stream_start start = start_at_earliest();
        subscribe_begin(subscribing, exchange, &start);
        return;
    }
    begin_not_found(subscribing, exchange);
}

static void located(struct message *message)
{
    struct locate_request *request = CONTAINER_OF(message, struct locate_request, message);
    struct exchange *exchange = exchange_find(worker_of(request->shard)->http, request->exchange_id);
    if (exchange)
        begin_located(exchange_data(exchange), exchange, &request->find);
    free(request);
}

static void locate(struct subscribing *subscribing, struct exchange *exchange)
{
    struct str id = subscribing->last_event_id;
    struct locate_request *request = calloc(1, sizeof(*request) + id.len);
    if (!request) {
        subscribe_send_away(subscribing, exchange, "out of memory");
        return;
    }
    memcpy(request->text, id.ptr, id.len);
    request->message.handle = sequencer_handle_locate;
    request->located = located;
    request->sequencer = subscribing->shard->hub->sequencer;
    request->shard = subscribing->shard;
    request->find.id = str_make(request->text, id.len);
    request->exchange_id = exchange_id(exchange);
    subscribe_wait(subscribing, exchange);
    sequencer_post(request->sequencer, &request->message);
}

void subscribe_begin_with_history(struct subscribing *subscribing, struct exchange *exchange)
{
    struct str id = subscribing->last_event_id;
    if (str_eq(id, STR("earliest"))) {
        struct stream_start start = start_at_earliest();
        subscribe_begin(subscribing, exchange, &start);
    } else if (id.len == 0 || id.len > subscribing->shard->hub->conf->max_id_length) {
        begin_not_found(subscribing, exchange);
    } else if (!begin_in_tail(subscribing, exchange, true)) {
        locate(subscribing, exchange);
    }
}
