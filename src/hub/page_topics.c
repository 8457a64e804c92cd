#include "hub/page_topics.h"

#include "base/buf.h"
#include "http/exchange.h"
#include "http/form.h"
#include "hub/answer.h"
#include "hub/shard.h"
#include "mercure/update.h"
#include "json/writer.h"

// A thousand ids with a few topics each.
#define BODY_MAX ((size_t)4 << 20)

static void write_topics(struct json_writer *json, const struct record *record)
{
    struct record_topics topics = {0};
    struct str topic;
    uint32_t hash;
    json_begin_array(json);
    while (record_next_topic(record, &topics, &topic, &hash))
        json_write_str(json, topic);
    json_end_array(json);
}

static void write_update(struct json_writer *json, const struct shard *shard, struct str id)
{
    const struct tail_entry *entry = tail_find_id(&shard->tail, id);
    if (!entry)
        return;
    json_write_key(json, id);
    write_topics(json, &entry->update->record);
}

void page_topics_handle(struct shard *shard, struct exchange *exchange)
{
    struct buf body;
    struct form form;
    struct json_writer json;
    struct str name;
    struct str id;
    buf_init(&body, BODY_MAX);
    json_writer_init(&json, &body, JSON_STYLE_COMPACT);
    form_init(&form, exchange_query(exchange), exchange_arena(exchange));
    json_begin_object(&json);
    while (form_next(&form, &name, &id)) {
        if (str_eq(name, STR("id")))
            write_update(&json, shard, id);
    }
    json_end_object(&json);
    if (form.err || body.err)
        answer_unavailable(exchange, STR("Service Unavailable"));
    else
        answer_uncached(exchange, 200, STR("application/json"), buf_str(&body));
    buf_done(&body);
}
