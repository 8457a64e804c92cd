#include "hub/presence_document.h"

#include "base/buf.h"
#include "base/err.h"
#include "mercure/subscription.h"
#include "mercure/update.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX ((size_t)16 << 20)
#define LIST_DEPTH 2U // of a document in the list of the API

static void free_document(struct ref *ref)
{
    struct presence_document *document = CONTAINER_OF(ref, struct presence_document, ref);
    ref_put(&document->update->ref);
    free(document);
}

// The texts of both generations; *lens says where one ends.
static void write_texts(struct buf *text, const struct record_subscription *subscription, bool serves_legacy,
                        size_t lens[GENERATIONS])
{
    for (unsigned i = 0; i < (serves_legacy ? GENERATIONS : 1); i++) {
        struct subscription_view view = {
            .generation = (enum generation)i, .active = true, .depth = LIST_DEPTH};
        size_t before = text->len;
        buf_append_str(text, STR(",\n"));
        subscription_append_document(text, subscription, &view);
        lens[i] = text->len - before;
    }
}

int presence_document_new(struct presence_document **ret_document, struct update *update, bool serves_legacy)
{
    struct record_subscription subscription;
    if (!record_subscription(&update->record, &subscription))
        return HUB_E_INVALID;
    struct buf text;
    size_t lens[GENERATIONS] = {0};
    buf_init(&text, TEXT_MAX);
    write_texts(&text, &subscription, serves_legacy, lens);
    struct presence_document *document = text.err ? NULL : malloc(sizeof(*document) + text.len);
    int err = text.err;
    if (!err && !document)
        err = -ENOMEM;
    if (!err) {
        *document = (struct presence_document){.update = update, .kind = subscription.kind};
        ref_init(&document->ref, free_document);
        roll_item_init(&document->item, &document->ref);
        ref_get(&update->ref);
        memcpy(document->text_len, lens, sizeof(lens));
        memcpy(document->text, text.ptr, text.len);
        *ret_document = document;
    }
    buf_done(&text);
    return err;
}

struct str presence_document_text(const struct presence_document *document, enum generation generation)
{
    size_t start = generation == GENERATION_MODERN ? 0 : document->text_len[GENERATION_MODERN];
    return str_make(document->text + start, document->text_len[generation]);
}

size_t presence_document_memory(const struct presence_document *document)
{
    return sizeof(*document) + document->text_len[GENERATION_MODERN] + document->text_len[GENERATION_LEGACY];
}
