#include "hub/listing.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/quota.h"
#include "http/exchange.h"
#include "hub/hub.h"
#include "hub/presence_document.h"
#include "hub/roll.h"
#include "json/writer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

// Each list keeps the subscriptions in memory that have gone since it was begun.
#define LISTINGS_MAX 256U
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
    struct hub *hub;
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
    quota_give(&listing->hub->listings, 1);
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
    *listing = (struct listing){.hub = config->hub,
                                .view = config->view,
                                .generation = config->generation,
                                .one_kind = config->one_kind,
                                .kind = config->kind};
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
    if (!quota_take(&config->hub->listings, 1, LISTINGS_MAX))
        return HUB_E_FULL;
    struct listing *listing;
    int err = new_listing(&listing, config);
    if (err) {
        quota_give(&config->hub->listings, 1);
        return err;
    }
    struct str type =
        config->generation == GENERATION_LEGACY ? STR("application/ld+json") : STR("application/json");
    if (send_short(exchange, listing, type))
        source_closed(listing, HTTP_CLOSE_ENDED);
    else
        http_stream_end(exchange_stream(exchange, 200, type, &source_ops, listing));
    return HUB_OK;
}
