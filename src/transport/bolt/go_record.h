// A record in the history of a Go hub, as an update of ours.
//
// The key is a sequence number (u64, big-endian) and the id; the value is JSON, with members in an order and
// a case that have changed over time: Data, ID, Type, Retry, Topics, Private, Debug. What breaks a rule of
// today but can be sent without harm to anybody is kept.
#pragma once

#include "base/attr.h"
#include "base/str.h"
#include "url/url.h"

#include <stddef.h>
#include <stdint.h>

struct update;

#define GO_KEY_HEAD 8U // the sequence number
#define GO_VALUE_MAX ((size_t)64 << 20)

#define GO_RECORD_FAULTS(X) \
    X(NONE, "") \
    X(KEY, "the key is not a number and an id") \
    X(SIZE, "the update is too large") \
    X(JSON, "the value is not the JSON of an update") \
    X(TARGETS, "they are for targets, which are of an older protocol, and would be sent to others") \
    X(TOPICS, "there is no topic") \
    X(TOPIC_CHARS, "a topic has control or format characters") \
    X(RESERVED, "a topic is in the reserved namespace, as those of subscription events are") \
    X(ID, "the id is empty, or has control characters other than tabs") \
    X(TYPE, "the type is \"mercure\", or has a line end or a zero byte")

enum go_record_fault {
#define X(name, text) GO_RECORD_FAULT_##name,
    GO_RECORD_FAULTS(X)
#undef X
        GO_RECORD_FAULT_COUNT,
};

const char *go_record_fault_text(enum go_record_fault fault);

// What is kept from one record to the next.
struct go_reader {
    struct url _base;
    struct str *_topics;
    size_t _topic_room;
};

// -ENOMEM.
MUST_CHECK int go_reader_init(struct go_reader *reader);
void go_reader_done(struct go_reader *reader);
// The update, accepted at `time_ms`; its one reference is the caller's. HUB_E_INVALID with the reason,
// -ENOMEM.
MUST_CHECK int go_reader_update(struct go_reader *reader, struct str key, struct str value, uint64_t time_ms,
                                struct update **ret_update, enum go_record_fault *reterr_fault);
