#include "hub/listing.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/quota.h"
#include "conf/conf.h"
#include "http/exchange.h"
#include "hub/hub.h"
#include "hub/presence_document.h"
#include "hub/roll.h"
#include "hub/shard.h"
#include "json/writer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

// Each list keeps the subscriptions in memory that have gone since it was begun: there are so many of them,
// and none lives longer than a stream may, or than this.
#define LISTINGS_MAX 256U
#define LIFE_MAX_MS 600000U
#define HEAD_MAX ((size_t)1 << 20)
#define SHORT_COUNT 256U
#define SHORT_MAX 65536U

// What stands before the documents; connections may keep it after the list has gone.
struct head {
    struct ref ref;
    size_t len;
    char bytes[];
};

// How far a list has been given.
struct progress {
    enum { LISTING_HEAD, LISTING_ITEMS, LISTING_END } phase;
    bool any; // there was a document
    struct roll_place place;
};

struct listing {
    struct shard *shard;
    struct http_stream *stream; // NULL as long as there is none
    struct timer timer;         // the end of its life
    struct head *head;
    struct roll_view *view;
    enum generation generation;
    bool one_kind;
    uint8_t kind;
    struct progress progress;
};

// ---- Pieces ----

static struct presence_document *next_document(const struct listing *listing, struct progress *progress)
{
    struct roll_item *item;
    while (listing->view && (item = roll_view_next(listing->view, &progress->place)) != NULL) {
        struct presence_document *document = CONTAINER_OF(item, struct presence_document, item);
        if (!listing->one_kind || document->kind == listing->kind)
            return document;
    }
    return NULL;
}

static struct http_slice document_slice(const struct listing *listing, struct presence_document *document,
                                        bool first)
{
    struct str text = presence_document_text(document, listing->generation);
    return (struct http_slice){.bytes = first ? str_slice(text, 1, text.len) : text, // without the comma
                               .owner = &document->ref,
                               .memory = sizeof(*document) + text.len};
}

// The next piece; false behind the last.
static bool step(const struct listing *listing, struct progress *progress, struct http_slice *ret_slice)
{
    struct presence_document *document;
    switch (progress->phase) {
    case LISTING_HEAD:
        *ret_slice = (struct http_slice){.bytes = str_make(listing->head->bytes, listing->head->len),
                                         .owner = &listing->head->ref,
                                         .memory = sizeof(*listing->head) + listing->head->len};
        progress->phase = LISTING_ITEMS;
        return true;
    case LISTING_ITEMS:
        document = next_document(listing, progress);
        if (document) {
            *ret_slice = document_slice(listing, document, !progress->any);
            progress->any = true;
            return true;
        }
        *ret_slice = (struct http_slice){.bytes = progress->any ? STR("\n  ]\n}") : STR("]\n}")};
        progress->phase = LISTING_END;
        return true;
    case LISTING_END:
        break;
    }
    return false;
}

// ---- The source ----

static size_t source_next(void *source, struct http_slice *slices, size_t max, size_t budget)
{
    const struct listing *listing = source;
    struct progress progress = listing->progress;
    size_t count = 0;
    for (size_t bytes = 0; count < max && bytes < budget && step(listing, &progress, &slices[count]); count++)
        bytes += slices[count].bytes.len;
    return count;
}

static void source_taken(void *source, size_t count, bool full)
{
    struct listing *listing = source;
    struct http_slice slice;
    (void)full;
    while (count-- && step(listing, &listing->progress, &slice))
        continue;
}

static void source_peer_finished(void *source)
{
    (void)source; // there is always something to send
}

static void source_closed(void *source, enum http_close_reason reason)
{
    struct listing *listing = source;
    (void)reason;
    timer_cancel(&listing->timer);
    quota_give(&listing->shard->hub->listings, 1);
    if (listing->view)
        ref_put(&listing->view->ref);
    ref_put(&listing->head->ref);
    free(listing);
}

static const struct http_source_ops source_ops = {
    .next = source_next,
    .taken = source_taken,
    .peer_finished = source_peer_finished,
    .closed = source_closed,
};

// ---- Its life ----

static void life_over(struct timer *timer)
{
    http_stream_cut(CONTAINER_OF(timer, struct listing, timer)->stream, HTTP_CLOSE_STALLED);
}

static void begin_life(struct listing *listing)
{
    struct loop *loop = listing->shard->loop;
    uint64_t life_ms = listing->shard->hub->conf->write_timeout_ms;
    if (life_ms == 0 || life_ms > LIFE_MAX_MS)
        life_ms = LIFE_MAX_MS;
    timer_set(loop, &listing->timer, loop_now_ms(loop) + life_ms);
}

// ---- Begin ----

static void free_head(struct ref *ref)
{
    free(CONTAINER_OF(ref, struct head, ref));
}

static void write_head(struct buf *buf, const struct listing_config *config)
{
    struct json_writer writer;
    bool is_legacy = config->generation == GENERATION_LEGACY;
    json_writer_init(&writer, buf, JSON_STYLE_PRETTY);
    json_begin_object(&writer);
    if (is_legacy)
        json_write_member(&writer, STR("@context"), STR("https://mercure.rocks/"));
    json_write_member(&writer, STR("id"), config->id);
    json_write_member(&writer, STR("type"), is_legacy ? STR("Subscriptions") : STR("subscriptions"));
    if (is_legacy)
        json_write_member(&writer, STR("lastEventID"), config->last_event_id);
    json_write_key(&writer, STR("subscriptions"));
    json_begin_array(&writer); // the documents end what was begun
}

static int new_head(struct head **ret_head, const struct listing_config *config)
{
    struct buf buf;
    buf_init(&buf, HEAD_MAX);
    write_head(&buf, config);
    struct head *head = buf.err ? NULL : malloc(sizeof(*head) + buf.len);
    int err = buf.err;
    if (!err && !head)
        err = -ENOMEM;
    if (!err) {
        *head = (struct head){.len = buf.len};
        ref_init(&head->ref, free_head);
        memcpy(head->bytes, buf.ptr, buf.len);
        *ret_head = head;
    }
    buf_done(&buf);
    return err;
}

static int new_listing(struct listing **ret_listing, const struct listing_config *config)
{
    struct listing *listing = malloc(sizeof(*listing));
    if (!listing)
        return -ENOMEM;
    *listing = (struct listing){.shard = config->shard,
                                .view = config->view,
                                .generation = config->generation,
                                .one_kind = config->one_kind,
                                .kind = config->kind};
    timer_init(&listing->timer, life_over);
    int err = new_head(&listing->head, config);
    if (err) {
        free(listing);
        return err;
    }
    if (listing->view)
        ref_get(&listing->view->ref);
    *ret_listing = listing;
    return HUB_OK;
}

// A short list is answered as one piece, which lets the connection go on. False: it is not short, or there is
// no memory for a copy.
static bool send_short(struct exchange *exchange, const struct listing *listing, struct str type)
{
    if (listing->view && listing->view->count > SHORT_COUNT)
        return false;
    struct buf body;
    struct progress progress = listing->progress;
    struct http_slice slice;
    buf_init(&body, SHORT_MAX);
    while (step(listing, &progress, &slice))
        buf_append_str(&body, slice.bytes);
    bool is_short = body.err == HUB_OK;
    if (is_short)
        exchange_respond(exchange, 200, type, buf_str(&body));
    buf_done(&body);
    return is_short;
}

int listing_send(struct exchange *exchange, const struct listing_config *config)
{
    struct hub *hub = config->shard->hub;
    if (!quota_take(&hub->listings, 1, LISTINGS_MAX))
        return HUB_E_FULL;
    struct listing *listing;
    int err = new_listing(&listing, config);
    if (err) {
        quota_give(&hub->listings, 1);
        return err;
    }
    struct str type =
        config->generation == GENERATION_LEGACY ? STR("application/ld+json") : STR("application/json");
    if (send_short(exchange, listing, type)) {
        source_closed(listing, HTTP_CLOSE_ENDED);
        return HUB_OK;
    }
    listing->stream = exchange_stream(exchange, 200, type, &source_ops, listing);
    http_stream_end(listing->stream);
    begin_life(listing);
    return HUB_OK;
}
