// An authorization between its files: authorization_details.c and authorization_claims.c read what a token
// says, authorization.c makes the authorization of it.
#pragma once

#include "base/attr.h"
#include "base/buf.h"
#include "base/str.h"
#include "mercure/authorization.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pattern;
struct patterns;

// What the JSON says, checked, before it is known how much memory it takes. Texts are the JSON's.
struct draft_topic {
    struct str match;
    struct pattern *pattern; // one reference; NULL for an exact topic, and for "*"
    size_t detail;
};

struct draft_payload {
    bool is_there;
    size_t start; // in the payloads
    size_t len;
};

struct draft_detail {
    bool publish;
    bool subscribe;
    struct draft_payload payload;
};

// Room for the topics and the details is made at once; whoever adds stays within it.
struct draft {
    struct patterns *patterns;
    uint64_t compiled_before; // patterns->compiled
    size_t topic_count;
    size_t topic_cap;
    struct draft_topic *topics;
    size_t detail_count;
    struct draft_detail *details;
    struct buf payloads;
    struct draft_payload payload; // of the token as a whole
    bool publishes;
};

// -ENOMEM. authorization_finish accepts what has failed.
MUST_CHECK int draft_init(struct draft *draft, struct patterns *patterns, size_t topic_cap,
                          size_t detail_cap);
// Keeps a payload of any kind: NONE, MEMORY, or PAYLOAD when it is too large.
MUST_CHECK enum authorization_reason draft_keep_payload(struct draft *draft, struct draft_payload *payload,
                                                        const struct json *value);
// Reads a topic of the modern form into its place: an object with `match` and perhaps `match_type`.
MUST_CHECK enum authorization_reason draft_read_topic(const struct draft *draft, struct draft_topic *topic,
                                                      const struct json *value);
// Makes the authorization of a draft that `reason` says is good, and ends the draft: what authorization_parse
// answers.
MUST_CHECK int authorization_finish(struct authorization **ret_authorization, struct draft *draft,
                                    enum authorization_reason reason,
                                    enum authorization_reason *reterr_reason);
