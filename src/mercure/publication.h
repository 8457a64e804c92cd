// What a publisher asks for, and the rules that it must keep (draft-dunglas-mercure-08): characters, sizes,
// reserved names. Who may publish where is the authorization's matter.
#pragma once

#include "base/attr.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct url;

struct publication {
    const struct str *topics; // the first one is canonical, the rest are alternates
    size_t topic_count;
    struct str data;
    struct str id;    // empty: one is to be generated
    struct str type;  // empty: none
    struct str retry; // as text; empty: none
    bool private;
    uint64_t retry_ms; // of `retry`, written by publication_check
};

struct publication_limits {
    size_t max_topics;
    size_t max_topic_length; // bytes, as below
    size_t max_id_length;
    // Whether the topics before this one have taken too long. *state is 0 at the first one. NULL: never.
    bool (*is_too_slow)(size_t index, uint64_t *state);
};

// HUB_OK; HUB_E_INVALID for what breaks a rule, HUB_E_TOO_BIG for too many, too long or too slow topics, both
// with a sentence for the publisher in `reterr`. `base` is the hub's own URL.
MUST_CHECK int publication_check(struct publication *publication, const struct publication_limits *limits,
                                 const struct url *base, struct buf *reterr);
