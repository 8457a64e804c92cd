// An active subscription as it is listed: the event that announced it, and its documents as members of the
// list of the API, written once and shared by all lists. What threads share of it is immutable. Counted.
#pragma once

#include "base/attr.h"
#include "base/ref.h"
#include "base/str.h"
#include "base/table.h"
#include "hub/roll.h"
#include "mercure/record.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct announcement;
struct presence_match;
struct update;

struct presence_document {
    struct ref ref;
    struct roll_item item;
    struct update *update; // one reference
    uint8_t kind;          // of its matcher
    size_t text_len[GENERATIONS];

    // The hub thread's:
    struct table_node by_id;
    struct presence_match *match;      // where it is listed; NULL when it is not
    struct announcement *announcement; // of this node; NULL
    char text[];                       // of each generation, one behind the other
};

// The document of an active event; the caller has the one reference. -ENOMEM, HUB_E_TOO_BIG.
MUST_CHECK int presence_document_new(struct presence_document **ret_document, struct update *update,
                                     bool serves_legacy);
// ",\n" and the document; without the comma it is the first of a list.
struct str presence_document_text(const struct presence_document *document, enum generation generation);
// The bytes of memory that it has, without the event's.
size_t presence_document_memory(const struct presence_document *document);
